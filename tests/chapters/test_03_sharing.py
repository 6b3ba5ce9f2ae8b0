"""Chapter 03: task 3.6: namespaces shared with the host or another container; the time namespace."""

import os
import random
import secrets
import time

import pytest

from harness import NAMESPACES, check, expect, kernel, task

OPTIONS = {"pid": "--pid", "ipc": "--ipc", "uts": "--uts", "net": "--network", "cgroup": "--cgroupns"}


def shared_with_host(held):
    mine, its = kernel.namespaces(held.pid), kernel.namespaces(held.command())
    return {kind for kind in NAMESPACES if mine[kind] == its[kind]}


@task("3.1")
@pytest.mark.parametrize("kind", [*OPTIONS, "net by --net"])
def test_sharing_with_the_host(box, kind):
    option, kind = ("--net", "net") if " " in kind else (OPTIONS[kind], kind)
    held = box.hold(opts=[f"{option}=host"])
    shared = shared_with_host(held)
    check(
        shared == {"user", "time", kind},
        f"We ran `{held.typed}` and compared its namespaces with skiff's.",
        f"Shared with the host: {sorted(shared)}; it should be {sorted({'user', 'time', kind})}.",
        f"{option}=host leaves the container in the host's namespace of that kind, and no other.",
        lambda: (
            "the flag was added whatever the choice was: only NAMESPACE_PRIVATE makes a new one."
            if kind not in shared
            else ""
        ),
    )
    held.finish()


@task("3.6")
@pytest.mark.parametrize("kind", OPTIONS)
def test_sharing_with_a_container(box, kind):
    name, first = box.named()
    second = box.hold(opts=[f"{OPTIONS[kind]}=container:{name}"])
    one, two = kernel.namespaces(first.command()), kernel.namespaces(second.command())
    same = {k for k in NAMESPACES if one[k] == two[k]}
    check(
        same == {kind, "user", "time"},
        f"We ran `{first.typed}` and `{second.typed}`, and compared their namespaces.",
        f"They share {sorted(same)}; it should be {sorted({kind, 'user', 'time'})}.",
        (
            f"{OPTIONS[kind]}=container:NAME joins that one namespace of the other container (Kubernetes"
            " makes its pods so)."
        ),
        lambda: (
            (
                "setns(2) into the PID namespace holds for children only: join it before the clone."
                if kind == "pid"
                else "join() was not called for this kind."
            )
            if kind not in same
            else ""
        ),
    )
    second.finish()
    first.finish()


@task("3.6")
def test_sharing_by_id_and_several_kinds(box):
    name, first = box.named("--hostname", "shared-" + secrets.token_hex(2))
    ident = box.container_id()
    second = box.hold(
        opts=[
            "--uts",
            f"container:{ident[:12]}",
            "--ipc",
            f"container:{name}",
            "--network",
            f"container:{ident}",
        ]
    )
    one, two = kernel.namespaces(first.command()), kernel.namespaces(second.command())
    same = {k for k in NAMESPACES if one[k] == two[k]}
    check(
        same == {"uts", "ipc", "net", "user", "time"},
        f"We ran `{second.typed}`.",
        f"The two share {sorted(same)}.",
        "Each kind is chosen by itself.",
    )
    second.finish()
    first.finish()


@task("3.6")
def test_shared_hostname_is_not_overwritten(box):
    name, first = box.named("--hostname", "theirs")
    result = box.run("hostname", opts=["--uts", f"container:{name}"])
    check(
        result.out.strip() == "theirs",
        f"We ran `{result.typed}`; the other container's name is `theirs`.",
        f"It printed {result.out!r}.",
        "A namespace that is another's is used as it is.",
    )
    seen = box.look("@surroundings", opts=["--uts", f"container:{name}"])
    names = [entry for entry in seen["env"] if entry.startswith("HOSTNAME=")]
    check(
        not names,
        f"We ran a probe with --uts container:{name}, and looked at its environment.",
        f"It has {names}.",
        "HOSTNAME is the name that skiff gives, or the host's where the container shares that; this one is the other's.",
    )
    result = box.run("@die", "0", opts=["--uts", f"container:{name}", "--hostname", "mine"])
    check(
        result.code == 125 and len(result.complaints) in (1, 2),
        f"We ran `{result.typed}`.",
        f"{result.ended}. {result.err}",
        "Two choices that contradict each other are an error, as in Docker.",
    )
    first.finish()


