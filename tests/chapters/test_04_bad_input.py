"""Chapter 04: limits that can't be meant: one line that names option, value and range, and nothing is left."""

import os

import pytest

from harness import check, kernel

WRONG = (
    ("--memory", ("0", "-2", "5m", "6291455", "64x",
                   "64mm", "m", "", "1e9", " 64m", "99999999999999999999", "9999999999g", "64m ", "0x40m", "1..5g"), "6m"),
    ("--memory-reservation", ("0", "1k", "lots"), "6m"),
    ("--memory-swap", ("0", "1", "-7"), "6m"),
    ("--cpus", ("0", "-0.5", "0.001", "100000", "one", "1,5", "", "1.", "99999999999999999999"), "0.01"),
    ("--cpu-shares", ("1", "262145", "-1", "1.5", "x"), "2 to 262144"),
    ("--cpu-weight", ("0", "10001", "-3", "", "1.0"), "1 to 10000"),
    ("--cpuset-cpus", ("", "x", "1-0", "0-", "-1", "0,", ",0", "0-99999", "0;1", "99999999999999999999"), "0 to"),
    ("--pids-limit", ("-2", "x", "", "4194305", "1.5", "99999999999999999999"), "1 to 4194304, or 0 or -1"),
    ("--device-read-bps", ("/dev/null:1m", "/dev/sda", ":5", "x:0", ""), ""),
    ("--device-write-iops", ("/dev/nosuch:100",), ""),
)


@pytest.mark.parametrize("option, value, range_", [(option, value, range_) for option, values, range_ in WRONG for value in values])
def test_limit_that_can_not_be_meant(box, option, value, range_):
    result = box.run("@die", "0", opts=[f"{option}={value}"])
    check(
        result.code == 125 and len(result.complaints) in (1, 2) and option in result.complaints[0] and value in result.complaints[0]
        and range_ in result.complaints[0],
        f"We ran `{result.typed}`, which can't be meant.",
        f"{result.ended}; standard error: {result.err!r}",
        f"One line names the option, the value and what it may be ({range_}); and 125.",
    )
    check(not kernel.cgroups_of_tests(), f"We ran `{result.typed}`.", f"Left: {kernel.cgroups_of_tests()}.")


def test_limits_that_contradict_each_other(box):
    for opts, said in (
        (["-m", "64m", "--memory-swap", "32m"], "--memory-swap"),
        (["--memory-swap", "128m"], "--memory"),
        (["-m", "64m", "--memory-reservation", "65m"], "--memory-reservation"),
    ):
        result = box.run("@die", "0", opts=opts)
        check(result.code == 125 and said in result.err and len(result.complaints) in (1, 2), f"We ran `{result.typed}`.",
              f"{result.ended}; standard error: {result.err!r}")


def test_device_rates_have_to_be_rates(box):
    disk = next((f"/dev/{name}" for name in sorted(os.listdir("/sys/block")) if os.path.exists(f"/dev/{name}")), None)
    for rate in ("0", "-2", "x", "", "1.5", "99999999999999999999"):
        if not disk:
            break
        result = box.run("@die", "0", opts=["--device-read-iops", f"{disk}:{rate}"])
        check(result.code == 125 and "number from 1" in result.err, f"We ran `{result.typed}`.", f"{result.ended}; {result.err!r}")


def test_a_controller_that_is_not_to_be_had(box):
    """On a machine without the memory controller in version 2: said so, with the way out; nothing is left."""
    if "memory" in kernel.controllers():
        result = box.run("@die", "3", opts=["--memory", "64m"])
        check(result.code == 3, f"We ran `{result.typed}`.", f"{result.ended}; {result.err!r}")
        return
    result = box.run("@die", "0", opts=["--memory", "64m"])
    check(
        result.code == 125 and "--memory" in result.complaints[0] and "controller memory" in result.complaints[0],
        f"We ran `{result.typed}`; cgroup v2 has no memory controller here.",
        f"{result.ended}; standard error: {result.err!r}",
        "The option that needs it fails with the reason; a run without it works.",
    )
    check(not kernel.cgroups_of_tests(), f"We ran `{result.typed}`.", f"Left: {kernel.cgroups_of_tests()}.")


def test_update_and_stats_of_nobody(box):
    for words, code in (
        (["update", "-m", "64m", "nobody"], 1),
        (["update", "nobody"], 125),
        (["update", "-m", "64m"], 125),
        (["update", "-m", "1", "nobody"], 125),
        (["update", "--oom-score-adj", "1", "nobody"], 125),
        (["update", "--restart", "no", "nobody"], 125),
        (["stats", "--no-stream", "nobody"], 1),
        (["stats", "--format", "xml"], 125),
        (["kill"], 125),
        (["kill", "nobody"], 1),
    ):
        result = box.skiff.run(words)
        check(result.code == code and len(result.complaints) in (1, 2), f"We ran `{result.typed}`.",
              f"It should end with {code}; {result.ended}; standard error: {result.err!r}")


def test_stats(box):
    result = box.skiff.run(["stats", "--no-stream"])
    check(result.code == 0 and result.out.split()[:2] == ["CONTAINER", "ID"] and len(result.out.splitlines()) == 1,
          f"We ran `{result.typed}` without a container.", f"It printed {result.out!r}. {result.err}")
    name, held = box.named()
    ident = box.container_id()
    table = box.skiff.run(["stats", "--no-stream"])
    check(ident[:12] in table.out and name in table.out and "CPU %" in table.out,
          f"We ran `{table.typed}`.", f"It printed {table.out!r}. {table.err}")
    result = box.skiff.run(["stats", "--no-stream", "--format", "json", name])
    seen = result.json()
    keys = {"Container", "ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "BlockIO", "PIDs", "Pressure"}
    check(set(seen) == keys and seen["ID"] == ident[:12] and seen["Name"] == name and seen["CPUPerc"].endswith("%"),
          f"We ran `{result.typed}`.", f"It printed {result.out!r}. {result.err}", "Docker's keys, and the pressure.")
    held.finish()


def test_stats_invent_nothing(box):
    """What no controller of version 2 measures is not known: --, as in Docker. Processes can be counted without one."""
    name, held = box.named()
    seen = box.skiff.run(["stats", "--no-stream", "--format", "json", name]).json()
    unknown = {"memory": ("MemUsage", "-- / --"), "io": ("BlockIO", "-- / --")}
    here = kernel.controllers()
    for controller, (key, text) in unknown.items():
        check((seen[key] == text) == (controller not in here), f"We ran `skiff stats`; there are the controllers {sorted(here)}.",
              f"{key}: {seen[key]}")
    check((seen["MemPerc"] == "--") == ("memory" not in here), "We ran `skiff stats`.", f"MemPerc: {seen['MemPerc']}")
    check(seen["PIDs"] == "1", "We ran `skiff stats` on a container with one process.", f"PIDs: {seen['PIDs']}")
    held.finish()


def test_stats_without_a_cgroup(box):
    no_cgroup = ["unshare", "--mount", "sh", "-c", 'umount -l -a -t cgroup2 && exec "$@"', "sh"]
    name, held = box.named(wrapper=no_cgroup)
    result = box.skiff.run(["stats", "--no-stream", name])
    check(result.code == 1 and "no cgroup of its own" in result.err and not result.out, f"We ran `{result.typed}`; it has no cgroup.",
          f"{result.ended}; {result.out!r}; {result.err!r}")
    held.finish()
