"""The system calls that the probes try, by ctypes; failure is an OSError."""

import contextlib
import ctypes
import errno
import os
import signal
import socket
import struct

LIBC = ctypes.CDLL(None, use_errno=True)

CLONE = {"time": 0x80, "mnt": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000,
         "ipc": 0x8000000, "user": 0x10000000, "pid": 0x20000000,
         "net": 0x40000000}
# These calls are newer than the unification: one number on every machine.
NUMBER = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431,
          "fsmount": 432, "pidfd_open": 434, "clone3": 435,
          "close_range": 436, "openat2": 437, "mount_setattr": 442,
          "landlock_create_ruleset": 444}
MS_RDONLY, MS_BIND, MS_REC, MS_PRIVATE = 1, 0x1000, 0x4000, 0x40000
MNT_DETACH = 2
AT_FDCWD, AT_EMPTY_PATH = -100, 0x1000
OPEN_TREE_CLONE = 1
MOUNT_ATTR_RDONLY, MOUNT_ATTR_IDMAP = 1, 0x100000
RESOLVE_IN_ROOT = 0x10


def check(result):
    """The result of a C library call, or its errno as an OSError."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(name, *arguments):
    """A system call by name: integers, bytes or None."""
    words = [ctypes.c_long(word) if isinstance(word, int) else word
             for word in arguments]
    return check(LIBC.syscall(ctypes.c_long(NUMBER[name]), *words))


def unshare(*kinds):
    """Leave these namespaces for new ones."""
    flags = 0
    for kind in kinds:
        flags |= CLONE[kind]
    check(LIBC.unshare(flags))


def mount(source, target, kind, flags=0, data=None):
    """mount(2), with text for the strings."""
    encoded = [text.encode() if text else None
               for text in (source, target, kind)]
    check(LIBC.mount(*encoded, ctypes.c_ulong(flags),
                     data.encode() if data else None))


def pivot_root(new_root, put_old):
    """pivot_root(2)."""
    check(LIBC.pivot_root(new_root.encode(), put_old.encode()))


def umount(target, flags=0):
    """umount2(2)."""
    check(LIBC.umount2(target.encode(), flags))


def write(path, text):
    """Write a kernel file at once."""
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)


def enter_user_namespace():
    """A user namespace of our own, in which we are root."""
    uid, gid = os.getuid(), os.getgid()
    unshare("user")
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"0 {uid} 1")
    write("/proc/self/gid_map", f"0 {gid} 1")


@contextlib.contextmanager
def held_process(prepare):
    """The PID of a process that has done prepare() and then waits; it is
    ended with the block. If prepare() fails, so does this."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            prepare()
            os.write(writer, b"0")
            signal.pause()
        except OSError as error:
            os.write(writer, str(error.errno).encode())
        finally:
            os._exit(0)
    os.close(writer)
    try:
        answer = int(os.read(reader, 10) or errno.EIO)
        if answer:
            raise OSError(answer, os.strerror(answer))
        yield child
    finally:
        os.close(reader)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def private_mounts():
    """A mount namespace whose changes nobody else sees; tmpfs on /tmp."""
    unshare("mnt")
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    mount("doctor", "/tmp", "tmpfs")


def attribute(kind, value):
    """One netlink attribute, padded."""
    body = struct.pack("HH", len(value) + 4, kind) + value
    return body + b"\0" * (-len(body) % 4)


def ask_netlink(family, kind, flags, body):
    """Send one request; an error in the answer is an OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, family) as link:
        link.settimeout(1)
        link.send(struct.pack("IHHII", 16 + len(body), kind, flags, 1, 0)
                  + body)
        answer = link.recv(8192)
    if struct.unpack_from("H", answer, 4)[0] == 2:  # NLMSG_ERROR
        number = -struct.unpack_from("i", answer, 16)[0]
        if number:
            raise OSError(number, os.strerror(number))


def new_link(name, kind, data=b""):
    """`ip link add NAME type KIND`, by rtnetlink."""
    info = attribute(1, kind.encode()) + (attribute(2, data) if data else b"")
    request_ack_create_excl = 0x1 | 0x4 | 0x400 | 0x200
    ask_netlink(0, 16, request_ack_create_excl,
                struct.pack("BxHiII", 0, 0, 0, 0, 0)
                + attribute(3, name.encode() + b"\0") + attribute(18, info))


def ask_nftables():
    """Which ruleset generation is this? Any kernel with nf_tables answers."""
    nftables_getgen = 10 << 8 | 16
    ask_netlink(12, nftables_getgen, 0x1, struct.pack("BBH", 0, 0, 0))


def clone3():
    """A child by clone3(2), with a pidfd; it is waited for."""
    pidfd = ctypes.c_int(-1)
    arguments = struct.pack("QQQQQQQQ", 0x1000, ctypes.addressof(pidfd),
                            0, 0, 17, 0, 0, 0)  # CLONE_PIDFD, SIGCHLD
    pid = syscall("clone3", arguments, len(arguments))
    if pid == 0:
        os._exit(0)
    os.waitid(os.P_PIDFD, pidfd.value, os.WEXITED)


def filter_seccomp():
    """Install a filter that refuses uname(2), and see it refuse."""
    number = {"x86_64": 63, "aarch64": 160}.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, "no number for this machine")
    refuse = 0x50000 | errno.EDOM  # SECCOMP_RET_ERRNO
    program = b"".join(struct.pack("HBBI", *line) for line in (
        (0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, refuse),
        (6, 0, 0, 0x7fff0000)))
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HxxxxxxQ", 4, ctypes.addressof(code))
    check(LIBC.prctl(38, 1, 0, 0, 0))  # PR_SET_NO_NEW_PRIVS
    check(LIBC.prctl(22, 2, header, 0, 0))  # PR_SET_SECCOMP
    try:
        os.uname()
    except OSError as error:
        if error.errno == errno.EDOM:
            return
    raise OSError(errno.ENOTSUP, "the filter did not refuse")


def attach_device_rules(cgroup):
    """Load a device program that allows all, attach it to a new cgroup
    below this one, and take both away again."""
    number = {"x86_64": 321, "aarch64": 280}.get(os.uname().machine)
    if number is None:
        raise OSError(errno.ENOSYS, "no number for this machine")

    def bpf(command, attributes):
        return check(LIBC.syscall(ctypes.c_long(number),
                                  ctypes.c_long(command), attributes,
                                  ctypes.c_long(len(attributes))))

    code = ctypes.create_string_buffer(  # r0 = 1; exit
        struct.pack("<BBhiBBhi", 0xB7, 0, 0, 1, 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    program = bpf(5, struct.pack(  # BPF_PROG_LOAD, ..._CGROUP_DEVICE
        "IIQQIIQII", 15, 2, ctypes.addressof(code),
        ctypes.addressof(licence), 0, 0, 0, 0, 0))
    place = f"{cgroup}/skiff-doctor-{os.getpid()}"
    os.mkdir(place)
    try:
        directory = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        # BPF_PROG_ATTACH, BPF_CGROUP_DEVICE, BPF_F_ALLOW_MULTI
        bpf(8, struct.pack("IIII", directory, program, 6, 2))
    finally:
        os.rmdir(place)


def kvm_version():
    """KVM_GET_API_VERSION: 12 since 2007."""
    fd = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    try:
        return check(LIBC.ioctl(fd, ctypes.c_ulong(0xAE00), 0))
    finally:
        os.close(fd)
