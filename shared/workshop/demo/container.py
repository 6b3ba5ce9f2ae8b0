"""Runs skiff, and asks a container that runs under it."""

import os
import subprocess
import threading
from pathlib import Path

SECONDS = 10


class DemoFailed(Exception):
    """A step of the demo did not do what it should."""


class Skiff:
    """The skiff that was built, with state directories of its own."""

    def __init__(self, build, directory):
        self.program = build / "skiff"
        self.rootfs = build / "images/busybox/rootfs"
        self.run_directory = directory / "run"
        self.environment = dict(os.environ, SKIFF_ROOT=str(directory / "root"),
                                SKIFF_RUN=str(self.run_directory))
        for needed in (self.program, self.rootfs / "bin/sh"):
            if not os.path.lexists(needed):
                raise DemoFailed(f"{needed}: is not there; make build image")

    def words(self, *command, explain=False):
        """`skiff run --rootfs ROOTFS COMMAND...` as a list."""
        options = ["--explain"] if explain else []
        return [str(self.program), *options, "run", "--rootfs",
                str(self.rootfs), *command]

    def start(self, *command, **pipes):
        """Start it, and do not wait."""
        return subprocess.Popen(self.words(*command), env=self.environment,
                                text=True, **pipes)

    def finish(self, *command, explain=False):
        """Run it to its end: (exit status, output, errors)."""
        try:
            done = subprocess.run(self.words(*command, explain=explain),
                                  stdin=subprocess.DEVNULL, text=True,
                                  capture_output=True, timeout=SECONDS,
                                  env=self.environment, check=False)
        except subprocess.TimeoutExpired as error:
            raise DemoFailed(f"skiff run {' '.join(command)}: no end after"
                             f" {SECONDS} s") from error
        return done.returncode, done.stdout, done.stderr

    def containers_left(self):
        """The containers whose state is still kept."""
        directory = self.run_directory / "containers"
        return os.listdir(directory) if directory.is_dir() else []


class Container:
    """A shell in a container; it answers until the `with` block ends."""

    def __init__(self, skiff):
        self.skiff = skiff
        self.process = None
        self.guard = None
        self.status = None

    def __enter__(self):
        self.process = self.skiff.start("sh", stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
        self.guard = threading.Timer(SECONDS, self.process.kill)
        self.guard.start()
        try:
            self.ask("true")
            self.pid = self._find_pid()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.status = self.process.wait()
        self.process.stdout.close()
        self.guard.cancel()

    def ask(self, command):
        """What the command prints in the container, its line ends cut."""
        end = "end of the answer:"
        lines = []
        try:
            self.process.stdin.write(f"{command} </dev/null; echo {end} $?\n")
            self.process.stdin.flush()
            for line in self.process.stdout:
                if line.startswith(end):
                    break
                lines.append(line)
            else:
                raise BrokenPipeError
        except BrokenPipeError:
            raise DemoFailed("the container ended before it had answered:"
                             f" {command}") from None
        if line.split()[-1] != "0":
            raise DemoFailed(f"in the container: {command}: exit status"
                             f" {line.split()[-1]}")
        return "".join(lines).rstrip("\n")

    def read(self, path):
        """A file, read in the container."""
        return self.ask(f"cat {path}")

    def _find_pid(self):
        """The host's number for the shell: the one process below skiff
        that calls itself by the number which the shell gives."""
        inside = self.ask("echo $$")
        for pid in descendants(self.process.pid):
            numbers = status_of(pid).get("NSpid", "").split()
            if numbers and numbers[-1] == inside and is_shell(pid):
                return pid
        raise DemoFailed("the container's shell is not found below skiff")


def is_shell(pid):
    """Whether it is not skiff itself."""
    try:
        return "busybox" in os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return False


def status_of(pid):
    """/proc/PID/status as a dictionary; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return {}
    return dict(line.split(":\t", 1) for line in text.splitlines()
                if ":\t" in line)


def descendants(pid):
    """The processes below one, as the host's /proc tells."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            parents[int(name)] = int(status_of(name).get("PPid", 0))
    found, wave = [], {pid}
    while wave:
        wave = {each for each, parent in parents.items() if parent in wave}
        found += sorted(wave)
    return found
