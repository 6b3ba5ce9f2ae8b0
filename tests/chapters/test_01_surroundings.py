"""Chapter 01, task 1.4: what the command finds around itself: environment, directory, descriptors, signals."""

import os
import random
import re
import secrets
import signal
import stat

import pytest

from harness import check, expect, task

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(box, *opts, **how):
    seen = box.look("@surroundings", opts=opts, **how)["env"]
    names = [entry.split("=", 1)[0] for entry in seen]
    check(
        len(names) == len(set(names)),
        "We looked at the environment of a container.",
        f"A variable is there twice: {sorted(seen)}.",
        "A variable given again replaces the first.",
    )
    return dict(entry.split("=", 1) for entry in seen)


@task("1.2")
def test_environment_is_the_containers(box):
    secret, key, value = (
        "SECRET_" + secrets.token_hex(4).upper(),
        "K" + secrets.token_hex(3),
        "v=1, two  words " + secrets.token_hex(4),
    )
    seen = environment(box, "-e", f"{key}={value}", "--env", "EMPTY=", env={secret: "do not leak me"})
    hostname = seen.pop("HOSTNAME", "")
    check(
        seen == {"PATH": PATH, "HOME": "/root", key: value, "EMPTY": ""},
        (
            f"We ran a container with -e {key}='{value}' and -e EMPTY=, while skiff had {secret} in its own"
            " environment."
        ),
        f"The command's environment: {seen}.",
        (
            "PATH, HOME and HOSTNAME are set, -e adds to them, and nothing is inherited: skiff's caller has"
            " passwords and tokens there."
        ),
        lambda: (
            "execv(3) and execvp(3) pass on skiff's own environment; execve(2) passes the one that it is"
            " given."
            if secret in seen
            else "PATH is not Docker's." if seen.get("PATH") != PATH else ""
        ),
    )
    if box.skiff.stage >= 3:
        check(
            re.fullmatch(r"[0-9a-f]{12}", hostname),
            "We looked at HOSTNAME in the environment.",
            f"It is {hostname!r}.",
            "HOSTNAME is the container's name: the short ID.",
        )
    else:
        check(hostname, "We looked at HOSTNAME in the environment.", "It is not set.")


def test_environment_options(box, home):
    caller = {"FROM_CALLER": "yes " + secrets.token_hex(4), "IN_FILE": "also"}
    with open(home + "/env", "w", encoding="utf-8") as file:
        file.write("# a comment\n\nA=from file\nB=b=c \nIN_FILE\nNOT_SET_IN_FILE\nPATH=/from/file\n")
    seen = environment(
        box,
        "--env-file",
        home + "/env",
        "-e",
        "FROM_CALLER",
        "-e",
        "NOT_SET",
        "-e",
        "A=first",
        "-e",
        "A=second",
        "-eHOME=/elsewhere",
        "--env=Q=1",
        env=caller,
    )
    seen.pop("HOSTNAME", None)
    check(
        seen
        == {
            "A": "second",
            "B": "b=c ",
            "IN_FILE": "also",
            "FROM_CALLER": caller["FROM_CALLER"],
            "HOME": "/elsewhere",
            "PATH": "/from/file",
            "Q": "1",
        },
        "We ran a container with --env-file and several -e.",
        f"The command's environment: {seen}.",
        (
            "As Docker: -e K takes K from the caller, and nothing if the caller has none; -e wins over the"
            " file, the last over the first, both over the defaults."
        ),
    )


@task("1.4")
def test_working_directory(box):
    name = "d-" + secrets.token_hex(4)
    os.makedirs(box.path(f"/home/{name}"))
    for opts, wanted in (
        ((), "/"),
        (("-w", box.inside(f"/home/{name}")), box.inside(f"/home/{name}")),
        ((f"--workdir={box.inside('/home')}",), box.inside("/home")),
    ):
        result = box.run("@surroundings", opts=opts, cwd=box.skiff.home)
        check(
            result.json()["cwd"] == wanted,
            f"We ran `{result.typed}`.",
            f"The working directory is {result.json()['cwd']}, not {wanted}.",
            "The command starts in -w DIR, as the container sees it, or in /.",
            lambda: (
                "the directory of the caller was kept: enter_workdir() was not called."
                if box.skiff.home in result.out
                else ""
            ),
        )


