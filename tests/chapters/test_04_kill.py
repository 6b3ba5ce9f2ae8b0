"""Chapter 04: task 4.5: kill, and what is removed at the end."""

import os
import secrets
import signal

from harness import check, expect, kernel, task, until
from harness.stuck import Stuck
from harness.teach import Current


def survivors(pids):
    """Who still runs. A process has left its cgroup a moment before it is a zombie: exit(2)."""
    until(lambda: not running(pids), 0.3)
    return running(pids)


def running(pids):
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}") and kernel.process_stat(pid)["state"] not in "ZX"]


@task("4.5")
def test_nothing_survives_without_a_pid_namespace(box):
    """With --pid=host no kernel ends the container's other processes when its first one ends: the cgroup does."""
    Current.killed = True  # the killed ones are nobody's children, so they are ours to reap
    held = box.start("sh", "-c", "for i in 1 2 3 4 5; do sleep 1000 & done; echo on; read line; exit 5", opts=["--pid=host"])
    held.line()
    pids = kernel.descendants(held.pid)
    held.say("\n")
    held.release()
    result = expect(held.wait(), 5)
    check(
        not survivors(pids),
        f"We ran `{result.typed}`, which leaves five processes behind.",
        f"Still there: {len(survivors(pids))} of them.",
        "When a container has ended, skiff kills what is left in its cgroup.",
        "1 was not written to cgroup.kill.",
    )
    check(
        not kernel.cgroups_of_tests(),
        f"We ran `{result.typed}`, which leaves five processes behind.",
        "They are gone, but the cgroup is still there.",
        "A cgroup can be removed when no process is left in it (EBUSY before): wait until cgroup.events says populated 0.",
        "nobody waited: cgroupfs_await() for populated 0.",
    )


@task("4.5")
def test_kill_leaves_nobody(box):
    name = "c-" + secrets.token_hex(4)
    held = box.start("@forks", "20", opts=["--name", name])
    held.line()
    inside = box.exec_hold(name)
    pids = [*kernel.descendants(held.pid), *kernel.descendants(inside.pid)]
    result = expect(box.skiff.run(["kill", name]), 0, out=name + "\n")
    check(
        not survivors(pids),
        f"We ran `{result.typed}` on a container of {len(pids)} processes, one of them by exec.",
        f"When it had ended, {len(survivors(pids))} of them were still there.",
        "kill ends when no process is left: cgroup.events, populated 0.",
        "nobody waited, or only the first process was killed.",
    )
    for one in (held, inside):
        expect(one.wait(), 137, rule="A container that was killed: 128 + 9.")


@task("4.5")
def test_kill_waits_for_the_last_one(box):
    """A process that waits for a disk dies only when the disk has answered; until then the cgroup can't be removed."""
    name, held = box.named()
    cgroup = kernel.cgroup_of(held.command())
    with Stuck(cgroup, box.root) as stuck:
        killing = box.skiff.start(["kill", name])
        early = until(lambda: killing.process.poll() is not None, 0.5)
        left = kernel.cgroup_events(cgroup)["populated"]
        stuck.release()
        check(
            not early and left == 1,
            "We killed a container, one process of which waits for a disk and can't die yet.",
            f"kill ended meanwhile; cgroup.events says populated {left}.",
            "A process has ended when it is gone, not when SIGKILL was sent: kill ends when cgroup.events says populated 0.",
            "nobody waited: cgroupfs_await() for populated 0.",
        )
        expect(killing.wait(), 0)
    expect(held.wait(), 137)


@task("4.5")
def test_kill_of_a_paused_container(box):
    name, held = box.named()
    expect(box.skiff.run(["pause", name]), 0)
    expect(box.skiff.run(["kill", name]), 0, out=name + "\n")
    expect(held.wait(), 137, rule="SIGKILL ends a frozen process, too: no handler can hold it up.")


@task("4.5")
def test_kill_with_the_host_pid_namespace(box):
    Current.killed = True
    name = "c-" + secrets.token_hex(4)
    held = box.start("sh", "-c", "sleep 1000 & sleep 1000 & echo on; wait", opts=["--name", name, "--pid=host"])
    held.line()
    pids = kernel.descendants(held.pid)
    result = expect(box.skiff.run(["kill", name]), 0)
    check(not survivors(pids), f"We ran `{result.typed}`; the container has the host's PID namespace.",
          f"{len(survivors(pids))} of its {len(pids)} processes are still there.",
          "The cgroup holds them all, whatever namespaces they are in.")
    expect(held.wait(), 137)


@task("4.5")
def test_nested_cgroups_go_too(box):
    """What the container made below its cgroup, as a systemd in it does, is removed with it."""
    held = box.hold()
    path = kernel.cgroup_path(kernel.cgroup_of(held.command()))
    for name in ("a/b/c/d", "a/e", "f"):
        os.makedirs(os.path.join(path, name))
    deep = os.open(path, os.O_RDONLY)
    for _ in range(150):
        os.mkdir("deep", dir_fd=deep)
        next_one = os.open("deep", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = next_one
    os.close(deep)
    with open(os.path.join(path, "f", "cgroup.procs"), "w", encoding="ascii") as file:
        file.write(str(held.command()))
    held.finish()
    check(
        not kernel.cgroups_of_tests(),
        "We made cgroups below that of a container, 150 deep, and let it end.",
        f"{len(kernel.cgroups_of_tests())} of them are still there.",
        "A cgroup with others below it can't be removed: those first.",
    )


@task("4.5")
def test_other_signals_go_to_the_first_process(box):
    for word in ("USR1", "SIGUSR1", "usr1", "10"):
        name = "c-" + secrets.token_hex(4)
        held = box.start("sh", "-c", "trap 'exit 44' USR1; echo on; while :; do sleep 0.01; done", opts=["--name", name])
        held.line()
        expect(box.skiff.run(["kill", "-s", word, name]), 0)
        expect(held.wait(), 44, rule="kill --signal takes names and numbers, as Docker does.")
    for word in ("NOPE", "0", "-1", "65", "", "9x"):
        result = box.skiff.run(["kill", "--signal", word, "nobody"])
        check(result.code == 125 and "no such signal" in result.err, f"We ran `{result.typed}`.", f"{result.ended}; {result.err!r}")


@task("4.5")
def test_a_container_that_is_swept(box):
    """skiff is killed, and with it, by the kernel, the container's first process; with --pid=host the others live on."""
    Current.killed = True
    held = box.start("sh", "-c", "sleep 1000 & echo on; read line", opts=["--pid=host"])
    held.line()
    pids = kernel.descendants(held.pid)
    held.send(signal.SIGKILL)
    held.wait()
    expect(box.run("@die", "0"), 0)
    check(
        not survivors(pids) and not kernel.cgroups_of_tests(),
        "We killed skiff while a container with --pid=host was running, and ran another.",
        f"Of the first one's processes {len(survivors(pids))} are left; cgroups: {kernel.cgroups_of_tests()}.",
        "The next run kills what is left in the cgroup of a killed one, and removes it.",
    )
