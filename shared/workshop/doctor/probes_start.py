"""Chapters 00-03: tools, processes, roots, namespaces."""

import os
import re
import struct
import subprocess

from . import kernel, ways
from .finding import Finding, MISSING, limited, missing, ok

OLDEST = (6, 1)


def elsewhere(machine):
    """Where a thing that needs privilege would work."""
    return {"vm"} if machine.is_root else {"sudo", "vm"}


def inside(machine, name, function, *ways_out):
    """Attempt it with privilege; the Finding says how that went, and its
    measured text is the function's own."""
    if not machine.is_privileged and not machine.powers:
        where = [] if machine.is_root else [ways.WITH_SUDO]
        return missing(name, "needs root, or a user namespace (see 03)",
                       *where, ways.LAB_VM, cures=elsewhere(machine))
    outcome = machine.attempt_inside(function)
    if outcome:
        return ok(name, outcome.text)
    return missing(name, f"tried: {outcome.why}", *ways_out, ways.LAB_VM,
                   cures=elsewhere(machine))


# --- 00 ---

def kernel_version(machine):
    """Linux 6.1 has all that the chapters use."""
    release = machine.release
    found = re.match(r"(\d+)\.(\d+)", release)
    if found and tuple(map(int, found.groups())) >= OLDEST:
        return ok("kernel", f"Linux {release}; 6.1 or later is needed")
    return missing("kernel", f"Linux {release}; 6.1 or later is needed",
                   ways.LAB_VM)


def packages(machine, group, name, what):
    """Ask the installer, which tries each command and library."""
    script = str(machine.top / "shared/workshop/packages.sh")
    status, text = machine.run(script, group, "--check")
    if status == 0:
        return ok(name, what)
    lacking = [re.sub(r"^the (command|package) | \(for .*", "",
                      line.split("  ")[1])
               for line in text.splitlines() if line.startswith("  ")]
    return Finding(name, MISSING, "missing: " + ", ".join(lacking or [text]),
                   [ways.PACKAGES])


def build_tools(machine):
    """What `make build` needs."""
    return packages(machine, "build", "build tools",
                    "compiler, libraries, static busybox: all there")


def test_tools(machine):
    """What `make test` needs."""
    return packages(machine, "test", "test tools",
                    "pytest, cmocka, clang, valgrind ...: all there")


def lab_vm(machine):
    """The lab VM can be made and started."""
    finding = packages(machine, "vm", "lab VM", "")
    if finding.state != "ok":
        finding.ways = ["$ sudo make packages GROUP=vm"]
        return finding
    kvm = machine.attempt(lambda: str(kernel.kvm_version()))
    if kvm:
        return ok("lab VM", "QEMU is there, /dev/kvm answers (make vm sees"
                            " whether a guest starts on it)")
    finding = ok("lab VM", f"QEMU is there; without KVM: /dev/kvm: {kvm.why};"
                           " it emulates, slower but complete")
    if kvm.error == 13:  # EACCES
        finding.ways = [f"$ sudo usermod -aG kvm {ways.user_name()}",
                        "then log in anew"]
    return finding


# --- 01 ---

def process_calls(machine):
    """clone3 with a pidfd, close_range."""
    def calls():
        kernel.clone3()
        os.close(kernel.syscall("pidfd_open", os.getpid(), 0))
        spare = os.dup(0)
        kernel.syscall("close_range", spare, spare, 0)
        return "clone3 with a pidfd, pidfd_open, close_range: work"

    outcome = machine.attempt(calls)
    if outcome:
        return ok("process calls", outcome.text)
    return missing("process calls",
                   f"tried clone3, close_range: {outcome.why}; an outer"
                   " container's seccomp filter?", ways.LAB_VM)


def terminal(machine):
    """A pseudo-terminal can be had."""
    outcome = machine.attempt(lambda: [os.close(fd) for fd in os.openpty()]
                              and "")
    if outcome:
        return ok("terminal", "a pseudo-terminal can be opened")
    return limited("terminal", f"/dev/ptmx: {outcome.why}", ways.LAB_VM)