@task("1.4")
def test_missing_working_directory(box):
    missing = box.inside(f"/srv/{secrets.token_hex(4)}/deep")
    result = box.run("@surroundings", opts=["-w", missing])
    if box.skiff.stage >= 2:
        check(
            result.json()["cwd"] == missing,
            f"We ran `{result.typed}`.",
            f"The working directory is {result.json()['cwd']}.",
            "As Docker: a missing working directory is made.",
        )
        found = os.stat(box.written(missing))
        check(
            stat.S_ISDIR(found.st_mode) and found.st_uid == 0,
            f"We ran `{result.typed}`.",
            "The directory was not made in the root of the container.",
        )
    else:
        check(
            result.code == 125 and not os.path.exists(missing),
            f"We ran `{result.typed}`; the root is the host's own on this stage.",
            f"{result.ended}.",
            "A missing working directory is made only in a root that is the container's own.",
            "enter_workdir() was not called, or what it returned was not looked at.",
        )


@task("1.4")
def test_working_directory_that_cannot_be(box):
    for where, words in ((box.inside("/probe/die"), "die"), (box.inside("/etc/passwd/x"), "passwd")):
        result = box.run("@surroundings", opts=["-w", where])
        check(
            result.code == 125 and len(result.complaints) in (1, 2) and words in result.complaints[0],
            f"We ran `{result.typed}`; that is a file.",
            f"{result.ended}; standard error: {result.err!r}",
            "A working directory that can't be entered is skiff's failure: one line, 125.",
            "what enter_workdir() returned was not looked at: TRY() it.",
        )


@task("1.4")
def test_working_directory_is_not_reached_through_a_descriptor(box, home):
    """The hole CVE-2024-21626: -w /proc/self/fd/7 leads to whatever skiff has open there, outside of the root."""
    fd = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        result = box.run("sh", "-c", "pwd; ls", opts=["-w", f"/proc/self/fd/{fd}"], pass_fds=[fd])
    finally:
        os.close(fd)
    check(
        result.code == 125 and not result.out,
        f"We started skiff with a directory of the host open as descriptor {fd}: `{result.typed}`.",
        f"It should be refused with 125; {result.ended}, and printed {result.out!r}.",
        "The links in /proc/self/fd are magic: they lead to the open file itself, past every root.",
        "the working directory was opened without RESOLVE_NO_MAGICLINKS: enter_workdir() has it.",
    )


@task("1.4")
def test_umask(box):
    def odd_umask():
        os.umask(0o77)

    seen = box.look("@surroundings", before=odd_umask)
    check(
        seen["umask"] == 0o22,
        "We ran skiff with the umask 077 and asked the command for its own.",
        f"It is {seen['umask']:03o}.",
        "The umask is inherited; a container gets 022, whoever started it.",
        (
            "umask(2) was not called."
            if seen["umask"] == 0o77
            else "22 is decimal: a number that begins with 0 is octal in C, and umask(022) is meant."
        ),
    )


def open_descriptors(home):
    """High and low descriptors of all kinds, inheritable, as a careless caller has them open."""
    fds = []
    for source in (
        os.open(home, os.O_RDONLY | os.O_DIRECTORY),
        os.open("/etc/passwd", os.O_RDONLY),
        os.open("/", os.O_PATH | os.O_DIRECTORY),
    ):
        for number in random.sample(range(100, 900), 2):
            os.dup2(source, number, inheritable=True)
            fds.append(number)
        os.close(source)
    read, write = os.pipe()
    for end in (read, write):
        os.dup2(end, end + 40, inheritable=True)
        os.close(end)
        fds.append(end + 40)
    return fds


def seen_fds(result):
    return sorted(entry["fd"] for entry in result.json()["fds"])


@task("1.4")
def test_no_descriptor_leaks(box, home):
    fds = open_descriptors(home)
    try:
        result = box.run("@surroundings", pass_fds=fds)
    finally:
        for fd in set(fds):
            os.close(fd)
    seen = seen_fds(result)

    def likely():
        if set(fds) <= set(seen):
            return (
                "close_range(2) was not called, or for the descriptors that skiff opened itself only: the"
                " caller's are inherited, too."
            )
        if set(seen) & set(fds):
            return (
                "close_range(2) was called, but its first and last are wrong: it takes all from 3 up, to ~0u."
            )
        if not {0, 1, 2} <= set(seen):
            return "0, 1 and 2 are the command's own: the range begins at 3."
        return (
            "a descriptor of skiff's own is not close-on-exec: open everything with O_CLOEXEC, and"
            " close_range(2) with CLOSE_RANGE_CLOEXEC takes the rest."
        )

    check(
        seen == [0, 1, 2],
        (
            f"We started skiff with the descriptors {sorted(fds)} open, among them directories of the host,"
            " and counted those of the command."
        ),
        f"It has {seen}.",
        "A command gets 0, 1 and 2. Through one more, a directory of the host, it can leave its root.",
        likely,
    )


