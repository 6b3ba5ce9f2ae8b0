"""A process in uninterruptible sleep, as one that waits for a disk: it neither freezes nor dies until we let it."""

import os
import signal
import stat
import struct
import subprocess

from . import kernel
from .wait import until

# fuse(4) and <linux/fuse.h>: the questions and answers of a file system that is a process.
QUESTION = struct.Struct("=IIQQIIII")  # length, operation, number, ...
ANSWER = struct.Struct("=IiQ")         # length, error, number
INIT_ANSWER = struct.Struct("=IIIIHHII32x")  # major and minor version, ..., the longest write, in bytes
INIT = 26
LONGEST = 4096


def open_fuse(place):
    """The device, which a machine may not have loaded yet, and a small /dev does not have: then we make a node."""
    if "\tfuse\n" not in kernel.read_proc("filesystems"):
        subprocess.run(["modprobe", "fuse"], check=True)
    if os.path.exists("/dev/fuse"):
        return os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    node = os.path.join(place, "fuse")
    os.mknod(node, stat.S_IFCHR | 0o600, os.makedev(10, 229))  # Documentation/admin-guide/devices.txt
    try:
        return os.open(node, os.O_RDWR | os.O_CLOEXEC)
    finally:
        os.unlink(node)


class Stuck:
    """Such a process in the cgroup: it asks a file system of ours, mounted at place, which never answers."""

    def __init__(self, cgroup, place):
        self.fuse = open_fuse(place)
        self.pid = os.fork()
        if self.pid == 0:
            self._ask(cgroup, os.fspath(place))
        self._hear(INIT)
        self._answer(INIT_ANSWER.pack(7, 27, 0, 0, 0, 0, LONGEST, 0))
        self._hear()  # KERNEL: from now on not even SIGKILL ends it; request_wait_answer() in fs/fuse/dev.c

    def _ask(self, cgroup, place):
        try:
            kernel.unshare(kernel.CLONE_NEWNS)
            kernel.mount(None, "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
            kernel.mount("stuck", place, "fuse", data=f"fd={self.fuse},rootmode=40000,user_id=0,group_id=0")
            with open(os.path.join(kernel.cgroup_path(cgroup), "cgroup.procs"), "w", encoding="ascii") as file:
                file.write(str(os.getpid()))
            os.closerange(0, os.sysconf("SC_OPEN_MAX"))  # our copy of fuse, too: closed, it lets go
            os.stat(place)
        finally:
            os._exit(0)

    def _read(self):
        try:
            return os.read(self.fuse, LONGEST + 65536)
        except PermissionError:  # not mounted yet
            return None

    def _hear(self, operation=None):
        length, asked, self.number, *_ = QUESTION.unpack_from(until(self._read))
        assert operation in (None, asked), f"FUSE asks for operation {asked}, of {length} bytes"

    def _answer(self, body):
        os.write(self.fuse, ANSWER.pack(ANSWER.size + len(body), 0, self.number) + body)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.reap()

    def release(self):
        """Let it go on: it ends."""
        if self.fuse is not None:
            os.close(self.fuse)
            self.fuse = None

    def reap(self):
        """End it, also where it is frozen now."""
        self.release()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

