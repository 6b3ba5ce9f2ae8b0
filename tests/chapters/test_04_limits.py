"""Chapter 04: task 4.2: limits. Where cgroup v2 lacks the controllers, these tests run in the lab VM."""

import os
import re
import secrets

import pytest

from harness import check, expect, kernel, task, until
from harness.elsewhere import needs

MIB = 1 << 20
LIMITS = (
    # options, file of the cgroup, what it holds then
    (("--memory", "64m"), "memory.max", str(64 * MIB)),
    (("-m", "1.5g"), "memory.max", str(1536 * MIB)),
    (("--memory=67108865",), "memory.max", "67108864"),  # whole pages
    (("--memory", "64m"), "memory.oom.group", "1"),
    (("--memory-reservation", "32M"), "memory.low", str(32 * MIB)),
    (("-m", "64m", "--memory-swap", "96m"), "memory.swap.max", str(32 * MIB)),
    (("-m", "64m", "--memory-swap", "64m"), "memory.swap.max", "0"),
    (("-m", "64m"), "memory.swap.max", str(64 * MIB)),
    (("-m", "64m", "--memory-swap", "-1"), "memory.swap.max", "max"),
    (("--cpus", "0.5"), "cpu.max", "50000 100000"),
    (("--cpus", "0.05"), "cpu.max", "5000 100000"),
    (("--cpus", "-1"), "cpu.max", "max 100000"),
    (("--cpu-weight", "300"), "cpu.weight", "300"),
    (("--cpu-shares", "1024"), "cpu.weight", "39"),
    (("-c", "2"), "cpu.weight", "1"),
    (("-c", "262144"), "cpu.weight", "10000"),
    (("--cpuset-cpus", "0"), "cpuset.cpus", "0"),
    (("--pids-limit", "33"), "pids.max", "33"),
    (("--pids-limit", "-1"), "pids.max", "max"),
    (("--pids-limit", "0"), "pids.max", "max"),
)


def why_wrong(seen, wanted):
    """What may have gone wrong where the file holds something else."""
    if seen == wanted.split()[0] or " ".join(reversed(wanted.split())) == seen:
        return "cpu.max takes the microseconds first, then the period."
    if seen.startswith("max"):
        return "nothing was written, or \"max\" whatever was asked for."
    return "the number is written in decimal, in the unit that the file has: bytes, microseconds."


@needs("memory", "cpu", "pids", "cpuset")
@task("4.2")
@pytest.mark.parametrize("opts, file, wanted", LIMITS, ids=[" ".join((*opts, file)) for opts, file, _ in LIMITS])
def test_limit_is_in_its_file(box, opts, file, wanted):
    held = box.hold(opts=opts, likely=lambda: (
        "-1 is LIMIT_NONE: the file takes the word max." if "-1" in opts or "0" in opts else
        "a controller is passed on from the top down: dir can pass on only what it has itself. Write, and where that"
        " says -ENOENT enable it above first, then write again."
    ))
    cgroup = kernel.cgroup_of(held.command())
    try:
        seen = kernel.cgroup_read(cgroup, file)
    except FileNotFoundError:
        seen = "not there"
    if file == "memory.swap.max" and seen == "not there" and not os.path.exists("/proc/swaps"):
        seen = wanted  # a kernel without swap
    check(
        seen == wanted,
        f"We ran `{held.typed}` and read {file} of its cgroup.",
        f"It is {seen}; it should be {wanted}.",
        "Each limit is one file of the container's cgroup.",
        why_wrong(seen, wanted),
    )
    held.finish()


