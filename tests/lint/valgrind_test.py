#!/usr/bin/python3
"""Whole runs of skiff under valgrind's memcheck: no error in any process, and nothing that the parent keeps.

Each run has a log of its own; it must show exactly the processes that were expected to end under valgrind. (A
process that becomes the command by execve(2) leaves valgrind there; what it did wrong before is in the log.)
See valgrind.c for what valgrind does not know of, and how skiff is run all the same. skiff's program is on a read-only
mount here: else it would execute itself anew (chapter 06), and leave valgrind there."""

import argparse
import glob
import os
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LINE = re.compile(r"^==(\d+)== ?(.*)$")
ERROR = re.compile(r"^(Invalid |Conditional jump|Use of uninit|Syscall param|Source and destination|Mismatched|Argument|Jump to"
                   r"|Process terminating|.*are definitely lost|.*are indirectly lost|.*are possibly lost|.*are still reachable)")
UNKNOWN = re.compile(r"unhandled .*syscall|the 'impossible' happened|INTERNAL ERROR")

# name, arguments of skiff ("ROOT" is the image), its exit status, what it prints
RUNS = [
    ("run", ["run", "--rootfs", "ROOT", "sh", "-c", "echo $$; exit 7"], 7, "1\n"),
    ("run-init", ["run", "--init", "--rootfs", "ROOT", "sh", "-c", "(sleep 0.1 &) ; echo $$; exit 7"], 7, "2\n"),
    ("run-named", ["run", "--rm", "--name", "vg", "-e", "A=1", "-w", "/new/dir", "-h", "inside", "--rootfs", "ROOT", "sh", "-c",
                   "echo $A; pwd; hostname"], 0, "1\n/new/dir\ninside\n"),
    ("run-explain", ["--explain=json", "run", "--rootfs", "ROOT", "true"], 0, ""),
    ("run-mapped", ["run", "--uidmap", "0:100000:65536", "--rootfs", "ROOT", "id", "-u"], 0, "0\n"),
    ("run-clocks", ["run", "--time-offset", "1000", "--rootfs", "ROOT", "true"], 0, ""),
    ("run-no-pivot", ["run", "--no-pivot", "--rootfs", "ROOT", "sh", "-c", "exit 3"], 3, ""),
    ("run-killed", ["run", "--init", "--rootfs", "ROOT", "sh", "-c", "kill -KILL $$"], 137, ""),
    ("not-found", ["run", "--rootfs", "ROOT", "no-such-command"], 127, ""),
    ("not-executable", ["run", "--rootfs", "ROOT", "/etc"], 126, ""),
    ("no-root", ["run", "--rootfs", "/no/such/root", "true"], 125, ""),
    ("unknown-option", ["run", "--nope"], 125, ""),
    ("run-as-user", ["run", "--user", "1000:100", "--group-add", "7", "--rootfs", "ROOT", "id", "-u"], 0, "1000\n"),
    ("run-capabilities", ["run", "--cap-drop", "ALL", "--cap-add", "chown", "--security-opt", "no-new-privileges", "--rootfs", "ROOT",
                          "grep", "CapEff", "/proc/self/status"], 0, "CapEff:\t0000000000000001\n"),
    ("run-unconfined", ["run", "--security-opt", "seccomp=unconfined", "--device", "/dev/null:/dev/other:r", "--ulimit", "fsize=1048576",
                        "--sysctl", "kernel.shm_rmid_forced=1", "--rootfs", "ROOT", "sh", "-c", "ulimit -f"], 0, "2048\n"),
    ("run-privileged", ["run", "--privileged", "--rootfs", "ROOT", "true"], 0, ""),
    ("no-such-user", ["run", "--user", "nosuch", "--rootfs", "ROOT", "true"], 125, ""),
    ("no-such-profile", ["run", "--security-opt", "seccomp=/no/such", "--rootfs", "ROOT", "true"], 125, ""),
    ("later-chapter", ["run", "--volume", "/a:/b", "--rootfs", "ROOT", "true"], 125, ""),
    ("help", ["run", "--help"], 0, None),
    ("exec-nobody", ["exec", "nobody", "true"], 1, ""),
    ("bad-name", ["run", "--name", "/", "--rootfs", "ROOT", "true"], 125, ""),
]
EXEC = [
    ("exec", ["exec", "-e", "B=2", "vg", "sh", "-c", "echo $B; exit 5"], 5, "2\n"),
    ("exec-not-found", ["exec", "vg", "no-such-command"], 127, ""),
    ("share", ["run", "--pid", "container:vg", "--network", "container:vg", "--rootfs", "ROOT", "true"], 0, ""),
]
# What is planted (plant.c), and what valgrind must say then.
PLANTED = [("parent-leak", "definitely lost"), ("child-overflow", "Invalid write"), ("parent-descriptor", "Open file descriptor")]


