"""Chapter 01: tasks 1.1 (a child) and 1.2 (what it becomes)."""

import os
import random
import re
import secrets
import signal

import pytest

from harness import check, expect, kernel, process_stat, task


def pidfds(pid):
    """The pidfds that a process holds: descriptor -> the PID that it means."""
    found = {}
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            if os.readlink(f"/proc/{pid}/fd/{name}") in (
                "anon_inode:[pidfd]",
                "pidfd",
            ) or "pidfd" in os.readlink(f"/proc/{pid}/fd/{name}"):
                found[int(name)] = int(
                    re.search(r"^Pid:\s+(-?\d+)", kernel.read_proc(f"{pid}/fdinfo/{name}"), re.M).group(1)
                )
        except FileNotFoundError:
            pass
    return found


@task("1.1")
def test_container_is_born_in_new_namespaces_only_as_asked(box):
    """On stage 1 nothing is isolated yet: the child is in skiff's own namespaces."""
    held = box.hold()
    mine, its = kernel.namespaces(held.pid), kernel.namespaces(held.child())
    wanted = {1: set(), 2: {"mnt"}}.get(box.skiff.stage, {"mnt", "pid", "uts", "ipc", "net", "cgroup"})
    check(
        {kind for kind in mine if mine[kind] != its[kind]} == wanted,
        f"We ran `{held.typed}` and compared the namespaces of skiff and its child.",
        (
            f"These differ: {sorted(kind for kind in mine if mine[kind] != its[kind]) or 'none'}; it should"
            f" be: {sorted(wanted) or 'none'}."
        ),
        (
            "The flags of clone3(2) say which namespaces are made anew: CLONE_PIDFD, and what c->clone_flags"
            " holds."
        ),
        (
            "c->clone_flags is not among the flags."
            if wanted
            else "flags beyond CLONE_PIDFD and c->clone_flags were given."
        ),
    )
    held.release()
    expect(held.wait(), 0)


@task("1.1")
def test_command_is_a_child(box):
    held = box.hold(
        likely="clone3(2) returns in both processes: 0 in the child, the child's PID in the parent."
    )
    below = kernel.children(held.pid)
    did = f"We ran `{held.typed}` and looked at skiff's children in /proc."
    check(
        len(below) == 1,
        did,
        f"skiff (PID {held.pid}) has the children {below or 'none'}.",
        "skiff makes one child, which becomes the command, and stays to wait for it.",
        lambda: (
            "skiff itself became the command: execve(2) ran in the parent."
            if process_stat(held.pid)["comm"] == "hold"
            else "the child made another child, or the clone happened twice."
        ),
    )
    exe = os.readlink(f"/proc/{below[0]}/exe")
    check(exe.endswith("/probe/hold"), did, f"The child runs {exe}.", "The child becomes the command.")
    held.release()
    expect(held.wait(), 0)


@task("1.1")
def test_parent_holds_a_pidfd(box):
    held = box.hold()
    child, fds = held.child(), pidfds(held.pid)
    check(
        child in fds.values(),
        f"We ran `{held.typed}` and looked at skiff's descriptors in /proc/{held.pid}/fd.",
        f"The child's PID is {child}; skiff's pidfds mean: {sorted(fds.values()) or 'there are none'}.",
        (
            "A PID can be given to another process once its owner is gone; a pidfd always means the process"
            " that it was made for."
        ),
        lambda: (
            "CLONE_PIDFD is missing in the flags, so the kernel never stored a descriptor."
            if not fds
            else "the pidfd is not the child's."
        ),
    )
    held.release()
    expect(held.wait(), 0)


@task("1.1")
def test_child_tells_its_parent_when_it_ends(box):
    """With --init: execve(2) would set the field right by itself, but the init never calls it."""
    held = box.hold(opts=["--init"])
    child = held.child()
    exit_signal = int(kernel.read_proc(f"{child}/stat").rsplit(")", 1)[1].split()[35])
    check(
        exit_signal == signal.SIGCHLD,
        f"We ran `{held.typed}` and read the field exit_signal of /proc/{child}/stat.",
        f"It is {exit_signal}.",
        (
            "The end of a child is told by SIGCHLD (17); with 0 the parent hears nothing, and wait(2) does"
            " not see the child."
        ),
        "clone_args.exit_signal was not set: clone3 has a field of its own for it.",
    )
    held.release()
    expect(held.wait(), 0)