@needs("cpuset")
@task("4.2")
def test_controllers_are_passed_on_from_the_top(box):
    place = f"{kernel.CGROUP}/a/b-{secrets.token_hex(3)}"
    held = box.hold(opts=["--cpuset-cpus", "0", "--cgroup-parent", "/" + place])
    seen = kernel.cgroup_read(kernel.cgroup_of(held.command()), "cpuset.cpus")
    check(seen == "0", f"We ran `{held.typed}`.", f"cpuset.cpus is {seen!r}.")
    for level in (kernel.CGROUP, os.path.dirname(place), place):
        control = kernel.cgroup_read("/" + level, "cgroup.subtree_control").split()
        check(
            "cpuset" in control,
            f"We ran `{held.typed}` and read cgroup.subtree_control of /{level}.",
            f"It is {control}.",
            "A cgroup has a controller only if every cgroup above passes it on.",
        )
    held.finish()
    kernel.remove_cgroup(kernel.cgroup_path(f"{kernel.CGROUP}/a"))


@needs("pids")
@task("4.2")
def test_a_run_without_limits_is_not_limited(box):
    held = box.hold()
    cgroup = kernel.cgroup_of(held.command())
    seen = [kernel.cgroup_read(cgroup, file) for file in ("pids.max", "memory.max", "cpu.weight")]
    check(seen == ["max", "max", "100"], f"We ran `{held.typed}`.", f"pids.max, memory.max, cpu.weight: {seen}.",
          "What nobody asked for stays as the kernel made it.")
    held.finish()


@needs("pids")
@task("4.2")
def test_a_fork_bomb_is_held(box):
    held = box.start("@forks", "500", opts=["--pids-limit", "32"])
    made = int(held.line())
    check(
        made == 31,
        f"We ran `{held.typed}`, which makes as many children as it may.",
        f"It made {made}; with itself there may be 32 processes.",
        "At the limit fork(2) fails with EAGAIN; no other container and not the host have a process less.",
    )
    held.release()
    expect(held.wait(), 0)


@needs("cpu")
@task("4.2")
def test_cpu_weights_share_a_busy_cpu(box):
    """Two hogs on one CPU at weights 100 and 300: what they get is compared with each other, not with a clock."""
    hogs = []
    for weight in ("100", "300"):
        held = box.start("sh", "-c", "echo on; while :; do :; done", opts=["--cpu-weight", weight],
                         before=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}))
        held.line()
        hogs.append(kernel.cgroup_of(held.command()))

    def used():
        return [kernel.cgroup_events(cgroup, "cpu.stat")["usage_usec"] for cgroup in hogs]

    start = used()
    until(lambda: sum(used()) - sum(start) > 2_000_000, 30)
    light, heavy = (after - before for before, after in zip(start, used()))
    check(
        1.8 < heavy / max(light, 1) < 4.5,
        "We let two containers, --cpu-weight 100 and 300, compete for one CPU until they had used 2 s of it.",
        f"They got {light / 1000:.0f} and {heavy / 1000:.0f} ms, 1 : {heavy / max(light, 1):.1f}; it should be about 1 : 3.",
        "A busy CPU is shared by weight. An idle one is given to whoever wants it.",
    )
    for held in box.skiff.started:
        held.send(9)
        held.wait()
    expect(box.run("@die", "0"), 0)


@needs("cpu")
@task("4.2")
def test_cpu_quota_throttles(box):
    held = box.start("sh", "-c", "echo on; while :; do :; done", opts=["--cpus", "0.2"])
    held.line()
    cgroup = kernel.cgroup_of(held.command())
    stat = until(lambda: (lambda s: s if s["nr_throttled"] > 5 else None)(kernel.cgroup_events(cgroup, "cpu.stat")), 20)
    check(
        stat,
        f"We ran `{held.typed}`, a loop that wants a whole CPU.",
        f"It was throttled {kernel.cgroup_events(cgroup, 'cpu.stat')['nr_throttled']} times.",
        "In each period of 100 ms it may run for 20 ms, and waits for the next one then.",
    )
    held.send(15)
    held.wait()


