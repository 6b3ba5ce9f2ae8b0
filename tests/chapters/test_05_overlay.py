"""Chapter 05: tasks 5.1 to 5.4: layers shown as one root, what is written goes into a layer of the container's own."""

import os
import secrets
import stat

import pytest

from harness import check, expect, mountinfo, task
from harness.people import Person
from harness.rootfs import layer


def snapshot(top):
    """Everything that can be seen of a tree: it is the same as long as nobody has written to it."""
    found = {}
    for at, dirs, files in os.walk(top):
        for name in [".", *dirs, *files]:
            status = os.lstat(os.path.join(at, name))
            found[os.path.join(at, name)] = (
                status.st_mode,
                status.st_uid,
                status.st_gid,
                status.st_size,
                status.st_mtime_ns,
            )
    return found


@task("5.1")
def test_layers_lie_on_each_other(box, home):
    words = [secrets.token_hex(4) for _ in range(3)]
    layers = [
        layer(home, f"layer{number}", {"which": word, f"only{number}": word})
        for number, word in enumerate(words)
    ]
    result = box.stacked(layers, "sh", "-c", "cat /which /only0 /only1 /only2; test -x /bin/sh && echo .")
    check(
        result.out == words[2] + "".join(words) + ".\n",
        f"We made three layers; each has a file /which with a word of its own, and ran `{result.typed}`.",
        f"It printed {result.out!r}; the words are {words}. {result.err}",
        "All layers are seen as one tree; where two have the same file, the upper one's counts.",
        lambda: (
            "the layers are the wrong way round: the topmost comes first."
            if words[0] in result.out
            else "some of the layers were not handed over."
        ),
    )


@task("5.1")
def test_nothing_but_the_layers_is_seen(box, home):
    result = box.stacked([layer(home, "one", {"only": "1"})], "ls", "-A", "/")
    foreign = sorted(set(result.out.split()) - set(os.listdir(box.root)) - {"only", "dev", "proc", "sys"})
    check(
        result.code == 0 and not foreign,
        f"We ran `{result.typed}`, on the image and a layer with one file.",
        f"It printed {result.out.split()}. Neither has: {foreign}. {result.err}",
        "A container sees what its layers hold, and nothing of skiff's own directory.",
        "one directory too many was handed over: behind the layers, c->layer_fds holds the store.",
    )


@task("5.1")
def test_many_layers(box, home):
    count = 127
    layers = [layer(home, f"l{number}", {f"file{number}": str(number)}) for number in range(count)]
    result = box.stacked(layers, "sh", "-c", "ls / | grep -c file; cat /file0 /file126")
    check(
        result.out == f"{count}\n0126",
        f"We stacked {count} layers on the image.",
        f"It printed {result.out!r}; {result.ended}. {result.err[:300]}",
        "An image may have 128 layers: they are handed over one by one, or by names that are short.",
        "some of the layers were not handed over.",
    )


@task("5.1")
@pytest.mark.parametrize(
    "name", ["with:colon", "with,comma", "upperdir=x,lowerdir=y", "back\\slash", "a space", "\\:\\,"]
)
def test_names_of_layers_are_names(box, home, name):
    word = secrets.token_hex(4)
    top = layer(home, name, {"word": word})
    result = box.stacked([top], "cat", "/word")
    check(
        result.out == word,
        f"We ran a container with a layer whose directory is called {name!r}.",
        f"{result.ended}, and printed {result.out!r}. {result.err}",
        "A colon separates layers and a comma options, for mount(2): a name must not be taken for either.",
        "the path itself was handed over, not that of its descriptor.",
    )


@task("5.2")
def test_image_is_not_written_to(box):
    before = snapshot(box.root)
    result = box.run(
        "sh",
        "-c",
        (
            "echo mine > /etc/motd; echo more >> /etc/passwd; rm /etc/hosts; mkdir -p /srv/new; chmod 700 /home;"
            " chown 5:6 /tmp; mv /etc/group /etc/moved; ln /etc/os-release /etc/linked; echo x >> /etc/linked;"
            " cat /etc/motd"
        ),
        opts=["--rm"],
    )
    expect(result, 0, "mine\n", rule="A container may write where it likes.")
    after = snapshot(box.root)
    changed = sorted(path for path in before | after if before.get(path) != after.get(path))
    check(
        not changed,
        f"We ran `{result.typed}` and compared the image before and after.",
        f"These differ: {changed}.",
        "The image is a lower layer: overlayfs never writes to it. What a container writes goes to the upper layer.",
    )


@task("5.2")
def test_two_containers_of_one_image(box):
    first, second = box.hold(opts=["--rm"]), box.hold(opts=["--rm"])
    roots = [f"/proc/{held.child()}/root" for held in (first, second)]
    words = [secrets.token_hex(4) for _ in roots]
    for root, word in zip(roots, words):
        with open(root + "/etc/motd", "w", encoding="ascii") as file:
            file.write(word)
    seen = [open(root + "/etc/motd", encoding="ascii").read() for root in roots]
    check(
        seen == words and not os.path.exists(box.path("/etc/motd")),
        "Two containers of one image each wrote another word to /etc/motd.",
        f"They wrote {words}, and then saw {seen}; the image has one: {os.path.exists(box.path('/etc/motd'))}.",
        "Each container has an upper layer of its own.",
    )
    first.finish()
    second.finish()