@task("1.1")
def test_explain_shows_both_processes(box):
    result = expect(box.run("@die", "0", globals=["--explain=json"]), 0)
    steps = result.explained()["steps"]
    seen = {(step["process"], step["step"]) for step in steps}
    for wanted in (("parent", "process_clone"), ("child", "process_exec"), ("parent", "process_wait")):
        check(
            wanted in seen,
            f"We ran `{result.typed}`.",
            f"No step {wanted[1]!r} of the {wanted[0]}; there are: {sorted(seen)}.",
            (
                "The corridor runs in two processes from the clone on: the steps of the child are recorded by"
                " the child."
            ),
            "process_clone() returned the same value in both processes: the child has to see c->pid == 0.",
        )
    for step in steps:
        check(
            isinstance(step["usec"], (int, float))
            and step["usec"] >= 0
            and isinstance(step["chapter"], (int, type(None)))
            and step["error"] == 0,
            f"We ran `{result.typed}`.",
            f"This step is odd: {step}.",
            "Each step has its chapter, its time, and no error in a run that went well.",
        )


def test_explain_table(box):
    result = expect(box.run("@die", "3", globals=["--explain"]), 3)
    head = [line for line in result.err.splitlines() if line.startswith("PROCESS")]
    check(
        head
        and all(word in head[0].upper() for word in ("CHAPTER", "STEP", "USEC", "KERNEL CALLS"))
        and re.search(r"^child\b.*process_exec", result.err, re.M),
        f"We ran `{result.typed}`.",
        f"Standard error has no table with the steps of both processes: {result.err!r}.",
    )


@task("1.2")
def test_arguments_arrive_as_they_are(box):
    args = [
        "",
        " two  spaces ",
        "--name",
        "-e",
        "*",
        "$HOME",
        "a'b\"c\\",
        "line\nfeed",
        "ünïcode",
        secrets.token_hex(8),
        "",
    ]
    result = box.run("@argv", *args)
    shell = "the arguments were joined into one string and given to a shell."
    seen = [
        bytes(ord(c) for c in word).decode() for word in result.json(shell if "sh: " in result.err else "")
    ]
    check(
        seen == [box.probe("argv"), *args],
        f"We ran a probe with {len(args)} arguments, some of them empty or with spaces: `{result.typed}`.",
        f"It got: {seen}.",
        "execve(2) passes an array: no shell is between, so nothing is split, joined or expanded.",
        lambda: (
            shell
            if "" not in seen
            else (
                "argv[0] is missing: execve(2) gets c->argv, which begins with the command's own name."
                if seen == args
                else "argv[0] is the command as it was typed, and it is there once."
            )
        ),
    )


@task("1.2")
def test_command_is_searched_in_the_path_of_the_container(box):
    name = "cmd-" + secrets.token_hex(4)
    for number, directory in enumerate(("/opt/first", "/opt/second", "/opt/third")):
        os.makedirs(box.path(directory))
        if number:
            os.link(box.path("/probe/die"), box.path(f"{directory}/{name}"))
    with open(box.path(f"/opt/first/{name}"), "w", encoding="ascii") as file:
        file.write("not executable\n")
    path = ":".join(["/nowhere", *(box.inside(d) for d in ("/opt/first", "/opt/second", "/opt/third"))])
    code = random.randint(10, 120)
    result = box.run(name, str(code), opts=["-e", f"PATH={path}"])
    expect(
        result,
        code,
        rule=(
            "A name without a slash is searched in each directory of the container's PATH; one that may not"
            " be executed is passed over."
        ),
        likely=lambda: (
            "the search used skiff's own PATH, or none: execve(2) does not search; execvpe(3) does, in the"
            " PATH of the process, not of the environment that it is given."
            if result.code == 127
            else "the search stopped at the first file of that name."
        ),
    )


