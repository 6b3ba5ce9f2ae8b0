"""Chapter 05: tasks 5.5 and 5.6: what a layer says about what was deleted; diff and commit."""

import os
import secrets
import stat

import pytest

from harness import check, expect, task

OPAQUE = "trusted.overlay.opaque"


def changes(box, script, opts=()):
    """The lines of `skiff diff` for a container that has run the script; and its name."""
    name = "c-" + secrets.token_hex(4)
    expect(box.run("sh", "-c", script, opts=["--name", name, *opts]), 0)
    result = expect(box.skiff.run(["diff", name]), 0)
    return result.out.splitlines(), name


@task("5.5")
def test_added_changed_deleted(box):
    os.mkdir(box.path("/srv"))
    script = (
        "echo x > /etc/motd; echo x >> /etc/passwd; rm /etc/hosts; mkdir -p /srv/deep/er; touch /srv/deep/er/f;"
        " ln -s nowhere /srv/link; mknod /srv/pipe p; touch /tmp/gone; rm /tmp/gone"
    )
    lines, _ = changes(box, script)
    wanted = [
        "C /etc",
        "D /etc/hosts",
        "A /etc/motd",
        "C /etc/passwd",
        "C /srv",
        "A /srv/deep",
        "A /srv/deep/er",
        "A /srv/deep/er/f",
        "A /srv/link",
        "A /srv/pipe",
        "C /tmp",
    ]
    check(
        lines == wanted,
        f"A container did this: {script}. We ran `skiff diff`.",
        f"Missing: {sorted(set(wanted) - set(lines))}; too much: {sorted(set(lines) - set(wanted))}; or in another order.",
        "A: the image has none. C: the image has one. D: a whiteout hides the image's.",
        lambda: (
            "a whiteout was not recognised: a character device whose number is 0:0."
            if "D /etc/hosts" not in lines
            else (
                "exists_below() says whether the image has something of that name."
                if any(line[2:] in [one[2:] for one in wanted] for line in set(lines) - set(wanted))
                else ""
            )
        ),
    )


@task("5.5")
def test_devices_are_no_whiteouts(box):
    lines, _ = changes(box, "rm /etc/hosts; mknod /etc/hosts c 1 3; mknod /etc/zero c 1 5; mknod /etc/block b 7 0")
    check(
        lines == ["C /etc", "A /etc/block", "C /etc/hosts", "A /etc/zero"],
        "A container replaced /etc/hosts by a device 1:3 and made two more devices.",
        f"`skiff diff` says {lines}.",
        "Only the character device 0:0 is a whiteout.",
        "it looks at the kind of the file alone, or at its number alone: a whiteout is a character device 0:0.",
    )


@task("5.5")
def test_moved_file(box):
    lines, _ = changes(box, "mv /etc/hosts /etc/moved")
    check(
        lines == ["C /etc", "D /etc/hosts", "A /etc/moved"],
        "A container moved /etc/hosts to /etc/moved.",
        f"`skiff diff` says {lines}.",
        "A move is a new file, and a whiteout where the old one was.",
        "a whiteout was not recognised: a character device whose number is 0:0.",
    )


@task("5.5")
def test_changes_of_several_layers(box, home):
    """What the upper of two layers has deleted does not exist for the container: a new one is added, not changed."""
    lower = os.path.join(home, "lower")
    os.makedirs(lower + "/etc")
    os.mknod(lower + "/etc/hosts", stat.S_IFCHR, 0)
    os.mkdir(lower + "/etc/dir")
    name = "c-" + secrets.token_hex(4)
    script = "test ! -e /etc/hosts; echo x > /etc/hosts; touch /etc/dir/x"
    expect(
        box.skiff.run(["run", "--name", name, "--rootfs", box.root, "--rootfs", lower, "sh", "-c", script]), 0
    )
    lines = box.skiff.run(["diff", name]).out.splitlines()
    check(
        lines == ["C /etc", "C /etc/dir", "A /etc/dir/x", "A /etc/hosts"],
        "A layer deletes /etc/hosts of the image; a container on top of both makes it anew.",
        f"`skiff diff` says {lines}.",
        "A whiteout in a lower layer hides, too.",
        "a whiteout was not recognised: a character device whose number is 0:0.",
    )


