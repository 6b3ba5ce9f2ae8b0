"""What the kernel says: /proc, namespaces, nftables; and the few calls that Python 3.11 lacks."""

import ctypes
import fcntl
import os
import re
import socket
import struct

from .wait import until

NAMESPACES = ("mnt", "pid", "uts", "ipc", "net", "cgroup", "user", "time")

PRIVATE = (
    "mnt",
    "pid",
    "uts",
    "ipc",
    "net",
    "cgroup",
)  # what a container of root's has of its own by default

CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET = 0x20000, 0x04000000, 0x08000000, 0x40000000
MS_BIND, MS_REC, MS_PRIVATE, MS_SHARED = 0x1000, 0x4000, 0x40000, 0x100000
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

libc = ctypes.CDLL(None, use_errno=True)


def _done(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _bytes(text):
    return None if text is None else os.fsencode(text)


def unshare(flags):
    _done(libc.unshare(flags), "unshare")


def mount(source, target, kind=None, flags=0, data=None):
    _done(
        libc.mount(_bytes(source), _bytes(target), _bytes(kind), ctypes.c_ulong(flags), _bytes(data)),
        f"mount {target}",
    )


def umount(target, flags=0):
    _done(libc.umount2(_bytes(target), flags), f"umount {target}")


def set_domainname(name):
    _done(libc.setdomainname(_bytes(name), len(_bytes(name))), f"setdomainname {name}")


def become_subreaper():
    _done(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "PR_SET_CHILD_SUBREAPER")


# /proc is opened once: a mount left over it, or a changed root, can't blind us.
PROC = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def read_proc(path):
    with open(
        os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=PROC), encoding="utf-8", errors="surrogateescape"
    ) as file:
        return file.read()


def namespace(kind, pid="self"):
    """The inode number of a process's namespace."""
    return os.stat(f"{pid}/ns/{kind}", dir_fd=PROC).st_ino


def namespaces(pid="self"):
    return {kind: namespace(kind, pid) for kind in NAMESPACES}


def identity(path):
    """Device and inode: two paths with the same are the same file."""
    found = os.stat(path)
    return found.st_dev, found.st_ino


def process_status(pid="self"):
    """/proc/PID/status as a dictionary of strings."""
    return dict(line.split(":\t", 1) for line in read_proc(f"{pid}/status").splitlines() if ":\t" in line)


def process_stat(pid):
    """comm, state, ppid, pgrp, session, tpgid of /proc/PID/stat."""
    text = read_proc(f"{pid}/stat")
    comm = text[text.index("(") + 1 : text.rindex(")")]
    rest = text[text.rindex(")") + 2 :].split()
    return {
        "pid": int(pid),
        "comm": comm,
        "state": rest[0],
        "ppid": int(rest[1]),
        "pgrp": int(rest[2]),
        "session": int(rest[3]),
        "tpgid": int(rest[5]),
        "start": int(rest[19]),
    }


def processes():
    """All processes: pid -> process_stat()."""
    found = {}
    for name in os.listdir(PROC):
        if name.isdigit():
            try:
                found[int(name)] = process_stat(name)
            except (FileNotFoundError, ProcessLookupError):
                pass
    return found


def children(pid):
    return sorted(p for p, stat in processes().items() if stat["ppid"] == pid)


def descendants(pid):
    table = processes()
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        below = [p for p, stat in table.items() if stat["ppid"] == parent]
        found += below
        todo += below
    return sorted(found)


def command_line(pid):
    try:
        return (
            " ".join(part for part in read_proc(f"{pid}/cmdline").split("\0") if part)
            or process_stat(pid)["comm"]
        )
    except (FileNotFoundError, ProcessLookupError):
        return "?"


def pss_kib(pid):
    return int(re.search(r"^Pss:\s+(\d+)", read_proc(f"{pid}/smaps_rollup"), re.M).group(1))


def signal_set(pid, field):
    """The numbers of the signals in SigCgt, SigBlk, SigIgn ... of a process."""
    mask = int(process_status(pid)[field], 16)
    return {n for n in range(1, 65) if mask >> (n - 1) & 1}


def settled(pid):
    """Whether a process has taken every signal that was sent to it, and sleeps again or has ended: what it does about them, it
    has done."""
    pending = signal_set(pid, "SigPnd") | signal_set(pid, "ShdPnd")
    return not pending and process_stat(pid)["state"] in "SZ"