@task("5.2")
def test_what_is_written_lies_in_the_layer(box):
    word = secrets.token_hex(4)
    expect(box.run("sh", "-c", f"echo {word} > /etc/motd; rm /etc/hosts"), 0)
    written = box.written("/etc/motd")
    check(
        os.path.exists(written) and open(written, encoding="ascii").read() == word + "\n",
        "We ran a container that wrote to /etc/motd, and looked into $SKIFF_ROOT/containers/ID/diff.",
        "The file is not there.",
        "upperdir is the directory diff below the store.",
        "the upper layer lies somewhere else.",
    )
    gone = os.lstat(box.written("/etc/hosts"))
    check(
        stat.S_ISCHR(gone.st_mode) and gone.st_rdev == 0,
        "The container has removed /etc/hosts.",
        f"In its layer, etc/hosts has mode {gone.st_mode:o}.",
        "What is deleted is marked by a whiteout, a character device 0:0.",
    )
    left = sorted(os.listdir(box.store()))
    check(
        left == ["container.json", "diff"],
        "We looked into $SKIFF_ROOT/containers/ID after the end.",
        f"It holds {left}.",
        "overlayfs's work directory is for as long as the container runs.",
        "workdir is not the directory work below the store.",
    )


def options_of(child):
    """The options of the file system that is the root of a process."""
    root = next(mount for mount in mountinfo(child) if mount["point"] == "/")
    return root, dict(word.partition("=")[::2] for word in root["options"])


@task("5.2")
def test_decisions_about_the_overlay(box):
    held = box.hold(opts=["--rm"])
    root, options = options_of(held.child())
    did = f"We ran `{held.typed}` and read the options of its root: {root['options']}."
    check(root["type"] == "overlay", did, f"It is a {root['type']}.", "The root is an overlay.")
    check(
        options.get("redirect_dir") == "nofollow",
        did,
        "redirect_dir should be nofollow.",
        "A layer's redirect would show another of its directories in this place: a stranger's layer must not.",
        "overlay_options were not all handed over: is_wanted() says which.",
    )
    check(
        options.get("metacopy", "off") == "off" and options.get("index", "off") == "off",
        did,
        "metacopy and index should be off.",
    )
    check(
        "volatile" in options or options.get("fsync") == "volatile",
        did,
        "With --rm it should be volatile.",
        "What is thrown away at the end need not reach the disk.",
        "a flag is an option without a value: its value is NULL.",
    )
    held.finish()
    kept = box.hold()
    _, options = options_of(kept.child())
    check(
        "volatile" not in options and "fsync" not in options,
        f"We ran `{kept.typed}`, without --rm.",
        f"It has {options}.",
        "What is kept must reach the disk.",
        "an option was handed over that is_wanted() does not want.",
    )
    kept.finish()


@task("5.2")
def test_root_looks_as_that_of_the_image(box):
    os.chmod(box.root, 0o751)
    os.chown(box.root, 3, 4)
    result = box.run("stat", "-c", "%a %u:%g", "/", opts=["--rm"])
    check(
        result.out == "751 3:4\n",
        "We gave the image's root mode 751 and owner 3:4.",
        f"In the container `stat -c '%a %u:%g' /` printed {result.out!r}. {result.err}",
        "The root directory is that of the upper layer: it takes over what the image's has.",
    )


@task("5.3")
def test_mount_is_seen_by_the_container_alone(box):
    before = mountinfo()
    held = box.hold(opts=["--rm"])
    root, _ = options_of(held.child())
    check(
        root["type"] == "overlay" and mountinfo() == before,
        f"We ran `{held.typed}` and read the host's mountinfo.",
        "The overlay is mounted on the host, too." if mountinfo() != before else "There is no overlay.",
        "The overlay is made in the container's mount namespace and dies with it.",
    )
    outside = [word for word in root["options"] if box.skiff.home in word]
    check(
        not outside,
        f"We ran `{held.typed}` and read its own /proc/mounts.",
        f"It says {outside}.",
        "A container need not know where on the host its files are: descriptors have names, too.",
    )
    held.finish()


@task("5.3")
def test_overlay_is_made_by_the_new_calls(box):
    """For a few layers on any kernel: fsopen(2) to fsmount(2), and no mount(2) that names a place."""
    held = box.hold(opts=["--rm"])
    root, _ = options_of(held.child())
    check(
        root["source"] == "overlay" and root["type"] == "overlay",
        f"We ran `{held.typed}` and read the command's mountinfo.",
        f"The root is a {root['type']} of {root['source']!r}.",
        "create_overlay() makes a file system from the options; fsmount(2) makes a mount of it.",
    )
    check(
        "rw" in root["flags"],
        f"We ran `{held.typed}` and read the command's mountinfo.",
        f"The root has the flags {root['flags']}.",
        "The root is writable; it is overlay_seal() that makes it read-only, for --read-only.",
        "sys_fsmount() takes no attributes here.",
    )
    held.finish()