def why_not_127(result):
    """Why a command that is not there did not end with 127."""
    if result.code == 9:
        return "execvp(3) searches in the PATH of the calling process: search in the container's environment."
    if result.code == 126:
        return "126 and 127 are mixed up: ENOENT is EXIT_NOT_FOUND, every other error is EXIT_NOT_EXECUTABLE."
    if result.code == 125:
        return (
            "the failure has no exit code of its own, and then it is 125: fail_exit_code(fail(...),"
            " EXIT_NOT_FOUND)."
        )
    return "the child left without the exit code for errno ENOENT."


@task("1.2")
def test_name_is_not_searched_in_skiffs_path(box, home):
    name = "cmd-" + secrets.token_hex(4)
    os.mkdir(home + "/bin")
    os.link(box.path("/probe/die"), f"{home}/bin/{name}")
    result = box.run(name, "9", opts=["-e", "PATH=/usr/bin:/bin"], env={"PATH": f"{home}/bin:/usr/bin:/bin"})
    expect(
        result,
        127,
        rule=(
            "The command is searched in the PATH that the container has, not in the one of the person who"
            " typed skiff."
        ),
        likely=lambda: why_not_127(result),
    )


@task("1.2")
def test_script_runs(box):
    code, script = random.randint(10, 120), box.path("/probe/script")
    with open(script, "w", encoding="ascii") as file:
        file.write('#!/bin/sh\n[ "$1" = word ] && exit "$2"\nexit 121\n')
    os.chmod(script, 0o755)
    expect(
        box.run("@script", "word", str(code)),
        code,
        rule="The kernel reads #! itself: a script is executed like a program.",
    )


def one_line(result, *words):
    lines = result.complaints
    check(
        lines
        and lines[0].startswith("skiff: ")
        and (len(lines) == 1 or len(lines) == 2 and lines[1].startswith("hint: ")),
        f"We ran `{result.typed}`, which has to fail.",
        f"Standard error: {result.err!r}.",
        "Bad input gets one line, `skiff: what was being done: why`, and at most a second line `hint: ...`.",
        lambda: (
            "the failure was not recorded where it happened (fail.h), so nothing was printed."
            if not lines
            else "the failure was printed more than once: by the child, and by main once more."
        ),
    )
    for word in words:
        check(
            word in lines[0],
            f"We ran `{result.typed}`, which has to fail.",
            f"It said: {lines[0]}",
            f"The line should name {word!r}: what was being done, and with what.",
        )


@task("1.2")
@pytest.mark.parametrize("how", ["in the path", "with a slash", "in a missing directory"])
def test_command_not_found_is_127(box, how):
    name = "no-" + secrets.token_hex(4)
    command = {
        "in the path": name,
        "with a slash": box.inside("/bin/") + name,
        "in a missing directory": box.inside("/nowhere/") + name,
    }[how]
    result = box.run(command, "arg")
    expect(
        result,
        127,
        rule=(
            "127 says that there is no such command (ENOENT), 126 that there is one which can't be executed,"
            " 125 that skiff failed."
        ),
        likely=lambda: why_not_127(result),
    )
    one_line(result, name)


@task("1.2")
@pytest.mark.parametrize("how", ["no x bit", "a directory", "in a directory that is a file"])
def test_command_not_executable_is_126(box, how):
    target = box.path("/probe/plain") if how == "no x bit" else box.path("/probe/directory")
    if how == "no x bit":
        with open(target, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 0\n")
        os.chmod(target, 0o644)
    elif how == "a directory":
        os.mkdir(target)
    else:
        target = box.path("/probe/die/command")
    result = box.run(box.inside(target[len(box.root) :]))
    expect(
        result,
        126,
        rule=(
            "126 says that the command was found but can't be executed (EACCES, ENOTDIR ...); 127 is for one"
            " that is not there."
        ),
        likely="every failure of execve(2) is given the same exit code: look at errno.",
    )
    one_line(result, os.path.basename(target))