# --- 02 ---

def privilege(machine):
    """Who we are, and what for."""
    if machine.is_privileged:
        return ok("privilege", "root, and may change mounts" if machine.is_root
                  else "an ordinary user who may change mounts")
    who = ("root without CAP_SYS_ADMIN: this is a container, or was locked"
           if machine.is_root else "an ordinary user")
    if machine.powers:
        return ok("privilege", f"{who}: rootless, by user namespaces")
    where = [] if machine.is_root else [ways.WITH_SUDO]
    return missing("privilege", f"{who}, and no user namespaces (see 03)",
                   *where, ways.LAB_VM, cures=elsewhere(machine))


def roots(machine):
    """chroot, private mounts, pivot_root."""
    def calls():
        kernel.private_mounts()
        os.mkdir("/tmp/root")
        kernel.mount("doctor", "/tmp/root", "tmpfs")
        os.chdir("/tmp/root")
        kernel.pivot_root(".", ".")
        kernel.umount(".", kernel.MNT_DETACH)
        if os.listdir("/"):
            raise OSError(5, "the new root is not empty")
        os.chroot("/")
        return "private mounts, tmpfs, chroot, pivot_root: work"
    return inside(machine, "another root", calls)


def proc_mount(machine):
    """A /proc of one's own: refused where an outer container masks its."""
    def calls():
        kernel.unshare("mnt", "pid")
        kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        child = os.fork()
        if child == 0:
            try:
                kernel.mount("proc", "/proc", "proc")
                os._exit(0 if os.path.exists("/proc/1") else 5)
            except OSError as error:
                os._exit(error.errno)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status:
            raise OSError(status, os.strerror(status))
        return "proc can be mounted in a PID namespace"
    return inside(machine, "own /proc", calls,
                  "in Docker: --security-opt systempaths=unconfined")


def mount_calls(machine):
    """openat2 and the calls that mount by descriptor."""
    def calls():
        how = struct.pack("QQQ", os.O_RDONLY, 0, kernel.RESOLVE_IN_ROOT)
        os.close(kernel.syscall("openat2", kernel.AT_FDCWD, b"/", how, 24))
        kernel.private_mounts()
        fs = kernel.syscall("fsopen", b"tmpfs", 0)
        kernel.syscall("fsconfig", fs, 6, None, None, 0)
        made = kernel.syscall("fsmount", fs, 0, 0)
        kernel.syscall("move_mount", made, b"", kernel.AT_FDCWD, b"/tmp", 4)
        tree = kernel.syscall("open_tree", kernel.AT_FDCWD, b"/tmp",
                              kernel.OPEN_TREE_CLONE)
        only_read = struct.pack("QQQQ", kernel.MOUNT_ATTR_RDONLY, 0, 0, 0)
        kernel.syscall("mount_setattr", tree, b"", kernel.AT_EMPTY_PATH,
                       only_read, 32)
        return "openat2, fsopen, open_tree, move_mount, mount_setattr: work"
    return inside(machine, "mount calls", calls)


# --- 03 ---

def namespaces(machine):
    """Each kind, one by one."""
    kinds = ("mnt", "uts", "ipc", "pid", "net", "cgroup", "time")
    refused = []
    for kind in kinds:
        finding = inside(machine, kind, lambda k=kind: kernel.unshare(k))
        if finding.state == MISSING:
            refused.append((kind, finding))
    if not refused:
        return ok("namespaces", " ".join(kinds) + ": each was made")
    if [kind for kind, _ in refused] == ["time"]:
        return limited("namespaces", "all but time (task 3.6, --time)",
                       ways.LAB_VM)
    first = refused[0][1]
    names = " ".join(kind for kind, _ in refused)
    return Finding("namespaces", MISSING, f"{names}: {first.measured}",
                   first.ways, first.cures)