@task("5.6")
def test_opaque_directory(box):
    os.makedirs(box.path("/srv/d/sub"))
    for name in ("kept", "gone", "sub/deep"):
        with open(box.path("/srv/d/" + name), "w", encoding="ascii") as file:
            file.write("image\n")
    lines, name = changes(box, "rm -r /srv/d; mkdir /srv/d; echo new > /srv/d/kept; echo new > /srv/d/added")
    check(
        os.getxattr(box.written("/srv/d"), OPAQUE) == b"y",
        "A container removed a directory and made it anew.",
        f"Its layer's directory has no {OPAQUE}=y: this kernel does it otherwise.",
    )
    wanted = ["C /srv", "C /srv/d", "A /srv/d/added", "D /srv/d/gone", "C /srv/d/kept", "D /srv/d/sub"]
    check(
        lines == wanted,
        "A container removed a directory with the files kept, gone and sub/deep, and made it anew with kept and added.",
        f"`skiff diff` says {lines}; it should say {wanted}.",
        "An opaque directory hides all that the layers below have in its place: what it lacks is deleted.",
        lambda: (
            "the mark was not found: is_opaque() reads an extended attribute of the directory."
            if not any(line.startswith("D") for line in lines)
            else ""
        ),
    )


@task("5.6")
def test_ordinary_directories_are_not_opaque(box):
    for value in (None, b"n", b"x"):
        with_mark = secrets.token_hex(4)
        os.makedirs(box.path(f"/{with_mark}"))
        with open(box.path(f"/{with_mark}/below"), "w", encoding="ascii"):
            pass
        name = "c-" + secrets.token_hex(4)
        expect(box.run("touch", f"/{with_mark}/new", opts=["--name", name]), 0)
        if value:
            os.setxattr(box.written("/" + with_mark), OPAQUE, value)
        lines = box.skiff.run(["diff", name]).out.splitlines()
        check(
            lines == [f"C /{with_mark}", f"A /{with_mark}/new"],
            f"A directory of a container's layer has {OPAQUE}={value}.",
            f"`skiff diff` says {lines}.",
            "Opaque is what has the attribute with the value y. The kernel writes others (x: look for whiteouts).",
            "that the attribute is there is not enough: its value has to be y.",
        )


@task("5.6")
def test_opaque_in_a_lower_layer(box, home):
    os.makedirs(box.path("/srv/d"))
    lower = os.path.join(home, "lower")
    os.makedirs(lower + "/srv/d")
    os.setxattr(lower + "/srv/d", OPAQUE, b"y")
    with open(box.path("/srv/d/hidden"), "w", encoding="ascii"):
        pass
    name = "c-" + secrets.token_hex(4)
    script = "test ! -e /srv/d/hidden && touch /srv/d/hidden"
    expect(
        box.skiff.run(["run", "--name", name, "--rootfs", box.root, "--rootfs", lower, "sh", "-c", script]), 0
    )
    lines = box.skiff.run(["diff", name]).out.splitlines()
    check(
        lines == ["C /srv", "C /srv/d", "A /srv/d/hidden"],
        "A layer hides what the image has in /srv/d; a container on top of both makes a file of the same name.",
        f"`skiff diff` says {lines}.",
        "What an opaque directory of a lower layer hides does not exist for the container.",
        "the mark was not found: is_opaque() reads an extended attribute of the directory.",
    )


