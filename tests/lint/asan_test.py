#!/usr/bin/python3
"""The stage tests with a skiff that has sanitizers built in; fails if any of its processes had a report.

First, mistakes are planted in the parent and in the child (see reports.c), and each must be reported: so
that no silence later on is the silence of a broken alarm."""

import argparse
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
# It measures skiff's memory, which here is mostly the sanitizers'.
NOT_HERE = ["chapters/test_01_init.py::test_waiting_processes_are_small"]
PLANTED = {"parent-leak": "detected memory leaks", "child-overflow": "heap-buffer-overflow", "child-undefined": ""}


def take_reports(path):
    """What the sanitizers have reported since the last call, as text."""
    if not os.path.exists(path):
        return ""
    with open(path, "r+b") as file:
        text = file.read()[4:].replace(b"\0", b"").decode("utf-8", "replace")
        file.truncate(0)
    for leaks in sorted(glob.glob(glob.escape(path) + ".leaks.*")):
        with open(leaks, encoding="utf-8", errors="replace") as file:
            text += file.read()
        os.remove(leaks)
    return text


def check_the_alarm(options):
    """Runs skiff with each mistake planted. Returns the number of those that stayed unseen."""
    unseen = 0
    for place, word in {"": "", **PLANTED}.items():
        with tempfile.TemporaryDirectory(prefix="skiff-asan-") as run:
            environment = {"PATH": os.environ["PATH"], "SKIFF_RUN": run, "SKIFF_ROOT": run + "/lib", "SKIFF_PLANT": place}
            command = [options.skiff, "run", "--rootfs", options.image, "true"]
            ran = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        reports = take_reports(options.reports)
        if place and not ("a sanitizer ended process" in reports and word in reports + ran.stderr):
            print(f"FAILED: the planted mistake {place} was not reported (exit status {ran.returncode})\n{ran.stderr}")
            unseen += 1
        if not place and (reports or ran.returncode != 0):
            print(f"FAILED: a plain run had a report (exit status {ran.returncode})\n{reports}{ran.stderr}")
            unseen += 1
    return unseen


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("skiff", "stage", "reports", "image", "probes"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("pytest", nargs="*", help="further arguments for pytest")
    options = parser.parse_args()
    take_reports(options.reports)
    if check_the_alarm(options):
        return 1
    print(f"alarm: {len(PLANTED)} planted mistakes were reported")
    command = [sys.executable, "-m", "pytest", "-q", os.path.join(TESTS, "chapters"), "--skiff", options.skiff, "--stage", options.stage,
               "--image", options.image, "--probes", options.probes, *options.pytest]
    # What may need the lab VM is run there with the plain skiff: this one writes its reports here.
    command += ["-m", "not needs"]
    command += [word for test in NOT_HERE for word in ("--deselect", os.path.relpath(os.path.join(TESTS, test), TESTS))]
    status = subprocess.run(command).returncode
    reports = take_reports(options.reports)
    print(reports or "sanitizers: no report")
    return 1 if status or reports else 0


if __name__ == "__main__":
    sys.exit(main())
