"""What the waiting processes of skiff weigh: their proportional set size while a container runs."""

import os
import re
import subprocess
import time


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


def weigh(build, scratch, options):
    """Runs `sleep` in a container; returns the PSS of each process that is still skiff's own program."""
    skiff = os.path.join(build, "skiff")
    command = [skiff, "run", *options, "--rootfs", os.path.join(build, "images/busybox/rootfs"), "sleep", "60"]
    environment = {"PATH": "/usr/bin:/bin", "SKIFF_RUN": os.path.join(scratch, "run")}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)
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
