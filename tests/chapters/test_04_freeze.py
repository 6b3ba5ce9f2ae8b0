"""Chapter 04: task 4.4: pause and unpause."""

import secrets
import signal

from harness import check, expect, kernel, task, until
from harness.stuck import Stuck


def frozen(cgroup):
    return kernel.cgroup_events(cgroup)["frozen"]


@task("4.4")
def test_pause_holds_all_processes(box):
    name = "c-" + secrets.token_hex(4)
    held = box.start("sh", "-c", "(while :; do :; done) & (while :; do :; done) & echo on; read line", opts=["--name", name])
    held.line()
    cgroup = kernel.cgroup_of(held.command())
    result = expect(box.skiff.run(["pause", name]), 0, out=name + "\n")
    check(
        frozen(cgroup) == 1,
        f"We ran `{result.typed}` and read cgroup.events.",
        f"It says frozen {frozen(cgroup)}.",
        "pause ends when all processes of the container stand still.",
        lambda: (
            "1 was never written to cgroup.freeze." if kernel.cgroup_read(cgroup, "cgroup.freeze") == "0"
            else "the kernel has the order, but nobody waited until it was carried out: cgroup.events, frozen 1."
        ),
    )
    used = kernel.cgroup_events(cgroup, "cpu.stat")["usage_usec"]
    other = box.start("sh", "-c", "n=0; while [ $n -lt 20000 ]; do n=$((n+1)); done")
    other.wait(20)
    again = kernel.cgroup_events(cgroup, "cpu.stat")["usage_usec"]
    check(again - used < 1000, f"We ran `{result.typed}`, then another container.",
          f"Meanwhile the paused one used {again - used} microseconds of CPU time.", "A paused container gets no CPU time.")
    result = expect(box.skiff.run(["unpause", name]), 0, out=name + "\n")
    check(
        frozen(cgroup) == 0,
        f"We ran `{result.typed}` and read cgroup.events.",
        f"It says frozen {frozen(cgroup)}; cgroup.freeze is {kernel.cgroup_read(cgroup, 'cgroup.freeze')}.",
        "unpause lets all of them go on.",
        "frozen says which of the two is wanted: write 1 or 0 accordingly.",
    )
    held.say("\n")
    held.release()
    held.wait()


@task("4.4")
def test_pause_waits_until_it_is_done(box):
    """A process that waits for a disk freezes only when the disk has answered: pause must not end before."""
    name, held = box.named()
    cgroup = kernel.cgroup_of(held.command())
    with Stuck(cgroup, box.root) as stuck:
        pausing = box.skiff.start(["pause", name])
        until(lambda: kernel.cgroup_read(cgroup, "cgroup.freeze") == "1")
        early = until(lambda: pausing.process.poll() is not None, 0.5)
        seen = frozen(cgroup)
        stuck.release()
        check(
            not early and seen == 0,
            "We paused a container, one process of which waits for a disk and can't be frozen yet.",
            f"{'pause ended meanwhile; ' if early else ''}cgroup.events says frozen {seen}.",
            "cgroup.freeze takes the order; that it is carried out stands in cgroup.events. pause ends then, not before.",
            "nobody waited: cgroupfs_await() for frozen.",
        )
        check(until(lambda: pausing.process.poll() is not None, 20), "We paused a container.", "pause had not ended after 20 s.",
              likely="it waits for a word that never comes: frozen 1 for pause.")
        expect(pausing.wait(), 0)
        expect(box.skiff.run(["unpause", name]), 0)
    held.finish()


@task("4.4")
def test_what_is_refused(box):
    name, held = box.named()
    for words, said in (
        (["unpause", name], "is not paused"),
        (["pause", name, name], "already paused"),
        (["exec", name, "true"], "is paused"),
        (["pause"], "container is missing"),
        (["pause", "no-" + name], "No such container"),
    ):
        result = box.skiff.run(words)
        check(
            result.code in (1, 125) and said in result.err and len(result.complaints) in (1, 2),
            f"We ran `{result.typed}`.",
            f"{result.ended}; standard error: {result.err!r}",
            f"It should say {said!r} in one line.",
        )
    expect(box.skiff.run(["unpause", name]), 0)
    held.finish()


@task("4.4")
def test_signals_for_a_paused_container(box):
    """A frozen process runs no handler; so a signal that is to end the container thaws it, as with Docker."""
    for number in (signal.SIGTERM, signal.SIGINT):
        name, held = box.named()
        expect(box.skiff.run(["pause", name]), 0)
        held.send(number)
        result = held.wait(10)
        check(
            result.code == 128 + number,
            f"We paused a container and sent `{held.typed}` signal {number}.",
            f"{result.ended}.",
            "It ends as it would have if it were not paused.",
        )
    name = "c-" + secrets.token_hex(4)
    held = box.start("sh", "-c", "trap 'exit 43' USR1; echo on; while :; do sleep 0.01; done", opts=["--name", name])
    held.line()
    expect(box.skiff.run(["pause", name]), 0)
    expect(box.skiff.run(["kill", "--signal", "USR1", name]), 0)
    expect(held.wait(10), 43, rule="kill of a paused container: the signal is sent, and the container goes on.")