@task("5.4")
def test_read_only(box):
    result = box.run(
        "sh",
        "-c",
        (
            "touch /new /etc/hosts; echo x > /etc/passwd; mkdir /home/x; rm /etc/group;"
            " echo ok > /dev/shm/x && cat /dev/shm/x; echo quiet > /dev/null; echo 0 > /proc/self/oom_score_adj && echo ok"
        ),
        opts=["--rm", "--read-only"],
    )
    check(
        result.err.count("Read-only file system") == 5,
        f"We ran `{result.typed}`.",
        f"Five things should have failed with EROFS. Standard error: {result.err!r}.",
        "With --read-only nothing can be written to the root.",
        lambda: (
            "the mount was not made read-only, or only after the command began."
            if "Read-only" not in result.err
            else ""
        ),
    )
    check(
        result.out == "ok\nok\n",
        f"We ran `{result.typed}`.",
        f"It printed {result.out!r}, {result.err!r}.",
        "/dev, /dev/shm and /proc stay writable: programs need them.",
        "AT_RECURSIVE makes the mounts below read-only, too.",
    )


@task("5.4")
def test_read_only_is_not_the_default(box):
    expect(
        box.run("sh", "-c", "echo x > /new && cat /new", opts=["--rm"]),
        0,
        "x\n",
        rule="Without --read-only the root is writable.",
        likely="it was made read-only though CONTAINER_READ_ONLY was not set.",
    )


@task("5.4")
def test_read_only_with_a_new_working_directory(box):
    name = "/srv/" + secrets.token_hex(4)
    expect(
        box.run("pwd", opts=["--rm", "--read-only", "-w", name]),
        0,
        name + "\n",
        rule="The working directory is made before the root becomes read-only.",
    )


@task("5.2")
@pytest.mark.on_disk
@pytest.mark.parametrize("ranges", [False, True], ids=["own ID", "with a range"])
def test_ordinary_user(box, home, ranges):
    person = Person(home, ranges=ranges)
    person.owns(box.root)
    before = snapshot(box.root)
    script = "echo mine > /etc/motd; rm /etc/hosts; rm -r /home; mkdir /home; ls /home; cat /etc/motd"
    if ranges:
        script += "; mkdir -m 700 /srv /srv/5; touch /srv/5/file; chown -R 5:5 /srv/5"
    result = person.run(box, "sh", "-c", script)
    expect(result, 0, "mine\n", rule="Rootless containers have layers, too.")
    check(
        snapshot(box.root) == before,
        f"As user {person.uid} we ran `{result.typed}`.",
        "The image was changed.",
    )
    name = os.path.basename(box.store(person))
    changes = box.skiff.run(["diff", name], **person.how(box.skiff))
    check(
        "C /etc\nD /etc/hosts\nA /etc/motd\n" in changes.out and ("A /srv/5/file\n" in changes.out) == ranges,
        f"As user {person.uid} we ran `skiff diff`.",
        f"It printed {changes.out!r}. {changes.err}",
    )
    expect(box.skiff.run(["rm", name], **person.how(box.skiff)), 0, name + "\n")
    left = [entry for place in ("containers", "temporary") for entry in os.listdir(os.path.join(person.data_dir, place))]
    check(
        not left,
        f"As user {person.uid} we removed the container again.",
        f"Left: {left}.",
        "Files of subordinate IDs are the user's to remove, from inside of a user namespace.",
    )
    expect(person.run(box, "sh", "-c", script, opts=["--rm"]), 0, "mine\n")
    left = [entry for place in ("containers", "temporary") for entry in os.listdir(os.path.join(person.data_dir, place))]
    check(not left, f"As user {person.uid} we ran a container with --rm.", f"Left: {left}.")


@task("5.2")
@pytest.mark.on_disk
def test_user_namespace_of_roots(box):
    os.chown(box.path("/etc/hosts"), 7, 8)
    result = box.run(
        "sh",
        "-c",
        "stat -c %u:%g /etc/hosts /etc; touch /etc/new; chown 5:5 /etc/new; rm -r /home; mkdir /home; ls /home",
        opts=["--uidmap", "0:1000000:65536"],
    )
    expect(result, 0, "7:8\n0:0\n", rule="The image's files keep their owners in a user namespace.")
    made = os.stat(box.written("/etc/new"))
    check(
        (made.st_uid, made.st_gid) == (5, 5),
        f"We ran `{result.typed}`; the container gave /etc/new to 5:5.",
        f"On disk it belongs to {made.st_uid}:{made.st_gid}.",
        "The upper layer is ID-mapped as the lower ones are, so that it can become a layer for anybody.",
    )
