"""Chapter 06: task 6.5: no_new_privs; and skiff's own program, which no container may write to."""

import os
import shutil

import pytest

from harness import check, expect, process_status, task
from harness.people import Person

LIKELY = "prctl(PR_SET_NO_NEW_PRIVS) was not called: without it, only CAP_SYS_ADMIN loads a filter that late."
FLAG = ["--security-opt", "no-new-privileges"]


@pytest.fixture
def suid(box):
    """A set-user-ID program of root's in the image."""
    path = box.path("/suid")
    shutil.copy(box.path("/probe/setuid"), path)
    os.chown(path, 0, 0)
    os.chmod(path, 0o4755)
    return box


def effective(box, opts):
    result = box.run("/suid", opts=["--user", "1000", *opts])
    return result, result.json(LIKELY)["effective"]


@task("6.5")
def test_set_user_id_programs(suid):
    result, uid = effective(suid, FLAG)
    check(
        uid == 1000,
        f"We ran `{result.typed}`; /suid belongs to root and has the set-user-ID bit.",
        f"It runs with the effective user ID {uid}.",
        "With no_new_privs execve(2) gives nobody more than they had: the bit means nothing.",
        "prctl(PR_SET_NO_NEW_PRIVS) was not called.",
    )
    result, uid = effective(suid, [])
    check(uid == 0, f"We ran `{result.typed}`.", f"The effective user ID is {uid}.", "Without it, as in Docker, the bit works.")


@task("6.5")
@pytest.mark.parametrize("word", ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"])
def test_spellings(box, word):
    held = box.hold(["--security-opt", word], likely=LIKELY)
    value = process_status(held.command())["NoNewPrivs"]
    check(value == "1", f"We ran `{held.typed}`.", f"NoNewPrivs in its status is {value}.", "", "it was not set on this process.")
    held.finish()


@task("6.5")
def test_it_is_off_by_default(box):
    for opts in ((), ("--security-opt", "no-new-privileges=false")):
        result = box.run("grep", "NoNewPrivs", "/proc/self/status", opts=list(opts))
        check(result.out.split()[1:] == ["0"], f"We ran `{result.typed}`.", f"It printed {result.out!r}.", "Docker's default is 0.")


@task("6.5")
def test_init_and_exec_have_it(suid):
    name, held = suid.named("--init", "--user", "1000", *FLAG)
    inits = process_status(held.child())["NoNewPrivs"]
    result = suid.exec(name, "/suid")
    check(
        inits == "1" and result.json()["effective"] == 1000,
        f"We ran `{held.typed}` and `{result.typed}`.",
        f"NoNewPrivs of the init: {inits}; exec ran the set-user-ID program as {result.out.strip()}.",
        "All that runs in the container has it: one way round is enough.",
    )
    held.finish()


@task("6.5")
def test_ordinary_user(suid, home):
    person = Person(home)
    person.owns(suid.root)
    result = person.run(suid, "grep", "NoNewPrivs", "/proc/self/status", opts=FLAG)
    check(result.out.split()[1:] == ["1"], f"As user {person.uid} we ran `{result.typed}`.", f"{result.out!r} {result.err}")


def test_nothing_writes_to_skiffs_program(box):
    """CVE-2019-5736: /proc/1/exe of --init is skiff's own program."""
    held = box.hold(["--init", "--cap-add", "ALL", "--security-opt", "seccomp=unconfined"])
    binary = os.stat(box.skiff.binary)
    exe = f"/proc/{held.child()}/exe"
    there = os.stat(exe)
    check(
        os.statvfs(exe).f_flag & os.ST_RDONLY or (there.st_dev, there.st_ino) != (binary.st_dev, binary.st_ino),
        f"We ran `{held.typed}` and looked at /proc/PID/exe of its init.",
        "It leads to skiff's program file on a mount that may be written to.",
        "Whoever is root in the container could overwrite skiff, and be root on the host at its next run.",
    )
    check(
        process_status(held.pid)["Name"] == os.path.basename(box.skiff.binary),
        f"We ran `{held.typed}`.",
        f"skiff itself is called {process_status(held.pid)['Name']}.",
        "However skiff was executed, people find it by its name.",
    )
    held.finish()
    result = box.run("/bin/sh", "-c", ": 2>/dev/null >> /proc/1/exe", opts=["--init", "--cap-add", "ALL"])
    check(result.code != 0, f"We ran `{result.typed}`.", "The shell could open skiff's program for writing.")


def test_rootless_program_is_copied(box, home):
    """An ordinary user's own skiff: the container's root is that user, and the file is the user's."""
    person = Person(home)
    person.owns(box.root)
    how = person.how(box.skiff)
    os.chown(person.binary, person.uid, person.gid)
    with open(person.binary, "rb") as file:
        before = file.read()
    result = box.run("sh", "-c", "echo x >> /proc/1/exe; echo $?", opts=["--init"], **how)
    with open(person.binary, "rb") as file:
        after = file.read()
    check(
        before == after and result.out.strip() != "0",
        f"As user {person.uid}, to whom the skiff belongs, we ran `{result.typed}`.",
        f"It printed {result.out!r}; the program is {'as it was' if before == after else 'changed'}. {result.err}",
        "Who may not mount runs from a sealed copy in memory.",
    )
    expect(result, 0)
