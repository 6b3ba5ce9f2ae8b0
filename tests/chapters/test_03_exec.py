"""Chapter 03: task 3.5: exec joins a running container."""

import json
import os
import random
import secrets
import signal

import pytest

from harness import NAMESPACES, check, expect, kernel, task, until
from harness.people import Person


@task("3.5")
@pytest.mark.parametrize(
    "opts", [(), ("--pid=host", "--network=host"), ("--time-offset=1000",), ("--init",)], ids=" ".join
)
def test_exec_joins_all_namespaces(box, opts):
    name, held = box.named(*opts)
    inside = box.exec_hold(name)
    first, second = kernel.namespaces(held.command()), kernel.namespaces(inside.command())
    other = [kind for kind in NAMESPACES if first[kind] != second[kind]]
    check(
        not other,
        f"We ran `{held.typed}` and `{inside.typed}`, and compared the namespaces of the two commands.",
        f"They differ in: {', '.join(other)}.",
        "exec runs one more command in the very same namespaces.",
        lambda: (
            f"setns(2) was not called for {', '.join(other)}."
            if len(other) < 6
            else "setns(2) was not called."
        ),
    )
    roots = [os.stat(f"/proc/{one.command()}/root") for one in (held, inside)]
    check(
        (roots[0].st_dev, roots[0].st_ino) == (roots[1].st_dev, roots[1].st_ino),
        f"We ran `{inside.typed}`.",
        "Its root is not the container's.",
        "With the mount namespace comes its root.",
    )
    check(
        inside.command() in kernel.descendants(inside.pid),
        f"We ran `{inside.typed}`.",
        "The command is not a child of the skiff that was asked to run it.",
    )
    inside.release()
    expect(inside.wait(), 0)
    check(
        held.process.poll() is None,
        f"We ran `{inside.typed}` to its end.",
        "The container ended with it.",
        "The container lives as long as its first command.",
    )
    held.finish()


@task("3.5")
def test_exec_is_seen_inside(box):
    name, held = box.named("--hostname", "inner")
    result = box.exec(
        name,
        "sh",
        "-c",
        'hostname; echo $$; ls /proc | grep -c "^[0-9]"; cat /proc/1/comm; tr "\\0" " " < /proc/1/cmdline',
    )
    words = result.out.split()
    check(
        result.code == 0 and words[:1] == ["inner"] and words[3:4] == ["hold"],
        f"We ran `{result.typed}` in a running container.",
        f"It printed {result.out!r}; {result.ended}. {result.err}",
        "The command sees what the container's PID 1 sees.",
    )
    check(
        words[1] != "1" and int(words[1]) < 100,
        f"We ran `{result.typed}`.",
        f"Its PID is {words[1]}.",
        (
            "It is a further process of the same PID namespace: only children of a process that has joined it"
            " are in it."
        ),
        "the PID namespace has to be joined before the clone, in the parent.",
    )
    held.finish()


@task("3.5")
def test_exec_finds_the_container(box):
    name, held = box.named()
    ident = box.container_id()
    code = random.randint(10, 120)
    for reference in (name, ident, ident[:12], ident[:6]):
        expect(
            box.exec(reference, "/probe/die", str(code)),
            code,
            rule=(
                "A container goes by its name, its ID, or the beginning of its ID; the exit code is the"
                " command's."
            ),
        )
    held.finish()


@task("3.5")
def test_exec_exit_codes(box):
    name, held = box.named()
    missing = "no-" + secrets.token_hex(4)
    expect(box.exec(name, missing), 127)
    expect(box.exec(name, "/etc/passwd"), 126)
    expect(
        box.exec(name, "/probe/die", "-s", "11"),
        139,
        rule="128+n: in the container it is no PID 1, so that signals work.",
    )
    inside = box.exec_hold(name)
    inside.send(signal.SIGTERM)
    expect(inside.wait(5), 143, rule="A signal for skiff exec is forwarded to its command.")
    held.finish()


def test_exec_that_the_container_stops_is_a_stopped_job(box, terminal):
    """Also before its process has become the command: that has the terminal, and ^C would not reach skiff."""
    name = "stops-" + secrets.token_hex(3)
    attacker = box.start(
        "sh", "-c", "echo ready; while :; do kill -STOP -1; done 2>/dev/null", opts=["--name", name]
    )
    attacker.line()
    screen = terminal(["exec", name, "/probe/hold"])
    started = screen.report()
    seen = stopped = screen.report()
    attacker.send(signal.SIGTERM)
    while seen["event"] == "stopped":  # until the container has ended, it stops what we continue
        os.kill(started["pid"], signal.SIGCONT)
        seen = screen.report()
    check(
        stopped["event"] == "stopped",
        f"We ran `{screen.typed}` in a terminal; the container stops whoever enters it.",
        f"The shell sees: {stopped}.",
        "skiff takes the terminal and stops as well, so that the shell prompts again.",
    )
    check(attacker.wait().code == 143, "We sent SIGTERM to the container.", f"{attacker.result.ended}.")