def mountinfo(pid="self"):
    """The mounts of a process, oldest first."""
    mounts = []
    for line in read_proc(f"{pid}/mountinfo").splitlines():
        left, right = line.split(" - ", 1)
        fields, kind = left.split(" "), right.split(" ")
        point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m.group(1), 8)), fields[4])
        mounts.append(
            {
                "id": fields[0],
                "parent": fields[1],
                "device": fields[2],
                "root": fields[3],
                "point": point,
                "flags": fields[5].split(","),
                "propagation": fields[6:],
                "type": kind[0],
                "source": kind[1],
                "options": kind[2].split(","),
                "line": line,
            }
        )
    return mounts


def waitid_number():
    """The number of waitid(2): x86-64 has numbers of its own, the others those of the generic table."""
    return 247 if os.uname().machine == "x86_64" else 95


def nft_generation():
    """The generation number of this network namespace's nftables rules; None where there are none at all."""
    NFNL_SUBSYS_NFTABLES, NFT_MSG_GETGEN = 10, 16
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 12) as link:
            link.settimeout(1)
            link.send(
                struct.pack("=IHHIIBBH", 20, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN, 1, 1, 0, 0, 0, 0)
            )
            answer = link.recv(4096)
    except OSError:
        return None
    if len(answer) < 28 or struct.unpack_from("=H", answer, 4)[0] == 2:
        return None
    return struct.unpack_from(">I", answer, 24)[0]


def link_flags(name):
    """IFF_* of a network link: netdevice(7), SIOCGIFFLAGS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as any_socket:
        answer = fcntl.ioctl(any_socket, 0x8913, struct.pack("16sH14x", name.encode(), 0))
    return struct.unpack("16sH14x", answer)[1]


def gone(pids, seconds=5.0):
    """Whether these processes have all ended (zombies have), if need be after a moment."""

    def dead(pid):
        try:
            return process_stat(pid)["state"] in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    return until(lambda: all(dead(pid) for pid in pids), seconds)


# --- cgroups, version 2 ------------------------------------------------------------------------------------

CGROUP = f"skiff-test-{os.getpid()}"  # below it skiff makes the cgroups of this test run's containers


def cgroup_mount():
    """Where cgroup2 is mounted; None if it is not."""
    return next((mount["point"] for mount in mountinfo() if mount["type"] == "cgroup2"), None)


def cgroup_path(name):
    """The directory of a cgroup that is called NAME, as seen from the highest one; None without cgroup2."""
    point = cgroup_mount()
    return point and os.path.join(point, name.lstrip("/"))


def cgroups_of_tests():
    """All cgroups that this test run's containers have now."""
    top = cgroup_path(CGROUP)
    return sorted(
        os.path.join(base, name) for base, names, _ in os.walk(top or "/nowhere") for name in names
    )


def cgroup_of(pid):
    """The cgroup of a process (version 2), by its path in the hierarchy."""
    return next(line[3:] for line in read_proc(f"{pid}/cgroup").splitlines() if line.startswith("0::"))


def cgroup_read(cgroup, file):
    """A file of the cgroup that cgroup_of() has named."""
    with open(os.path.join(cgroup_path(cgroup), file), encoding="ascii") as text:
        return text.read().strip()


def cgroup_events(cgroup, file="cgroup.events"):
    """A file of lines `KEY NUMBER`, as a dictionary."""
    return {key: int(value) for key, value in map(str.split, cgroup_read(cgroup, file).splitlines())}


def remove_cgroup(path):
    """Kill what is in a cgroup and remove it with all below it; for the end of a test run."""
    if not path or not os.path.isdir(path):
        return
    with open(os.path.join(path, "cgroup.kill"), "w", encoding="ascii") as file:
        file.write("1")
    until(lambda: "populated 0" in open(os.path.join(path, "cgroup.events"), encoding="ascii").read(), 5)
    for base, _, _ in os.walk(path, topdown=False):
        until(lambda base=base: not rmdir_fails(base), 2)


def rmdir_fails(path):
    """Whether a directory could not be removed yet."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def device_rules():
    """Whether we may attach device rules to a cgroup: bpf(2) with BPF_PROG_QUERY for BPF_CGROUP_DEVICE."""
    point = cgroup_mount()
    if not point or not os.access(point, os.W_OK) or os.statvfs(point).f_flag & os.ST_RDONLY:
        return False
    number = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
    cgroup = os.open(point, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        query = ctypes.create_string_buffer(struct.pack("=IIIIQII", cgroup, 6, 0, 0, 0, 0, 0))
        return libc.syscall(number, 16, query, len(query.raw) - 1) == 0
    finally:
        os.close(cgroup)


def controllers():
    """The controllers of cgroup version 2 on this machine."""
    point = cgroup_mount()
    if not point:
        return set()
    with open(os.path.join(point, "cgroup.controllers"), encoding="ascii") as file:
        return set(file.read().split())