def user_namespaces(machine):
    """Made, and worth something; else what stands in the way."""
    if machine.powers:
        return ok("user namespaces", "made, mapped, with all their powers")
    measured, way = user_namespace_obstacle(machine)
    name = "user namespaces"
    if machine.is_privileged:  # root does without; rootless is not possible
        return limited(name, measured, *way)
    extra = [ways.LAB_VM] if machine.is_root else [ways.WITH_SUDO, ways.LAB_VM]
    return missing(name, measured, *way, *extra, cures=elsewhere(machine))


def user_namespace_obstacle(machine):
    """(what was measured, ways out) for a user namespace that fails."""
    number = machine.number
    outcome = machine.user_namespace or machine.powers
    if machine.user_namespace:
        outcome = machine.powers
    tried = f"tried: {outcome.why}"
    switch = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns"
    if number(switch) == 1:
        if skiff_runs(machine):
            return (f"{tried}: AppArmor refuses them to programs without a"
                    " profile; skiff has one and works", [])
        return (f"{tried}: AppArmor refuses them to programs without a"
                " profile (kernel.apparmor_restrict_unprivileged_userns=1)",
                ways.load_apparmor())
    if number("/proc/sys/kernel/unprivileged_userns_clone") == 0:
        return (f"{tried}: kernel.unprivileged_userns_clone=0",
                ["nothing smaller than this switch for the whole machine:",
                 "$ sudo sysctl kernel.unprivileged_userns_clone=1"])
    if number("/proc/sys/user/max_user_namespaces") == 0:
        return (f"{tried}: user.max_user_namespaces=0",
                ["nothing smaller than this switch for the whole machine:",
                 "$ sudo sysctl user.max_user_namespaces=10000"])
    mounts = machine.read("/proc/self/mountinfo") or ""
    if mounts and not re.search(r"^\d+ \d+ \S+ \S+ / ", mounts, re.M):
        return (f"{tried}: this shell is in a chroot, and the kernel makes"
                " none there", ["work outside of the chroot"])
    status = machine.read("/proc/self/status") or ""
    if re.search(r"^Seccomp:\s*2", status, re.M):
        return (f"{tried}: a seccomp filter is on this shell: this is a"
                " container of Docker, Podman or a sandbox",
                ["start that one container with --security-opt"
                 " seccomp=unconfined, or work outside of it"])
    return (f"{tried}: is this shell in a chroot or in a container?", [])


def skiff_runs(machine):
    """Whether the skiff that is built here works for this user."""
    skiff = machine.top / "build/skiff"
    image = machine.top / "build/images/busybox/rootfs"
    if not (skiff.exists() and image.is_dir()):
        return False
    return machine.run(str(skiff), "run", "--rootfs", str(image),
                       "true")[0] == 0


def id_ranges(machine):
    """A range of user IDs for a container of an ordinary user."""
    name = "ID ranges"
    user = ways.user_name()
    lines = machine.read("/etc/subuid") or ""
    found = re.search(rf"^(?:{re.escape(user)}|{machine.uid}):(\d+):(\d+)$",
                      lines, re.M)
    if machine.is_root and not found:
        return ok(name, "root maps any ID; newuidmap is for ordinary users")
    if not machine.command("newuidmap"):
        return limited(name, "newuidmap is missing: rootless containers have"
                       " one user ID, root", ways.PACKAGES)
    if not found:
        return limited(name, f"{user} has no line in /etc/subuid: containers"
                       " have one user ID, root", ways.id_range(lines))
    outcome = machine.attempt(lambda: newuidmap(*found.groups()))
    if outcome:
        return ok(name, f"newuidmap maps {found[2]} IDs from {found[1]}")
    return limited(name, f"newuidmap: {outcome.why}:"
                   " containers have one user ID, root")


def newuidmap(first, count):
    """In a child: map the range into a namespace made for the purpose."""
    with kernel.held_process(lambda: kernel.unshare("user")) as child:
        done = subprocess.run(
            ["newuidmap", str(child), "0", str(os.getuid()), "1", "1", first,
             count], text=True, check=False, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
    if done.returncode:
        raise OSError(1, done.stdout.strip() or "failed")
