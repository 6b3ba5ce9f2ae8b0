"""Chapter 05: containers that have ended: kept, found, copied from, removed."""

import json
import os
import secrets
import signal
import stat

import pytest

from harness import check, expect, mountinfo
from harness.wait import until


def kept(box):
    directory = os.path.join(box.skiff.root_dir, "containers")
    return sorted(os.listdir(directory)) if os.path.isdir(directory) else []


def ended(box, script="true", *opts):
    """The name of a container that has run the script and is kept."""
    name = "c-" + secrets.token_hex(4)
    expect(box.run("sh", "-c", script, opts=["--name", name, *opts]), 0)
    return name


def test_kept_without_rm(box):
    result = box.run("sh", "-c", "echo x > /etc/motd; exit 7")
    ids = kept(box)
    record = json.load(open(box.store() + "/container.json", encoding="utf-8"))
    check(
        result.code == 7 and len(ids) == 1 and record["exitCode"] == 7 and record["id"] == ids[0],
        f"We ran `{result.typed}` without --rm.",
        f"{result.ended}; kept are {ids}; container.json says {record}.",
        "As Docker: a container stays when it has ended, with its exit code and all that it wrote.",
    )
    expect(box.run("true", opts=["--rm"]), 0)
    check(kept(box) == ids, "We ran one more with --rm.", "It is kept, too.", "With --rm nothing is kept.")


@pytest.mark.parametrize("command, code", [("/no/such", 127), ("/etc/passwd", 126)])
def test_not_kept_when_it_did_not_start(box, command, code):
    name = "c-" + secrets.token_hex(4)
    expect(box.run(command, opts=["--name", name]), code)
    check(
        not kept(box) and not os.listdir(box.skiff.root_dir + "/temporary"),
        f"We ran {command}, which can't be executed.",
        f"Kept: {kept(box)}.",
        "A container that never began has nothing worth keeping: nothing stays, and its name is free.",
    )
    expect(box.run("true", opts=["--name", name]), 0)


def test_name_stays_taken(box):
    name = ended(box)
    result = box.run("true", opts=["--name", name])
    check(
        result.code == 125 and f"skiff rm {name}" in result.err,
        f"The container {name} has ended; we ran another of that name.",
        f"{result.ended}: {result.err!r}",
        "A name belongs to a container as long as it is kept; the hint tells how to remove it.",
    )
    expect(box.skiff.run(["rm", name]), 0, name + "\n")
    expect(box.run("true", opts=["--name", name, "--rm"]), 0)
    expect(box.run("true", opts=["--name", name, "--rm"]), 0)


def test_rm(box):
    first, second = ended(box, "mkdir -p /srv/a/b; touch /srv/a/b/c"), ended(box)
    short = next(one for one in kept(box) if one not in (first, second))[:12]
    result = box.skiff.run(["rm", first, "nobody", second])
    check(
        result.out.split() == [first, second] and result.code == 1 and "No such container: nobody" in result.err,
        f"We ran `{result.typed}`; there is no container nobody.",
        f"{result.ended}, printed {result.out!r}; {result.err!r}",
        "Each that can be removed is removed and named; the exit code tells that one could not.",
    )
    check(
        not kept(box) and not os.listdir(box.skiff.root_dir + "/names") and not os.listdir(box.skiff.root_dir + "/temporary"),
        "We removed all containers.",
        f"Left: {kept(box)}.",
        "rm gives all storage back, and the names.",
    )
    for opts, code in (([], 1), (["-f"], 0)):
        result = box.skiff.run(["rm", *opts, short])
        check(
            result.code == code and f"No such container: {short}" in result.err and not result.out,
            f"We ran `{result.typed}` after that.",
            f"{result.ended}: {result.err!r}",
            "It says that there is none. With -f that is no failure.",
        )


def test_rm_of_a_running_one(box):
    name, held = box.named()
    result = box.skiff.run(["rm", name])
    check(
        result.code == 1 and "running" in result.err and held.process.poll() is None,
        f"We ran `{result.typed}` while it ran.",
        f"{result.ended}: {result.err!r}",
        "A container that runs is not removed by accident.",
    )
    expect(box.skiff.run(["rm", "-f", name]), 0, name + "\n")
    ended_with = held.wait()
    check(
        ended_with.code == 137 and not kept(box),
        f"We ran `skiff rm -f {name}`.",
        f"The container ended with {ended_with.code}; kept: {kept(box)}.",
        "-f kills it (exit code 137) and then removes it.",
    )
    name, held = box.named("--rm")
    expect(box.skiff.run(["rm", "-f", name]), 0, name + "\n")
    held.wait()