def complaints(log, parent):
    """What is wrong in a log: errors of every process; memory and descriptors of the parent, too."""
    found, summaries, freed = [], 0, False
    lines = log.splitlines()
    for number, line in enumerate(lines):
        if UNKNOWN.search(line):
            found.append(line)
        match = LINE.match(line)
        if not match:
            continue
        process, text = int(match.group(1)), match.group(2)
        if ERROR.match(text):
            # What is still reachable counts in the parent; an init that ends by _exit(2) need not tidy up.
            if process == parent or "lost" not in text and "reachable" not in text:
                found += lines[number:number + 12]
        if text.startswith("Open ") and process == parent and "<inherited from parent>" not in lines[number + 1]:
            found += lines[number:number + 6]
        summaries += process == parent and text.startswith("ERROR SUMMARY")
        freed |= process == parent and text.startswith("All heap blocks were freed")
    if summaries != 1:
        found.append(f"the parent should have one summary, it has {summaries}")
    if not freed:
        found.append("the parent did not free all its memory")
    return found


class Runner:
    def __init__(self, options, run_directory):
        self.options = options
        self.environment = {"PATH": os.environ["PATH"], "SKIFF_RUN": run_directory, "SKIFF_ROOT": os.path.join(run_directory, "root")}
        os.makedirs(options.logs, exist_ok=True)

    def start(self, name, arguments, planted=""):
        log = os.path.join(self.options.logs, name + ".log")
        if os.path.exists(log):
            os.remove(log)
        words = [self.options.image if word == "ROOT" else word for word in arguments]
        command = ["valgrind", "--tool=memcheck", "--trace-children=no", "--track-fds=yes", "--leak-check=full",
                   "--show-leak-kinds=all", "--child-silent-after-fork=no", "--error-exitcode=98", f"--log-file={log}",
                   f"--suppressions={HERE}/valgrind.supp", self.options.skiff, *words]
        return log, subprocess.Popen(command, env={**self.environment, "SKIFF_PLANT": planted}, text=True, stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, log, process):
        printed, errors = process.communicate(timeout=60)
        with open(log, encoding="utf-8", errors="replace") as file:
            return complaints(file.read(), process.pid), printed, errors

    def check(self, name, arguments, status, expected):
        log, process = self.start(name, arguments)
        found, printed, errors = self.finish(log, process)
        if process.returncode != status:
            found.append(f"exit status {process.returncode}, not {status}: {errors}")
        if expected is not None and printed != expected:
            found.append(f"printed {printed!r}, not {expected!r}")
        print(f"valgrind: {name}: {'clean' if not found else 'FAILED, see ' + log}")
        for line in found:
            print("    " + line)
        return not found

    def check_with_a_container(self):
        """Runs skiff (under valgrind), and beside it what joins its container."""
        log, process = self.start("run-beside", ["run", "--rm", "--name", "vg", "--rootfs", "ROOT", "sleep", "60"])
        states = os.path.join(glob.escape(self.environment["SKIFF_RUN"]), "containers", "*", "state.json")
        deadline = time.monotonic() + 30
        while not glob.glob(states):
            if time.monotonic() > deadline:
                process.kill()
                raise SystemExit("valgrind: the container did not start\n" + process.communicate()[1])
            time.sleep(0.05)
        results = [self.check(*run) for run in EXEC]
        process.terminate()  # skiff forwards it; sleep as PID 1 would not notice: 143
        found, _, errors = self.finish(log, process)
        if process.returncode != 143:
            found.append(f"exit status {process.returncode}, not 143: {errors}")
        print(f"valgrind: run-beside: {'clean' if not found else 'FAILED, see ' + log}")
        print("".join(f"    {line}\n" for line in found), end="")
        return [*results, not found]

    def check_the_alarm(self, place, word):
        found, _, _ = self.finish(*self.start("planted-" + place, RUNS[0][1], planted=place))
        seen = any(word in line for line in found)
        print(f"valgrind: planted {place}: {'reported' if seen else 'FAILED: not reported'}")
        return seen


def enter_own_mount_namespace(program):
    """Runs this script anew where the program is on a read-only mount."""
    if os.environ.get("SKIFF_VALGRIND_INSIDE") != "yes":
        os.environ["SKIFF_VALGRIND_INSIDE"] = "yes"
        script = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", program,
                              sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("skiff", "image", "logs"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    enter_own_mount_namespace(options.skiff)
    with tempfile.TemporaryDirectory(prefix="skiff-valgrind-") as run_directory:
        runner = Runner(options, run_directory)
        results = [runner.check_the_alarm(*planted) for planted in PLANTED]
        results += [runner.check(*run) for run in RUNS]
        results += runner.check_with_a_container()
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
