"""A census before and after every test: what a test leaves on the host is a failure that names it.

It costs about a millisecond, so every test has it. The tests run in a mount, network, UTS and IPC namespace of
their own (see stage_hand), and adopt every orphan: what leaks, leaks to us and not to the machine.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from . import kernel, people
from .wait import until

PREFIX = "skiff-test-"


def stage_hand():
    """Give the test process namespaces of its own, every mount shared as systemd has it, and make it adopt orphans.

    A forgotten CLONE_NEWNS or MS_PRIVATE then shows as it does on a real host, and hurts no real host."""
    kernel.become_subreaper()
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_SHARED)


def disk_directory():
    """A directory for temporary files that is not in memory: tmpfs can't be ID-mapped before Linux 6.3."""
    kinds = {mount["device"]: mount["type"] for mount in kernel.mountinfo()}

    def kind(path):
        device = os.stat(path).st_dev
        return kinds.get(f"{os.major(device)}:{os.minor(device)}", "")

    places = [place for place in (tempfile.gettempdir(), "/var/tmp") if os.path.isdir(place)]
    return next((place for place in places if kind(place) not in ("tmpfs", "overlay")), places[0])


def make_homes():
    """Two directories for the files of tests: in memory, which is fast and gone with our namespace, and on disk."""
    for name in listing(disk_directory()):
        owner = re.match(PREFIX + r"(\d+)-", name)
        path = os.path.join(disk_directory(), name)
        if owner and not os.path.exists(f"/proc/{owner.group(1)}") and os.lstat(path).st_uid == os.geteuid():
            remove_tree(path)  # of a test run that was killed
    disk = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=disk_directory())
    memory = os.path.join(disk, "memory")
    os.mkdir(memory)
    os.chmod(disk, 0o755)
    if os.geteuid() != 0:  # chapter 00, by an ordinary user: a directory will do
        return memory, disk
    kernel.mount("tests", memory, "tmpfs", 0, "mode=755")
    kernel.mount(None, memory, None, kernel.MS_SHARED)
    return memory, disk


def remove_homes(memory, disk):
    if os.geteuid() == 0:
        kernel.umount(memory, kernel.MNT_DETACH)
        kernel.remove_cgroup(kernel.cgroup_path(kernel.CGROUP))
    remove_tree(disk)


class Census:
    """One count of everything that a container may leave behind."""

    def __init__(self):
        self.mounts = kernel.read_proc("self/mountinfo").splitlines()
        self.links = [name for _, name in socket.if_nameindex()]
        self.netns = listing("/run/netns")
        self.cgroups = kernel.cgroups_of_tests()
        self.rules = Rules.now()
        self.hostname = socket.gethostname()
        self.root = kernel.identity("/")
        self.cwd = os.getcwd()
        self.descriptors = descriptors()
        self.temporary = {f"skiff-{uid}" for uid in people.IDS} & set(
            listing("/tmp")
        )  # where skiff keeps an ordinary user's state

    def compare(self, before):
        """What is new since `before`, one line each; and put right what would spoil the next test."""
        lines = []
        old = set(before.mounts)
        for line in self.mounts:
            if line not in old:
                lines.append(f"a mount: {describe_mount(line)}")
        for line in before.mounts:
            if line not in set(self.mounts):
                lines.append(f"a mount of the host is gone or changed: {describe_mount(line)}")
        lines += [f"a network link: {name}" for name in self.links if name not in before.links]
        lines += [
            f"a network namespace: /run/netns/{name}" for name in self.netns if name not in before.netns
        ]
        lines += [f"a cgroup: {path}" for path in self.cgroups if path not in before.cgroups]
        if self.rules != before.rules:
            lines.append(f"nftables rules: {self.rules}")
        if self.hostname != before.hostname:
            lines.append(
                f"the host's own name is now {self.hostname!r}, was {before.hostname!r}: it was set outside"
                " of the container"
            )
        if self.root != before.root:
            lines.append("the host's own root directory was changed")
        for fd, target in self.descriptors.items():
            if before.descriptors.get(fd) != target:
                lines.append(f"a descriptor of the test process: {fd} -> {target}")
        lines += [f"a file: /tmp/{name}" for name in sorted(self.temporary - before.temporary)]
        return lines