def test_removed_by_an_id(box):
    ended(box)
    short = kept(box)[0][:7]
    expect(box.skiff.run(["rm", short]), 0, short + "\n")


@pytest.mark.parametrize("opts", [[], ["--rm"]], ids=["kept", "with --rm"])
def test_killed_skiff(box, opts):
    """SIGKILL of skiff: a kept container's files stay, nothing stays of the others, no mount, no process."""
    word = secrets.token_hex(4)
    name, held = box.named(*opts)
    with open(f"/proc/{held.child()}/root/etc/motd", "w", encoding="ascii") as file:
        file.write(word)
    assert opts or until(lambda: kept(box)), "a container that runs is kept"  # its command may be faster
    held.send(signal.SIGKILL)
    held.wait()
    listed = box.skiff.run(["ps", "-a"]).out
    if opts:
        expect(box.run("true", opts=["--rm"]), 0)
        check(
            not os.listdir(box.skiff.root_dir + "/temporary") and not kept(box),
            "We killed a skiff that ran a container with --rm, and ran another.",
            "Its files are still there.",
            "What a killed skiff leaves is removed by the next one.",
        )
    else:
        check(
            name in listed,
            "We killed skiff while its container ran.",
            f"`skiff ps -a` shows {listed!r}.",
            "A kept container survives the death of its skiff.",
        )
        target = os.path.join(box.skiff.home, "motd")
        expect(box.skiff.run(["cp", f"{name}:/etc/motd", target]), 0)
        check(open(target, encoding="ascii").read() == word, "We copied a file out of it.", "It has other contents.")
        expect(box.run("true", opts=["--rm"]), 0)
        expect(box.skiff.run(["rm", name]), 0, name + "\n")


def test_ps(box):
    first = ended(box, "exit 0")
    name, held = box.named()
    running, both = box.skiff.run(["ps"]).out, box.skiff.run(["ps", "-a"]).out
    check(
        name in running and first not in running and " Up " in running,
        "One container runs, another has ended. We ran `skiff ps`.",
        f"It printed {running!r}.",
        "Without -a only those that run.",
    )
    rows = both.splitlines()
    check(
        len(rows) == 3 and rows[0].split()[:2] == ["CONTAINER", "ID"] and "Exited (0)" in both and first in both,
        "We ran `skiff ps -a`.",
        f"It printed {both!r}.",
    )
    held.finish()
    for short in box.skiff.run(["ps", "-aq"]).out.split():
        expect(box.skiff.run(["rm", short]), 0, short + "\n")
    check(not kept(box), "We removed all that `skiff ps -aq` lists.", f"Left: {kept(box)}")


def test_ps_of_words_that_are_orders(box):
    """What a command or a layer is called is shown in a terminal, and must not give it orders."""
    expect(box.run("true", "\x1b[31m", "\x9bred", opts=["--name", "orders"]), 0)
    out = box.skiff.run(["ps", "-a", "--no-trunc"]).out
    check(
        "true .[31m ..red" in out and "\x1b" not in out and "\x9b" not in out,
        "A command had ESC [ and U+009B in its words; we ran `skiff ps -a --no-trunc`.",
        f"It printed {out!r}.",
    )