@needs("memory", "cpu", "pids")
@task("4.2")
def test_update_of_a_running_container(box):
    name, held = box.named("-m", "64m", "--pids-limit", "10")
    cgroup = kernel.cgroup_of(held.command())
    expect(box.skiff.run(["update", "--memory", "96m", "--pids-limit", "-1", "--cpus", "0.3", name]), 0, out=name + "\n")
    seen = [kernel.cgroup_read(cgroup, file) for file in ("memory.max", "pids.max", "cpu.max")]
    check(seen == [str(96 * MIB), "max", "30000 100000"], "We ran skiff update.", f"memory.max, pids.max, cpu.max: {seen}.",
          "update takes the options of run, and -1 takes a limit away.")
    before = {file: kernel.cgroup_read(cgroup, file) for file in ("memory.max", "pids.max", "cpu.max")}
    result = box.skiff.run(["update", "--memory", "80m", "--memory-swap", "70m", name])
    check(result.code == 125 and "--memory-swap" in result.err, f"We ran `{result.typed}`.", f"{result.ended}; {result.err!r}")
    result = box.skiff.run(["update", "--pids-limit", "7", "--cpuset-cpus", "0", "--memory-swap", "10m", name])
    after = {file: kernel.cgroup_read(cgroup, file) for file in before}
    check(
        result.code == 1 and after == before,
        f"We ran `{result.typed}`, of which one part can't be had.",
        f"{result.ended}; {result.err!r}; before {before}, after {after}.",
        "An update is done whole or not at all.",
    )
    held.finish()


@needs("memory")
@task("4.2")
def test_update_does_not_kill(box):
    name = "c-" + secrets.token_hex(4)
    held = box.start("@hog", "40", opts=["--name", name, "-m", "96m"])
    held.line(20)
    result = box.skiff.run(["update", "-m", "16m", name])
    check(
        result.code == 1 and "in use" in result.err and held.process.poll() is None,
        f"We ran `{result.typed}` on a container that uses 40 MiB.",
        f"{result.ended}; {result.err!r}",
        "A limit below what is used would kill the container: that is refused.",
    )
    held.release()
    held.wait()


def block_device():
    """A whole disk of this machine."""
    for name in sorted(os.listdir("/sys/block")):
        if os.path.exists(f"/dev/{name}") and not name.startswith(("loop", "ram", "zram")):
            return "/dev/" + name
    return None


@needs("io")
@task("4.2")
def test_device_limits(box):
    device = block_device()
    number = os.stat(device).st_rdev
    held = box.hold(opts=["--device-read-bps", f"{device}:1mb", "--device-write-bps", f"{device}:2m",
                          "--device-read-iops", f"{device}:100", "--device-write-iops", f"{device}:200"])
    seen = kernel.cgroup_read(kernel.cgroup_of(held.command()), "io.max")
    wanted = f"{os.major(number)}:{os.minor(number)} rbps=1048576 wbps=2097152 riops=100 wiops=200"
    check(seen == wanted, f"We ran `{held.typed}` and read io.max.", f"It is {seen!r}; it should be {wanted!r}.",
          "io.max has a line a device: its number, then what it may do in a second.")
    held.finish()


@needs("memory", "pids")
def test_stats_of_a_container_at_work(box):
    name = "c-" + secrets.token_hex(4)
    held = box.start("@hog", "20", opts=["--name", name, "-m", "64m"])
    held.line(20)
    result = box.skiff.run(["stats", "--no-stream", "--format", "json", name])
    seen = result.json()
    used = re.fullmatch(r"([\d.]+)MiB / 64MiB", seen["MemUsage"])
    check(
        used and 20 <= float(used[1]) < 30 and seen["PIDs"] == "1" and seen["Name"] == name,
        f"We ran `{result.typed}` on a container that has filled 20 MiB.",
        f"It printed {result.out!r}.",
        "Memory of limit, number of processes, and the rest, with Docker's keys.",
    )
    held.release()
    expect(held.wait(), 0)