@task("1.4")
def test_preserve_fds(box):
    count, wanted = random.randint(1, 3), []
    fds = []
    for fd in range(3, 9):
        number = os.open("/dev/null", os.O_RDONLY)
        fds.append(number)

    def place():
        for fd in range(3, 9):
            os.dup2(os.open("/dev/null", os.O_RDONLY), fd, inheritable=True)

    try:
        result = box.run(
            "@surroundings", opts=["--preserve-fds", str(count)], before=place, pass_fds=range(3, 9)
        )
    finally:
        for fd in fds:
            os.close(fd)
    wanted = [0, 1, 2, *range(3, 3 + count)]
    check(
        seen_fds(result) == wanted,
        f"We started skiff with 3 to 8 open: `{result.typed}`.",
        f"The command has {seen_fds(result)}; it should have {wanted}.",
        "--preserve-fds N passes on the N descriptors from 3 up, and no other.",
        lambda: (
            "c->preserve_fds was not used."
            if seen_fds(result) == [0, 1, 2]
            else "the range begins at 3 + c->preserve_fds."
        ),
    )


@task("1.4")
def test_preserved_descriptors_are_the_callers(box):
    """A descriptor that skiff opened for itself must not slip in where a preserved one was not open."""
    result = box.run("@surroundings", opts=["--preserve-fds", "4"])
    if result.code == 0:
        check(
            seen_fds(result) == [0, 1, 2],
            f"We ran `{result.typed}` with nothing open from 3 up.",
            f"The command has {seen_fds(result)}.",
            (
                "A preserved descriptor is one of the caller's. What skiff opened for itself is"
                " close-on-exec, also in that range."
            ),
        )
    else:
        expect(result, 125)


def test_signals_are_as_at_boot(box):
    def odd():
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGUSR1, 40})
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)

    for before in (None, odd):
        for opts in ((), ("--init",)):
            seen = box.look("@surroundings", before=before, opts=opts)
            check(
                not seen["blocked"] and not seen["ignored"],
                "We asked a command which signals are blocked and ignored in it"
                + (", with some blocked and ignored in skiff's caller." if before else "."),
                f"Blocked: {seen['blocked']}; ignored: {seen['ignored']}.",
                (
                    "A blocked or ignored signal survives execve(2); a command that finds SIGTERM blocked"
                    " cannot be stopped."
                ),
                (
                    "the mask that skiff needs for itself is still in force in the child: reset it before"
                    " execve(2)."
                ),
            )


def test_standard_streams_are_the_callers(box):
    out_read, out_write = os.pipe()
    inode = os.fstat(out_write).st_ino
    result = box.run("@surroundings", stdout=out_write)
    os.close(out_write)
    with open(out_read, encoding="utf-8") as pipe:
        seen = pipe.read()
    check(
        result.code == 0 and re.search(r'"fd":1,"mode":\d+,"ino":%d\b' % inode, seen),
        f"We ran `{result.typed}` with a pipe as standard output.",
        "The command's descriptor 1 is another file.",
        "0, 1 and 2 are passed on as they are.",
    )


def read_or_nothing(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii") as file:
        return file.read()


@pytest.mark.parametrize(
    "closed", [(0,), (1,), (2,), (0, 1, 2)], ids=lambda fds: "closed " + " ".join(map(str, fds))
)
def test_closed_standard_streams(box, closed):
    """With 0, 1 or 2 closed, the next file that skiff opens would get that number, and the command would write into it."""

    def close_them():
        for fd in closed:
            os.close(fd)

    result = box.run(
        "sh",
        "-c",
        f"echo to-stdout; echo to-stderr >&2; echo done > {box.inside('/tmp/inside')}; exit 7",
        before=close_them,
    )
    if result.code == 7:
        check(
            read_or_nothing(box.written("/tmp/inside")) == "done\n",
            f"We ran `{result.typed}` with {closed} closed.",
            "The command did not run.",
        )
        seen = box.look("@surroundings", before=close_them) if 1 not in closed else None
        check(
            seen is None or [e["fd"] for e in seen["fds"]] == [0, 1, 2],
            "We ran a container with a standard stream closed.",
            f"The command's descriptors: {seen}",
            "A closed standard stream is opened on /dev/null, so that nothing else gets its number.",
        )
    else:
        check(
            result.code == 125 and (2 in closed or len(result.complaints) in (1, 2)),
            f"We ran `{result.typed}` with {closed} closed.",
            f"{result.ended}; standard error: {result.err!r}.",
            "Either it runs, or one line says why not.",
        )