@task("3.6")
def test_shared_loopback(box):
    """What listens on 127.0.0.1 in one is reached from the other: they have one loopback."""
    name, first = box.named()
    seen = box.look("@loopback", opts=["--network", f"container:{name}"])
    check(
        seen["up"] and seen["ipv4"] == 0,
        "We ran a probe in another container's network namespace.",
        f"It saw {seen}.",
        "The loopback is up, as the other container has it.",
    )
    first.finish()


@task("3.6")
def test_time_offset(box):
    offset = random.choice([-1, 1]) * random.randint(1, 20) + 86400 * random.randint(1, 300)
    clocks = {"boottime": time.CLOCK_BOOTTIME, "monotonic": time.CLOCK_MONOTONIC, "realtime": time.CLOCK_REALTIME}

    def now():
        return {clock: time.clock_gettime_ns(number) // 10**9 for clock, number in clocks.items()}

    for seconds in (offset, 0):
        before = now()
        seen = box.look(
            "@clocks",
            opts=["--time-offset", str(seconds)],
            likely="timens_offsets can be written only while the new time namespace has no process in it.",
        )
        after = now()

        def is_moved(clock, by):
            return before[clock] <= seen[clock] - by <= after[clock]

        for clock in ("boottime", "monotonic"):
            check(
                is_moved(clock, seconds),
                f"We read CLOCK_{clock.upper()} in a container with --time-offset {seconds}.",
                f"It differs from the host's by {seen[clock] - after[clock]} seconds.",
                "A time namespace adds an offset to the clocks that count from the boot.",
                (
                    "no offset was written to /proc/self/timens_offsets, or not while the namespace was"
                    " empty."
                    if is_moved("boottime", 0) and is_moved("monotonic", 0)
                    else "both clocks have a line of their own in timens_offsets, in seconds."
                ),
            )
        check(
            is_moved("realtime", 0),
            "We read CLOCK_REALTIME in a container.",
            "It differs from the host's.",
            "The time of day is one for all: it has no namespace.",
        )


@task("3.6")
def test_time_namespace_is_its_own(box):
    held = box.hold(opts=["--time=private"])
    check(
        "time" not in shared_with_host(held),
        f"We ran `{held.typed}`.",
        "The command is in the host's time namespace.",
        "--time=private makes a new one.",
        "unshare(CLONE_NEWTIME) moves only the children: move in with setns(2).",
    )
    check(
        kernel.namespace("time", held.command())
        == os.stat(f"/proc/{held.command()}/ns/time_for_children").st_ino,
        f"We ran `{held.typed}`.",
        "Its children would be in another time namespace than itself.",
    )
    held.finish()


@task("3.6")
def test_init_is_in_the_time_namespace(box):
    """execve(2) moves a process to where its children would be; the init never calls it and has to move in itself."""
    held = box.hold(opts=["--time=private", "--init"])
    init, command = held.child(), held.command()
    check(
        kernel.namespace("time", init) == kernel.namespace("time", command),
        f"We ran `{held.typed}` and compared the time namespaces of the init and of the command.",
        "They are not the same.",
        "PID 1 stands for the container: `skiff exec` joins its namespaces.",
        "unshare(CLONE_NEWTIME) moves only the children: move in with setns(2) to time_for_children.",
    )
    held.finish()


@task("3.6")
def test_sharing_the_time_namespace(box):
    name, first = box.named("--time-offset", "5000")
    second = box.hold(opts=[f"--time=container:{name}"])
    check(
        kernel.namespace("time", first.command()) == kernel.namespace("time", second.command()),
        f"We ran `{second.typed}`.",
        "Its time namespace is not the other container's.",
        "--time=container:NAME joins that namespace.",
        "join() was not called for this kind.",
    )
    second.finish()
    first.finish()


@task("3.6")
@pytest.mark.on_disk
def test_sharing_the_user_namespace(box):
    name, first = box.named("--uidmap", "0:1000000:65536")
    second = box.hold(opts=[f"--userns=container:{name}"])
    check(
        kernel.namespace("user", first.command()) == kernel.namespace("user", second.command()),
        f"We ran `{second.typed}`.",
        "Its user namespace is not the other container's.",
        "--userns=container:NAME joins that namespace; the others are made below it.",
    )
    second.finish()
    first.finish()


@task("3.6")
@pytest.mark.on_disk
def test_nothing_stays_of_a_guest(box):
    # Who has joined a user namespace is another user; root's own /run/skiff must be tidied up all the same.
    run = os.path.join(box.skiff.home, "run-of-the-host")
    os.mkdir(run)

    def our_run():
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount(run, "/run", None, kernel.MS_BIND)

    how = {"before": our_run, "env": {"SKIFF_RUN": None}}
    name, first = box.named("--uidmap", "0:1000000:65536", **how)
    containers = os.path.join(run, "skiff", "containers")
    before = os.listdir(containers)
    result = box.run("@die", "0", opts=[f"--userns=container:{name}"], **how)
    left = sorted(set(os.listdir(containers)) - set(before))
    first.finish()
    check(
        result.code == 0 and len(before) == 1 and not left,
        f"We ran `{result.typed}` with its state in /run/skiff.",
        f"{result.ended}. {result.err} In /run/skiff/containers stay: {left}.",
        "A run leaves nothing behind, whichever namespaces it has joined.",
    )


@task("3.6")
def test_pid_namespace_of_another_container(box):
    name, first = box.named()
    result = box.run("sh", "-c", "echo $$; cat /proc/1/comm", opts=[f"--pid=container:{name}"])
    words = result.out.split()
    check(
        result.code == 0 and words and words[0] != "1" and words[1] == "hold",
        f"We ran `{result.typed}`.",
        f"It printed {words}; {result.ended}. {result.err}",
        "It is a guest: PID 1 is the other container's.",
    )
    second = box.hold(opts=[f"--pid=container:{name}"])
    first.release()
    expect(first.wait(), 0)
    result = second.wait(5)
    check(
        result.code == 137,
        f"We ran `{result.typed}` and let the other container end.",
        f"It should end with 137; {result.ended}.",
        "When PID 1 of a PID namespace ends, all its processes are killed.",
    )


def test_sharing_with_an_unknown_container(box):
    for option in (*OPTIONS.values(), "--time", "--userns"):
        name = "nobody-" + secrets.token_hex(3)
        result = box.run("@die", "0", opts=[f"{option}=container:{name}"])
        check(
            result.code == 125 and len(result.complaints) in (1, 2) and name in result.complaints[0],
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
            "One line, which names the container, and 125 as Docker.",
        )
    for value in ("nonsense", "", "container:", "none"):
        result = box.run("@die", "0", opts=[f"--pid={value}"])
        check(
            result.code == 125 and len(result.complaints) in (1, 2),
            f"We ran `{result.typed}`.",
            f"{result.ended}; {result.err!r}",
            "host, private or container:NAME; anything else is refused.",
        )


def test_names_are_unique(box):
    name, held = box.named("--rm")
    result = box.run("@die", "0", opts=["--name", name])
    check(
        result.code == 125 and name in "".join(result.complaints),
        f"While a container {name} ran, we ran `{result.typed}`.",
        f"{result.ended}; {result.err!r}",
        "A name belongs to one container at a time.",
    )
    expect(box.exec(name, "/probe/die", "3"), 3, rule="The first container keeps its name.")
    held.finish()
    expect(
        box.run("@die", "0", opts=["--name", name]),
        0,
        rule="A name is free again when its container has been removed.",
    )
