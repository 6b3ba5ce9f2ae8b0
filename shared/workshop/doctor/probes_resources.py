"""Chapters 04-06: cgroups, layers, security."""

import os
import re
import struct

from . import kernel, ways
from .finding import limited, missing, ok
from .probes_start import inside

CONTROLLERS = ("cpu", "io", "memory", "pids")


# --- 04 ---

def cgroup_mount(machine):
    """Where cgroup v2 is mounted, or None."""
    for line in (machine.read("/proc/self/mountinfo") or "").splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            return before.split()[4]
    return None


def own_cgroup(machine, mounted):
    """The directory of our own cgroup."""
    path = re.search(r"^0::(/.*)$", machine.read("/proc/self/cgroup") or "",
                     re.M)
    return mounted + (path[1].rstrip("/") if path else "")


def controllers(machine):
    """cgroup v2, with the controllers that the chapter needs."""
    mounted = cgroup_mount(machine)
    if not mounted:
        return missing("controllers", "cgroup v2 is not mounted", ways.LAB_VM)
    text = machine.read(f"{mounted}/cgroup.controllers") or ""
    lacking = [name for name in CONTROLLERS if name not in text.split()]
    if not lacking:
        return ok("controllers", f"{text.strip()} at {mounted}")
    held = [name for name in lacking if held_by_v1(machine, name)]
    if held:
        return missing("controllers", f"v2 is at {mounted}, but v1 holds "
                       + " ".join(held), ways.LAB_VM,
                       "or boot this machine with v2 alone: kernel parameter"
                       " systemd.unified_cgroup_hierarchy=1")
    return missing("controllers",
                   f"{mounted} does not offer {' '.join(lacking)}",
                   ways.LAB_VM)


def held_by_v1(machine, name):
    """Whether a v1 hierarchy has that controller (blkio is v1's io)."""
    old = {"io": "blkio"}.get(name, name)
    found = re.search(rf"^{old}\s+(\d+)", machine.read("/proc/cgroups") or "",
                      re.M)
    return bool(found) and found[1] != "0"


def delegation(machine):
    """Whether we may make cgroups below our own: tried, and removed."""
    mounted = cgroup_mount(machine)
    if not mounted:
        return limited("own cgroups", "cgroup v2 is not mounted", ways.LAB_VM)
    directory = own_cgroup(machine, mounted)
    trial = f"{directory}/skiff-doctor-{os.getpid()}"

    def make():
        os.mkdir(trial)
        os.rmdir(trial)
    outcome = machine.attempt(make)
    if outcome:
        return ok("own cgroups", "can be made (tried one, removed it)")
    if machine.is_root:
        return limited("own cgroups", f"{directory}: {outcome.why}",
                       ways.LAB_VM)
    return user_delegation(machine, mounted, outcome)


def user_delegation(machine, mounted, outcome):
    """What systemd gave to this user."""
    manager = (f"{mounted}/user.slice/user-{machine.uid}.slice"
               f"/user@{machine.uid}.service")
    given = machine.read(f"{manager}/cgroup.controllers")
    if given is None:
        return limited("own cgroups", f"{outcome.why}, and systemd gave this"
                       " user none", ways.WITH_SUDO)
    lacking = [name for name in CONTROLLERS if name not in given.split()]
    if lacking:
        return limited("own cgroups", f"systemd gave {given.strip()}, not "
                       + " ".join(lacking), *ways.delegate())
    return ok("own cgroups", "delegated by systemd: systemd-run --user"
              " --scope -p Delegate=yes COMMAND")


def pressure(machine):
    """Pressure stall information."""
    if machine.read("/proc/pressure/memory"):
        return ok("pressure", "/proc/pressure can be read")
    return limited("pressure", "/proc/pressure cannot be read: kernel"
                   " parameter psi=1", ways.LAB_VM)


# --- 05 ---

def mount_overlay():
    """An overlay of two directories, in namespaces of our own."""
    kernel.private_mounts()
    for name in ("lower", "upper", "work", "merged"):
        os.mkdir(f"/tmp/{name}")
    kernel.write("/tmp/lower/file", "below")
    kernel.mount("overlay", "/tmp/merged", "overlay", 0, "lowerdir=/tmp/lower,"
                 "upperdir=/tmp/upper,workdir=/tmp/work,userxattr")
    kernel.write("/tmp/merged/file", "above")
    with open("/tmp/lower/file", encoding="ascii") as stream:
        if stream.read() != "below":
            raise OSError(5, "the write went through")
    return "mounted, written to, the lower layer is unchanged"


def overlayfs(machine):
    """As whoever we are."""
    return inside(machine, "overlayfs", mount_overlay, ways.module("overlay"))


