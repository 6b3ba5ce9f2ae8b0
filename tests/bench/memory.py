"""What the waiting processes of skiff weigh: their proportional set size while a container runs."""

import os
import re
import subprocess
import time

import contestants


def processes_of(parent):
    """The process IDs of the descendants of parent, itself first."""
    found = [parent]
    for pid in found:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += [int(word) for word in file.read().split()]
    return found


def name_of(pid):
    with open(f"/proc/{pid}/comm", encoding="utf-8") as file:
        return file.read().strip()


def pss_kib(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Pss:\s+(\d+) kB$", file.read(), re.MULTILINE).group(1))


def wait_for(process, command):
    """Waits until the container's command runs; returns all processes below skiff, skiff first."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        below = processes_of(process.pid)
        if name_of(below[-1]) == command:
            return below
        time.sleep(0.02)
    process.kill()
    raise RuntimeError(f"memory: {command} did not start: {process.communicate()[1]}")


def start(build, scratch, options):
    """A container that waits."""
    skiff = os.path.join(build, "skiff")
    command = [skiff, "run", "--rm", *options, "--rootfs", os.path.join(build, "images/busybox/rootfs"), "sleep", "60"]
    environment = {"PATH": "/usr/bin:/bin", **contestants.environment_of_skiff(scratch)}
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def program_kib(pid):
    """The PSS of the pages that a process shows of its program's file, KiB: those written to are its own, and not counted."""
    pages, counted = 0, False
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as file:
        for line in file:
            if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                fields = line.split()
                counted = len(fields) > 5 and fields[5].startswith("/") and "w" not in fields[1]
            elif counted and line.startswith("Pss:"):
                pages += int(line.split()[1])
    return pages


def shared_pages(build, scratch):
    """What the image's program takes of the page cache when one container runs it, and when two do."""
    sizes, running = [], []
    try:
        for _ in range(2):
            running.append(start(build, scratch, []))
            wait_for(running[-1], "sleep")
            sizes.append(sum(program_kib(processes_of(process.pid)[-1]) for process in running))
    finally:
        for process in running:
            process.terminate()
            process.communicate()
    return {"one_kib": sizes[0], "two_kib": sizes[1], "ratio": round(sizes[1] / sizes[0], 3)}


def weigh(build, scratch, options):
    """Runs `sleep` in a container; returns the PSS of each process that is still skiff's own program."""
    process = start(build, scratch, options)
    try:
        below = wait_for(process, "sleep")
        return [pss_kib(pid) for pid in below if name_of(pid) in ("skiff", "init")]
    finally:
        process.terminate()
        process.communicate()


def rows(build, scratch):
    alone, = weigh(build, scratch, [])
    parent, init = weigh(build, scratch, ["--init"])
    return [
        {"name": "skiff", "pss_kib": alone, "about": "waits for the container's end"},
        {"name": "skiff (--init)", "pss_kib": parent, "about": "the same, where an init shares its pages"},
        {"name": "init (--init)", "pss_kib": init, "about": "PID 1 inside, waits for orphans"},
    ]
