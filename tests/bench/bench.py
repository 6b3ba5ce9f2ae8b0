#!/usr/bin/python3
"""make bench: what a start with skiff costs, and what a waiting skiff weighs.

    bench.py [--build DIR] [--rounds N] [--json]

Start: every contestant runs `true` in the same root, one after the other, in an order that changes from round to
round; each time is divided by the floor's (floor.c) of the same round, and the median of these ratios counts. Seconds
mean little on a busy or virtual machine; ratios within a run hold. The CPU column is the same for the processor time of
all processes of the start: other work on the machine disturbs it less.
Memory: the proportional set size (PSS, proc_pid_smaps(5)) of each skiff process while a container runs; and of what is
mapped of the image's program, in one container and in two of the same image: they share its page cache.
The verdicts are `met` and `not met`; the exit status says only whether everything could be measured."""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import contestants  # noqa: E402
import memory  # noqa: E402

START_LIMIT, ROOMS_LIMIT, LAYERS_LIMIT, SHARED_LIMIT, MEMORY_LIMIT_KIB, WARM_UP = 1.5, 1.6, 2, 1.1, 1024, 5
# The kernel takes a dead container's namespaces apart in the background: that is not the next one's to pay.
SETTLE_SECONDS = 0.01


def run_once(contestant):
    """Runs the contestant; returns the microseconds from before the fork to after the wait, and those of processor time."""
    null = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1)]
    command = contestant.command()
    start = time.perf_counter_ns()
    pid = os.posix_spawn(command[0], command, contestant.environment, file_actions=null)
    _, status, used = os.wait4(pid, 0)
    usec = (time.perf_counter_ns() - start) / 1000
    time.sleep(SETTLE_SECONDS)
    if status != 0:
        raise RuntimeError(f"{contestant.name}: exit status {os.waitstatus_to_exitcode(status)} from {' '.join(command)}")
    return usec, (used.ru_utime + used.ru_stime) * 1e6


def measure(entered, rounds):
    """Rounds of all contestants, interleaved. Returns name -> list of pairs of microseconds."""
    times = {contestant.name: [] for contestant in entered}
    order, shuffler = list(entered), random.Random(1)
    for number in range(WARM_UP + rounds):
        shuffler.shuffle(order)
        for contestant in order:
            pair = run_once(contestant)
            if number >= WARM_UP:
                times[contestant.name].append(pair)
    return times


def start_rows(everybody, rounds):
    entered, rows = [], []
    for contestant in everybody:
        if not contestant.missing:
            try:
                run_once(contestant)
                entered.append(contestant)
            except RuntimeError as error:
                contestant.missing = str(error)
    times = measure(entered, rounds)
    for contestant in everybody:
        row = {"name": contestant.name, "about": contestant.about, "ratio": None, "missing": contestant.missing}
        if contestant in entered:
            both = list(zip(times[contestant.name], times["floor"]))
            low, middle, high = statistics.quantiles([mine[0] / floor[0] for mine, floor in both], n=4)
            row.update(ratio=round(middle, 3), quartiles=[round(low, 3), round(high, 3)],
                       cpu_ratio=round(statistics.median(mine[1] / floor[1] for mine, floor in both), 3),
                       usec=round(statistics.median(mine[0] for mine, _ in both)))
        rows.append(row)
    return rows, times


def compared(times, name, other):
    """The median of a contestant's times by those of another one in the same round; None without one of them."""
    if not times.get(name) or not times.get(other):
        return None
    return round(statistics.median(mine[0] / its[0] for mine, its in zip(times[name], times[other])), 3)


def ratio_verdict(what, value, limit):
    return {"what": what, "limit": limit, "value": value, "verdict": "met" if value is not None and value <= limit else "not met"}


def verdicts(start, times, weights, shared):
    floor = next(row["ratio"] for row in start if row["name"] == "skiff-03")
    found = [
        ratio_verdict("start with namespaces only, ratio to the floor", floor, START_LIMIT),
        ratio_verdict("start with chapters 04 to 06, ratio to that with namespaces only", compared(times, "skiff-06", "skiff-03"),
                      ROOMS_LIMIT),
        ratio_verdict("start with 128 layers, ratio to that with one", compared(times, "skiff-128", "skiff"), LAYERS_LIMIT),
        ratio_verdict("the program's pages in two containers of one image, ratio to one", shared["ratio"], SHARED_LIMIT),
    ]
    for row in weights:
        found.append({"what": f"memory of {row['name']}, KiB", "limit": MEMORY_LIMIT_KIB, "value": row["pss_kib"],
                      "verdict": "met" if row["pss_kib"] < MEMORY_LIMIT_KIB else "not met"})
    return found