def write(path, text="text\n", mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def tree(top):
    """The names below a directory, sorted."""
    return sorted(
        os.path.relpath(os.path.join(at, name), top) for at, dirs, files in os.walk(top) for name in dirs + files
    )


@pytest.fixture(params=["running", "ended"])
def target(box, request):
    """The name of a container with some files, in either state; `see(path)` reads a file as it is in it."""
    script = "mkdir -p /srv/d/sub; echo one > /srv/d/f; echo two > /srv/d/sub/g; ln -s /srv/d /srv/link; ln -s f /srv/d/l"
    if request.param == "ended":
        yield ended(box, script)
        return
    name = "c-" + secrets.token_hex(4)
    held = box.start("sh", "-c", script + "; exec /probe/hold", opts=["--name", name])
    held.line()
    yield name
    held.finish()


def test_cp_out(box, home, target):
    out = os.path.join(home, "out")
    os.mkdir(out)
    cases = [
        ([f"{target}:/srv/d/f", out], ["f"]),
        ([f"{target}:/srv/d/f", out + "/named"], ["f", "named"]),
        ([f"{target}:srv/d", out + "/new"], ["f", "named", "new", "new/f", "new/l", "new/sub", "new/sub/g"]),
    ]
    for args, wanted in cases:
        result = expect(box.skiff.run(["cp", *args]), 0)
        check(tree(out) == wanted, f"We ran `{result.typed}`.", f"There is now {tree(out)}; it should be {wanted}.")
    expect(box.skiff.run(["cp", f"{target}:/srv/link/.", out + "/contents"]), 0)
    check(tree(out + "/contents") == ["f", "l", "sub", "sub/g"], "We copied /srv/link/.", f"{tree(out + '/contents')}")
    expect(box.skiff.run(["cp", f"{target}:/srv/d/l", out + "/l"]), 0)
    expect(box.skiff.run(["cp", "-L", f"{target}:/srv/d/l", out + "/followed"]), 0)
    check(
        os.readlink(out + "/l") == "f" and open(out + "/followed", encoding="ascii").read() == "one\n",
        "We copied a symbolic link, and with -L what it leads to.",
        f"{tree(out)}",
        "A link is copied as a link; -L follows it.",
    )


def test_cp_in(box, home, target):
    source = os.path.join(home, "source")
    write(source + "/f", "new\n", 0o640)
    write(source + "/sub/h", "h\n")
    expect(box.skiff.run(["cp", source + "/f", f"{target}:/srv/d"]), 0)
    expect(box.skiff.run(["cp", source, f"{target}:/srv/made"]), 0)
    expect(box.skiff.run(["cp", source, f"{target}:/srv/link"]), 0)
    expect(box.skiff.run(["cp", source + "/.", f"{target}:/srv/link/"]), 0)
    back = os.path.join(home, "back")
    expect(box.skiff.run(["cp", f"{target}:/srv", back]), 0)
    wanted = ["d", "d/f", "d/l", "d/source", "d/source/f", "d/source/sub", "d/source/sub/h", "d/sub", "d/sub/g", "d/sub/h"]
    wanted += ["link", "made", "made/f", "made/sub", "made/sub/h"]
    check(
        tree(back) == sorted(wanted) and open(back + "/d/f", encoding="ascii").read() == "new\n",
        "We copied a file over another, a directory under a new name, one into another, and one's contents.",
        f"Missing: {sorted(set(wanted) - set(tree(back)))}; too much: {sorted(set(tree(back)) - set(wanted))}.",
    )
    check(
        stat.S_IMODE(os.stat(back + "/d/f").st_mode) == 0o640,
        "The file had mode 640.",
        f"It has {oct(os.stat(back + '/d/f').st_mode)} after two copies.",
    )


@pytest.mark.parametrize(
    "source, destination, words",
    [
        ("{c}:/no/such", "{home}/x", "No such file"),
        ("{c}:/etc/passwd/", "{home}/x", "Not a directory"),
        ("{home}/file", "{c}:/etc/none/", "no such directory"),
        ("{home}/file", "{c}:/no/such/deep", "No such file"),
        ("{home}/dir", "{c}:/etc/passwd", "can't be copied to a file"),
        ("{home}/none", "{c}:/etc", "No such file"),
        ("{c}:/etc", "{c}:/srv", "both are in containers"),
        ("{home}/file", "{home}/x", "neither is in a container"),
        ("{c}:/etc", "-", "tar"),
        ("nobody:/etc", "{home}/x", "No such container: nobody"),
    ],
)
def test_cp_bad_input(box, home, source, destination, words):
    name = ended(box)
    write(home + "/file")
    os.mkdir(home + "/dir")
    result = box.skiff.run(["cp", *(word.format(c=name, home=home) for word in (source, destination))])
    check(
        result.code in (1, 125) and words in result.err and not os.path.exists(home + "/x"),
        f"We ran `{result.typed}`.",
        f"{result.ended}: {result.err!r}",
        "One line says what is wrong, and nothing is made.",
    )


LINKS = {
    "absolute": "{canary}",
    "many ..": "../../../../../../../../../..{canary}",
    "through /proc": "/proc/1/root{canary}",
    "through its own descriptors": "/proc/self/cwd/../../../..{canary}",
}


@pytest.mark.parametrize("state", ["running", "ended"])
@pytest.mark.parametrize("what", LINKS)
def test_cp_hostile_links(box, home, what, state):
    """A container's links lead to where they lead for it: never to the host's files."""
    word = secrets.token_hex(8)
    canary = write(home + "/canary/secret", word)
    directory = os.path.dirname(canary)
    os.makedirs(box.path("/srv"))
    os.symlink(LINKS[what].format(canary=canary), box.path("/srv/file"))
    os.symlink(LINKS[what].format(canary=directory), box.path("/srv/dir"))
    if state == "running":
        name, held = box.named("--rm")
    else:
        name, held = ended(box), None
    mine = write(home + "/mine", "mine\n")
    for args in (
        ["-L", f"{name}:/srv/file", home + "/out"],
        [f"{name}:/srv/dir/secret", home + "/out"],
        [f"{name}:/srv/dir/", home + "/out"],
        [mine, f"{name}:/srv/file"],
        [mine, f"{name}:/srv/dir/"],
        [mine, f"{name}:/srv/dir/secret"],
        [mine, f"{name}:/srv/dir/new"],
    ):
        box.skiff.run(["cp", *args])
    leaked = [path for path in (home + "/out", home + "/out/secret") if os.path.isfile(path) and word in open(path).read()]
    check(
        not leaked and tree(directory) == ["secret"] and open(canary, encoding="ascii").read() == word,
        f"A container's /srv/file and /srv/dir are links to files of the host ({what}); we copied from and to them.",
        f"Read: {leaked}; the host's directory holds {tree(directory)}.",
        "Every path of a container is looked up inside of its root, by openat2(2) with RESOLVE_IN_ROOT.",
    )
    if held:
        held.finish()


def test_cp_owners(box, home):
    name = ended(box, "touch /tmp/f; chown 5:6 /tmp/f; chmod 4755 /tmp/f")
    mine = write(home + "/mine", mode=0o4711)
    os.chown(mine, 7, 8)
    for opts, uid, mode in (([], 0, 0o755), (["-a"], 5, 0o4755)):
        out = home + "/out" + "".join(opts)
        expect(box.skiff.run(["cp", *opts, f"{name}:/tmp/f", out]), 0)
        found = os.stat(out)
        check(
            (found.st_uid, stat.S_IMODE(found.st_mode)) == (uid, mode),
            f"We copied a file of user 5 with mode 4755 out of a container, with {opts}.",
            f"It belongs to {found.st_uid} and has mode {oct(found.st_mode)}.",
            "Without -a the copy is the caller's own, and a stranger's set-user-ID program does not become root's.",
        )
    for opts, owner in (([], "0:0"), (["-a"], "7:8")):
        expect(box.skiff.run(["cp", *opts, mine, f"{name}:/tmp/in"]), 0)
        expect(box.skiff.run(["cp", "-a", f"{name}:/tmp/in", home + "/back"]), 0)
        found = os.stat(home + "/back")
        check(f"{found.st_uid}:{found.st_gid}" == owner, f"We copied a file of 7:8 into a container, with {opts}.", f"It is {found}.")


def test_cp_special_files(box, home):
    name = ended(box, "mkdir /srv; mknod /srv/pipe p; mknod /srv/null c 1 3; echo x > /srv/f; ln /srv/f /srv/g")
    expect(box.skiff.run(["cp", f"{name}:/srv", home + "/out"]), 0)
    found = {entry: os.lstat(home + "/out/" + entry) for entry in ("pipe", "null", "f", "g")}
    check(
        stat.S_ISFIFO(found["pipe"].st_mode) and found["null"].st_rdev == os.makedev(1, 3) and found["f"].st_ino == found["g"].st_ino,
        "We copied a FIFO, a device and two names of one file.",
        f"They became {found}.",
        "A FIFO is not read, it is made anew; two names of one file stay that.",
    )
    for opts in ([], ["-a"]):
        name = ended(box, "mkdir /srv; mknod -m 666 /srv/full c 1 7; chown 5:6 /srv/full")
        out = home + "/device" + "".join(opts)
        expect(box.skiff.run(["cp", *opts, f"{name}:/srv", out]), 0)
        found = os.lstat(out + "/full")
        check(
            (found.st_mode, found.st_uid, found.st_gid) == (stat.S_IFCHR | 0o600, 0, 0),
            f"We copied a device that is everybody's in the container, with {opts}.",
            f"It became {found}.",
            "A container may make nodes of any device: on the host they are for the caller alone.",
        )


def test_cp_read_only_container(box, home):
    name, held = box.named("--rm", "--read-only")
    result = box.skiff.run(["cp", write(home + "/mine"), f"{name}:/etc/"])
    check(result.code == 125 and "Read-only" in result.err, f"We ran `{result.typed}`.", f"{result.ended}: {result.err!r}")
    held.finish()


@pytest.mark.on_disk
def test_cp_and_user_namespaces(box, home):
    opts = ["--uidmap", "0:1000000:65536"]
    name = "c-" + secrets.token_hex(4)
    expect(box.run("sh", "-c", "echo x > /tmp/f", opts=["--name", name, *opts]), 0)
    expect(box.skiff.run(["cp", f"{name}:/tmp/f", home + "/f"]), 0)
    expect(box.skiff.run(["cp", home + "/f", f"{name}:/tmp/g"]), 0)
    name, held = box.named(*opts, "--rm")
    expect(box.skiff.run(["cp", f"{name}:/etc/hosts", home + "/hosts"]), 0)
    result = box.skiff.run(["cp", home + "/f", f"{name}:/tmp/"])
    check(
        result.code == 125 and "hint:" in result.err,
        "We copied into a container of root's that runs in a user namespace.",
        f"{result.ended}: {result.err!r}",
    )
    held.finish()


def test_nothing_of_a_copy_is_mounted(box, home):
    name = ended(box)
    before = mountinfo()
    expect(box.skiff.run(["cp", write(home + "/mine"), f"{name}:/tmp/"]), 0)
    check(
        mountinfo() == before and sorted(os.listdir(box.store())) == ["container.json", "diff"],
        "We copied into a container that has ended.",
        "Its overlay is mounted on the host, or something stays in its directory.",
    )


@pytest.mark.on_disk
def test_guest_of_a_user_namespace(box):
    """skiff has joined another user namespace by the time at which it keeps, or removes, what was written."""
    name, held = box.named("--rm", "--uidmap", "0:1000000:65536")
    guest = ended(box, "stat -c %u:%g /etc/hosts; echo x > /etc/motd; mkdir /srv; chown 5:5 /srv", f"--userns=container:{name}")
    lines = expect(box.skiff.run(["diff", guest]), 0).out.split("\n")
    check(
        lines == ["C /etc", "A /etc/motd", "A /srv", ""] and os.stat(box.written("/srv")).st_uid == 5,
        "A container in another's user namespace wrote a file, and gave a directory to user 5.",
        f"`skiff diff` says {lines}; on disk it belongs to {os.stat(box.written('/srv')).st_uid}.",
    )
    expect(box.skiff.run(["rm", guest]), 0, guest + "\n")
    expect(box.run("sh", "-c", "mkdir -m 700 /srv /srv/a; chown -R 5:5 /srv", opts=["--rm", f"--userns=container:{name}"]), 0)
    held.finish()
    expect(box.run("true", opts=["--rm"]), 0)
    left = os.listdir(box.skiff.root_dir + "/temporary")
    check(not left, "We ran such a container with --rm, and then another.", f"Left in $SKIFF_ROOT/temporary: {left}.")


def test_ps_tells_who_is_paused(box):
    name, held = box.named()
    lines = [next(line for line in box.skiff.run(["ps"]).out.splitlines() if name in line)]
    for command in ("pause", "unpause"):
        expect(box.skiff.run([command, name]), 0)
        lines.append(next(line for line in box.skiff.run(["ps"]).out.splitlines() if name in line))
    held.finish()
    check(
        ["(Paused)" in line for line in lines] == [False, True, False],
        "We ran `skiff ps` before `skiff pause`, after it, and after `skiff unpause`.",
        f"It printed {lines}.",
    )