class Rules:
    """nftables rules: the text is read only when the kernel's generation number moved."""

    generation, text = None, ""

    @classmethod
    def now(cls):
        generation = kernel.nft_generation()
        if generation != cls.generation:
            cls.generation = generation
            nft = shutil.which("nft")
            cls.text = (
                subprocess.run([nft, "list", "ruleset"], capture_output=True, text=True).stdout
                if nft
                else str(generation)
            )
        return cls.text


def listing(directory):
    try:
        return sorted(os.listdir(directory))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def descriptors():
    found = {}
    fds = os.open("self/fd", os.O_RDONLY | os.O_DIRECTORY, dir_fd=kernel.PROC)
    try:
        for name in os.listdir(fds):
            try:
                found[int(name)] = os.readlink(name, dir_fd=fds)
            except FileNotFoundError:
                pass
    finally:
        os.close(fds)
    found.pop(fds, None)
    return found


def describe_mount(line):
    left, right = line.split(" - ", 1)
    fields = left.split(" ")
    return (
        f"{right.split(' ')[0]} on"
        f" {fields[4]} ({fields[5]}{' ' + ' '.join(fields[6:]) if fields[6:] else ''})"
    )


def unmount_new(before):
    """Take away mounts that a failed test left, newest first."""
    old = set(before.mounts)
    for line in reversed(kernel.read_proc("self/mountinfo").splitlines()):
        if line not in old:
            try:
                kernel.umount(line.split(" - ")[0].split(" ")[4], kernel.MNT_DETACH)
            except OSError:
                pass


def restore(before):
    """Put right what the test changed of the host itself, so that the next test has its chance."""
    unmount_new(before)
    for path in kernel.cgroups_of_tests():
        if path not in before.cgroups:
            kernel.remove_cgroup(path)
    if socket.gethostname() != before.hostname:
        socket.sethostname(before.hostname)
    os.chdir(before.cwd)


def strays():
    """Processes that became our children because whoever should have waited for them did not: pid -> description.

    The dead ones are reaped; the caller kills the others."""
    found = {}
    try:
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            pass
    except ChildProcessError:
        return found
    me = os.getpid()
    for pid, stat in kernel.processes().items():
        if stat["ppid"] == me:
            found[pid] = (stat["state"], kernel.command_line(pid))
    return found


def collect_strays(zombies_allowed, seconds=5.0):
    """Wait a moment for dying processes, then kill what still runs. Returns lines that name what was left.

    A zombie that became ours is one for which skiff should have waited; the tests reap it as init would."""
    lines = []

    def settled():
        for pid, (state, command) in strays().items():
            if state == "Z":
                if not zombies_allowed:
                    lines.append(f"a zombie, for which nobody had waited: {pid} {command}")
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass
        return not strays()

    if until(settled, seconds):
        return lines
    zombies_allowed = True
    while left := {pid: what for pid, what in strays().items() if what[0] != "Z"}:
        for pid, (state, command) in left.items():
            lines.append(f"a process: {pid} ({state}) {command}")
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        if not until(lambda: not any(pid in strays() and strays()[pid][0] != "Z" for pid in left), 2):
            break
        settled()
    settled()
    return lines


def run_entries(directory):
    """What skiff keeps in its state directory; `containers` and `names` themselves may stay, empty."""
    return [
        os.path.relpath(os.path.join(top, name), directory)
        for top, dirs, files in os.walk(directory)
        for name in dirs + files
        if os.path.relpath(os.path.join(top, name), directory) not in ("containers", "names")
    ]


def remove_tree(path):
    """rm -r that never crosses into another file system: a leaked mount below must not cost anybody a file."""
    subprocess.run(["rm", "-rf", "--one-file-system", path], stderr=subprocess.DEVNULL, check=False)