def test_commit_and_use(box, home):
    os.makedirs(box.path("/srv/d"))
    with open(box.path("/srv/d/old"), "w", encoding="ascii"):
        pass
    script = (
        "echo hi > /etc/motd; rm /etc/hosts; rm -r /srv/d; mkdir /srv/d; touch /srv/d/new; chmod 4751 /srv/d/new;"
        " ln /etc/motd /etc/second; ln -s /etc/motd /etc/link; mknod /etc/pipe p; chown 5:6 /etc/second;"
        " dd if=/dev/zero of=/etc/sparse bs=1 count=1 seek=10000000 2>/dev/null; touch -d @1000000000 /srv/d"
    )
    lines, name = changes(box, script)
    made = os.path.join(home, "made")
    expect(box.skiff.run(["commit", name, made]), 0, made + "\n")
    result = box.skiff.run(
        [
            *["run", "--rm", "--rootfs", box.root, "--rootfs", made, "sh", "-c"],
            (
                "cat /etc/motd /etc/link; ls /srv/d; test ! -e /etc/hosts && echo gone; stat -c '%a %u:%g %h'"
                " /srv/d/new /etc/motd; test -p /etc/pipe && stat -c %Y /srv/d"
            ),
        ]
    )
    expect(
        result,
        0,
        "hi\nhi\nnew\ngone\n4751 0:0 1\n644 5:6 2\n1000000000\n",
        rule="A committed layer, on top of the same image, shows what the container had.",
    )
    check(
        os.stat(made + "/etc/sparse").st_blocks * 512 < 1000000,
        "The container made a file of 10 MB with one byte in it.",
        f"The committed layer's takes {os.stat(made + '/etc/sparse').st_blocks * 512} bytes on disk.",
        "Holes stay holes.",
    )
    again = box.skiff.run(["commit", name, made])
    check(
        again.code == 125 and f"{made}: File exists" in again.err,
        "We committed to a directory that is there already.",
        f"{again.ended}: {again.err!r}",
        "What is there is not overwritten.",
    )


@pytest.mark.parametrize(
    "args, words",
    [
        (["commit", "{name}", "an-image"], "chapter 08"),
        (["commit", "{name}", "{home}/no/where"], "No such file"),
        (["commit", "{name}"], "not enough arguments"),
        (["commit", "nobody", "{home}/made"], "No such container: nobody"),
        (["diff", "nobody"], "No such container: nobody"),
        (["diff"], "not enough arguments"),
        (["diff", "a", "b"], "too many arguments"),
    ],
)
def test_bad_input(box, home, args, words):
    _, name = changes(box, "true")
    result = box.skiff.run([word.format(name=name, home=home) for word in args])
    check(
        result.code in (1, 125) and words in result.err and len(result.complaints) in (1, 2),
        f"We ran `{result.typed}`.",
        f"{result.ended}: {result.err!r}",
        "One line says what is wrong.",
    )
    check(not os.path.exists(home + "/made"), f"We ran `{result.typed}`.", "It made a directory.")


def test_hostile_depth(box, home):
    """A tree 3000 levels deep: no crash, and it can be removed."""
    name = "c-" + secrets.token_hex(4)
    script = (
        "for top in /tmp/a /tmp/b; do mkdir $top; cd $top; i=0; while [ $i -lt 1500 ]; do mkdir d && cd d || exit 1;"
        " i=$((i+1)); done; done; mv /tmp/a ."
    )
    expect(box.run("sh", "-c", script, opts=["--name", name], timeout=60), 0)
    for args in (["diff", name], ["commit", name, home + "/made"]):
        result = box.skiff.run(args)
        check(
            result.code == 125 and len(result.complaints) == 1,
            f"A container made 3000 directories in each other. We ran `skiff {args[0]}`.",
            f"{result.ended}: {result.err[:200]!r}",
            "What can't be done is refused in one line.",
        )
    check(not os.path.exists(home + "/made"), "The commit failed.", "It left a part of the layer.")
    expect(box.skiff.run(["rm", name]), 0, name + "\n")


def test_names_do_not_reach_the_terminal(box, terminal):
    """A terminal obeys escape sequences; a container's file names must not give it orders."""
    name = "c-" + secrets.token_hex(4)
    expect(box.run("touch", "/tmp/\x1b[31mred", opts=["--name", name]), 0)
    screen = terminal(["diff", name])
    shown = screen.read_until("red")
    check(
        "\x1b[31m" not in shown,
        "A container called a file ESC[31mred; we ran `skiff diff` in a terminal.",
        f"It showed {shown!r}.",
        "Control characters are shown as ?.",
    )