@task("3.5")
def test_exec_environment_and_directory(box):
    secret, word = "SECRET_" + secrets.token_hex(4).upper(), secrets.token_hex(4)
    os.mkdir(box.path("/srv"))
    name, held = box.named("-e", f"OF_CONTAINER={word}", "-e", "BOTH=container")
    result = box.exec(
        name,
        "/probe/surroundings",
        opts=["-e", "BOTH=exec", "-e", "MINE", "-w", "/srv"],
        env={secret: "x", "MINE": "caller"},
    )
    seen = result.json()
    env = dict(entry.split("=", 1) for entry in seen["env"])
    env.pop("HOSTNAME", None)
    env.pop("PATH", None)
    check(
        env == {"OF_CONTAINER": word, "BOTH": "exec", "MINE": "caller", "HOME": "/root"},
        f"We ran `{result.typed}`.",
        f"The environment: {env}.",
        "exec has the container's environment, with its own -e on top, and nothing of the caller's.",
    )
    check(
        seen["cwd"] == "/srv" and [e["fd"] for e in seen["fds"]] == [0, 1, 2],
        f"We ran `{result.typed}`.",
        f"Directory {seen['cwd']}, descriptors {[e['fd'] for e in seen['fds']]}.",
        "exec has the surroundings of a container's command.",
    )
    held.finish()


@task("3.5")
def test_exec_of_a_container_with_a_large_environment(box):
    value = secrets.token_hex(40000)
    name, held = box.named("-e", f"LARGE={value}")
    result = box.exec(name, "/probe/surroundings", opts=["-e", "SMALL=1"])
    check(
        f"LARGE={value}" in result.json()["env"],
        f"We ran `{result.typed}` in a container with 80000 bytes in one variable.",
        f"The variable is not the container's. {result.ended}. {result.err[:200]}",
        "What the container was started with, its exec has.",
    )
    held.finish()


@task("3.5")
def test_exec_leads_to_no_other_place(box, home):
    """exec -w DIR is looked up inside."""
    name, held = box.named()
    os.symlink(home, box.path("/out"))
    os.symlink("/proc/self/fd", box.path("/fds"))
    before = sorted(os.listdir(home))
    for where in ("/out", "/proc/self/fd/3", "/fds/3", "/proc/1/cwd/../../.."):
        result = box.exec(name, "sh", "-c", "pwd -P; touch mark", opts=["-w", where])
        check(
            sorted(os.listdir(home)) == before and result.code in (0, 125),
            f"We ran `{result.typed}`.",
            f"A file was made outside of the container; {result.ended}.",
        )
    held.finish()


def test_exec_of_unknown_container(box):
    for reference in ("nobody-" + secrets.token_hex(4), "abcdef", "", "../../etc"):
        result = box.exec(reference, "/probe/die", "0")
        check(
            result.code == 1
            and len(result.complaints) in (1, 2)
            and "No such container" in result.complaints[0],
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
            "As Docker: 1, and `No such container: NAME`.",
        )
    finish_box = box.run("@die", "0")
    expect(finish_box, 0)


def test_exec_when_the_container_has_ended(box):
    name, held = box.named()
    child = held.child()
    held.send(signal.SIGKILL)
    held.wait()
    until(lambda: kernel.gone([child]))
    result = box.exec(name, "/probe/die", "0")
    check(
        result.code == 1 and len(result.complaints) in (1, 2),
        f"We killed skiff (and so its container) with SIGKILL, and ran `{result.typed}`.",
        f"{result.ended}; standard error: {result.err!r}",
        "A container that is gone can't be joined: one line, and 1.",
    )
    expect(box.run("@die", "0"), 0, rule="The next run sweeps what the killed skiff left.")