def overlayfs_rootless(machine):
    """In a user namespace, as an ordinary user's container."""
    name = "rootless overlay"
    if not machine.powers:
        return limited(name, "needs a user namespace (see 03)")

    def mount():
        kernel.enter_user_namespace()
        return mount_overlay()
    outcome = machine.attempt(mount)
    if outcome:
        return ok(name, "works in a user namespace too")
    return limited(name, f"in a user namespace: {outcome.why}", ways.LAB_VM)


def idmapped_mounts(machine):
    """The tree's own file system, seen with other IDs."""
    name = "idmapped mounts"
    if not machine.is_privileged:
        return ok(name, "not tried: they are for root only")

    def calls():
        kernel.unshare("mnt")
        with kernel.held_process(kernel.enter_user_namespace) as child:
            users = os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
            tree = kernel.syscall("open_tree", kernel.AT_FDCWD,
                                  str(machine.top).encode(),
                                  kernel.OPEN_TREE_CLONE)
            kernel.syscall("mount_setattr", tree, b"", kernel.AT_EMPTY_PATH,
                           struct.pack("QQQQ", kernel.MOUNT_ATTR_IDMAP, 0, 0,
                                       users), 32)
        return "this tree's file system can be mounted with other IDs"
    outcome = machine.attempt(calls)
    if outcome:
        return ok(name, outcome.text)
    return limited(name, f"on this tree's file system: {outcome.why}",
                   ways.LAB_VM)


# --- 06 ---

def seccomp(machine):
    """A filter, installed in a child and seen to refuse."""
    outcome = machine.attempt(kernel.filter_seccomp)
    if outcome:
        return ok("seccomp", "a filter was installed and refused a call")
    return missing("seccomp", f"tried a filter: {outcome.why}", ways.LAB_VM,
                   cures=("vm",))


def capabilities(machine):
    """The capabilities that nobody here can have."""
    text = machine.read("/proc/self/status") or ""
    bounding = re.search(r"^CapBnd:\s*([0-9a-f]+)", text, re.M)
    last = machine.number("/proc/sys/kernel/cap_last_cap")
    if not bounding or last is None:
        return limited("capabilities", "/proc/self/status does not tell")
    lost = [number for number in range(last + 1)
            if not int(bounding[1], 16) >> number & 1]
    if not lost:
        return ok("capabilities", f"all {last + 1} can be had by root")
    return limited("capabilities", "out of reach even for root: "
                   + " ".join(capability_name(number) for number in lost)
                   + "; tests that need them use the lab VM", ways.LAB_VM)


def capability_name(number):
    """The names that matter here; the others by number."""
    names = {1: "DAC_OVERRIDE", 6: "SETGID", 7: "SETUID", 8: "SETPCAP",
             12: "NET_ADMIN", 13: "NET_RAW", 16: "SYS_MODULE",
             18: "SYS_CHROOT", 19: "SYS_PTRACE", 21: "SYS_ADMIN",
             22: "SYS_BOOT", 24: "SYS_RESOURCE", 25: "SYS_TIME", 27: "MKNOD",
             38: "PERFMON", 39: "BPF"}
    return "CAP_" + names.get(number, str(number))


def device_rules(machine):
    """A device program on a cgroup: for root."""
    mounted = cgroup_mount(machine)
    if not mounted:
        return limited("device rules", "cgroup v2 is not mounted; skiff takes"
                       " CAP_MKNOD away instead", ways.LAB_VM)
    outcome = machine.attempt(lambda: kernel.attach_device_rules(mounted))
    if outcome:
        return ok("device rules", f"attached to a cgroup at {mounted}")
    if not machine.is_privileged:
        return limited("device rules", f"tried as you: {outcome.why}; only"
                       " root attaches them", "$ sudo make doctor")
    return limited("device rules", f"tried at {mounted}: {outcome.why}; skiff"
                   " takes CAP_MKNOD away instead", ways.LAB_VM)


def labels(machine):
    """AppArmor and SELinux: welcome, not needed."""
    switch = machine.read("/sys/module/apparmor/parameters/enabled") or ""
    enforce = machine.read("/sys/fs/selinux/enforce")
    found = []
    if switch.startswith("Y"):
        found.append("AppArmor: --security-opt apparmor=PROFILE")
    if enforce is not None:
        found.append("SELinux: --security-opt label=LABEL")
    return ok("labels", "; ".join(found) or "neither AppArmor nor SELinux;"
              " not needed")


def landlock(machine):
    """Welcome, not needed."""
    outcome = machine.attempt(lambda: str(kernel.syscall(
        "landlock_create_ruleset", None, 0, 1)))
    modules = (machine.read("/sys/kernel/security/lsm") or "unknown").strip()
    if outcome:
        return ok("landlock", f"ABI {outcome.text}; security modules:"
                  f" {modules}")
    return ok("landlock", f"off ({outcome.why}); not needed; security"
              f" modules: {modules}")