def print_table(result):
    print(f"start of `true`, {result['rounds']} rounds, interleaved; ratio to the floor of the same round\n")
    print(f"{'':16} {'RATIO':>6} {'QUARTILES':>13} {'CPU':>5} {'MEDIAN':>9}")
    for row in result["start"]:
        if row["ratio"] is None:
            print(f"{row['name']:16} {'-':>6}   {row['missing']}")
            continue
        low, high = row["quartiles"]
        print(f"{row['name']:16} {row['ratio']:6.2f} {low:6.2f}-{high:<6.2f} {row['cpu_ratio']:5.2f} {row['usec']:6} us   {row['about']}")
    print("\nmemory while a container waits (PSS)\n")
    for row in result["memory"]:
        print(f"{row['name']:16} {row['pss_kib']:6} KiB   {row['about']}")
    shared = result["shared"]
    print(f"{'page cache':16} {shared['two_kib']:6} KiB   of the image's program in two containers; {shared['one_kib']} KiB in one")
    print()
    for row in result["verdicts"]:
        limit = f"below {row['limit']}" if row["limit"] == MEMORY_LIMIT_KIB else f"at most {row['limit']}"
        print(f"{row['verdict']:8} {row['what']}: {row['value']} ({limit})")


# Copied, not mounted afresh: that would change the options of cgroup2 for all of the machine.
OWN_CGROUPS = """
top=$(findmnt -rn -t cgroup2 -o TARGET | head -n 1); copy=$(mktemp -d)
mount --bind "$top" "$copy" && umount -R /sys/fs/cgroup && mount --move "$copy" /sys/fs/cgroup && rmdir "$copy" &&
cd /sys/fs/cgroup && mkdir "$SKIFF_BENCH_CGROUP" && mount --bind "$SKIFF_BENCH_CGROUP" "$SKIFF_BENCH_CGROUP" &&
mount -o remount,bind,ro /sys/fs/cgroup && cd "$OLDPWD" && exec "$@"
"""


def enter_own_mount_namespace():
    """Runs this program anew where the cgroups are read-only, but for one of skiff's: a peer must not make any on the host.

    They are cgroup v2's alone, as the peers want them; and all of it is in a mount namespace of its own."""
    if "SKIFF_BENCH_CGROUP" not in os.environ:
        os.environ["SKIFF_BENCH_CGROUP"] = f"skiff-bench-{os.getpid()}"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", OWN_CGROUPS, "sh",
                              sys.executable, *sys.argv])


def remove_own_cgroup():
    """Nothing runs in it any more."""
    path = os.path.join("/sys/fs/cgroup", os.environ["SKIFF_BENCH_CGROUP"])
    subprocess.run(["umount", path], check=True)
    subprocess.run(["mount", "-o", "remount,bind,rw", "/sys/fs/cgroup"], check=True)
    os.rmdir(path)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--build", default=os.path.join(HERE, "../../build"))
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if os.geteuid() != 0:
        parser.exit(2, "bench: this needs root, for namespaces without a user namespace: sudo make bench\n")
    if options.rounds < 2:
        parser.exit(2, "bench: --rounds: a median needs two rounds\n")
    enter_own_mount_namespace()
    # State on a tmpfs, as /run is one on most machines.
    try:
        with tempfile.TemporaryDirectory(prefix="skiff-bench-", dir="/dev/shm") as scratch:
            build = os.path.abspath(options.build)
            everybody = contestants.all_of_them(build, scratch)
            start, times = start_rows(everybody, options.rounds)
            weights = memory.rows(build, scratch)
            shared = memory.shared_pages(build, scratch)
    finally:
        remove_own_cgroup()
    result = {"rounds": options.rounds, "start": start, "memory": weights, "shared": shared,
              "verdicts": verdicts(start, times, weights, shared)}
    if options.json:
        print(json.dumps(result, indent=1))
    else:
        print_table(result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