def test_exec_is_not_fooled_by_a_reused_pid(box):
    """The PID in the state file belongs to another process now: it must not be joined."""
    name, held = box.named()
    path = os.path.join(box.skiff.run_dir, "containers", box.container_id(), "state.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    state = json.loads(text)
    check(
        state.get("pid") == held.child(),
        "We read state.json.",
        f"Its pid is {state.get('pid')}, the command's is {held.child()}.",
    )
    with open(path, "w", encoding="utf-8") as file:
        json.dump(dict(state, pid=os.getpid()), file)
    result = box.exec(name, "/bin/sh", "-c", "echo joined")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    check(
        result.code == 1 and "joined" not in result.out,
        (
            "We let the container's state name a process that began at another time, as if its PID had been"
            f" given away, and ran `{result.typed}`."
        ),
        f"{result.ended}; it printed {result.out!r}. {result.err}",
        "A PID alone is no proof: the time at which the process began is compared as well.",
    )
    held.finish()


@task("3.5")
def test_ordinary_user_execs_into_own_container(box, home):
    person = Person(home)
    person.owns(box.root)
    name = "mine-" + secrets.token_hex(3)
    held = person.hold(box, opts=["--name", name])
    inside = box.exec_hold(name, **person.how(box.skiff))
    first, second = kernel.namespaces(held.command()), kernel.namespaces(inside.command())
    other = [kind for kind in NAMESPACES if first[kind] != second[kind]]
    check(
        not other,
        f"As user {person.uid} we ran `{held.typed}` and `{inside.typed}`.",
        f"The two commands differ in: {', '.join(other)}.",
        "Whoever made the user namespace may join it, and as its root all others.",
        "the user namespace has to be joined first: it gives the right to join the others.",
    )
    inside.release()
    expect(inside.wait(), 0)
    result = box.exec(name, "id", **person.how(box.skiff))
    check(
        result.out.startswith("uid=0"),
        f"As user {person.uid} we ran `{result.typed}`.",
        f"It printed {result.out!r}. {result.err}",
        "exec runs as root of the container's user namespace.",
    )
    held.finish()
    check(
        not person.state(),
        f"As user {person.uid} we ran two commands.",
        f"Left in $XDG_RUNTIME_DIR: {person.state()}",
    )


@task("3.5")
def test_ordinary_user_execs_from_within(box, home):
    """skiff itself may be in the container's user namespace already: `nsenter -U`, `podman unshare` and the like."""
    person = Person(home)
    person.owns(box.root)
    name = "mine-" + secrets.token_hex(3)
    held = person.hold(box, opts=["--name", name])
    how = person.how(box.skiff)
    how["env"]["SKIFF_RUN"] = os.path.join(person.runtime_dir, "skiff")
    how["env"]["SKIFF_ROOT"] = person.data_dir
    code = random.randint(10, 120)
    enter = ["nsenter", "-t", str(held.child()), "-U", "--preserve-credentials"]
    expect(
        box.exec(name, "/probe/die", str(code), wrapper=enter, **how),
        code,
        rule=(
            "Who is in the user namespace already need not join it: setns(2) says EINVAL, and that is no"
            " failure."
        ),
    )
    held.finish()


@task("3.5")
@pytest.mark.on_disk
def test_what_cannot_be_joined_is_a_failure(box):
    """A new user namespace gives no rights over namespaces that belong to the host's."""
    name, held = box.named()
    result = box.run(
        "sh", "-c", "echo started", opts=["--uidmap", "0:1000000:65536", "--uts", f"container:{name}"]
    )
    check(
        result.code == 125 and "started" not in result.out,
        f"We ran `{result.typed}`; the other container is not in that user namespace.",
        f"It should be refused with 125; {result.ended}, and printed {result.out!r}.",
        (
            "A container that cannot have the namespace it should have would run in skiff's, which is the"
            " host's."
        ),
        "join() takes a failure of setns(2) for success.",
    )
    held.finish()


@task("3.5")
@pytest.mark.on_disk
def test_root_execs_into_a_user_namespace(box):
    name, held = box.named("--uidmap", "0:1000000:65536")
    result = box.exec(name, "/probe/ids", "/etc/passwd")
    seen = result.json()
    check(
        seen["uid"] == [0, 0, 0] and seen["files"] == [{"uid": 0, "gid": 0}],
        f"We ran `{result.typed}` in a container with --uidmap.",
        f"It sees {seen}.",
        "exec becomes root of the container's user namespace.",
    )
    held.finish()


@task("3.5")
def test_exec_into_a_plain_chroot(box):
    name, held = box.named("--no-pivot")
    inside = box.exec_hold(name)
    root = os.stat(f"/proc/{inside.command()}/root")
    check(
        (root.st_dev, root.st_ino) == (os.stat(box.root).st_dev, os.stat(box.root).st_ino),
        f"We ran `{inside.typed}` in a container with --no-pivot.",
        "Its root is not the container's.",
        "Such a container has the host's mount namespace: its root has to be entered by chroot(2).",
    )
    inside.release()
    expect(inside.wait(), 0)
    held.finish()
