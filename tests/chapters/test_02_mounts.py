"""Chapter 02: task 2.4: what a program expects to be mounted."""

import os
import stat

import pytest

from harness import check, expect, mountinfo, task

MOUNTS = {  # point: type, flags that must be there, flags that must not be
    "/proc": ("proc", {"rw", "nosuid", "nodev", "noexec"}, set()),
    "/sys": ("sysfs", {"ro", "nosuid", "nodev", "noexec"}, set()),
    "/dev": ("tmpfs", {"rw", "nosuid"}, {"nodev"}),
    "/dev/pts": ("devpts", {"rw", "nosuid", "noexec"}, {"nodev"}),
    "/dev/shm": ("tmpfs", {"rw", "nosuid", "nodev", "noexec"}, set()),
    "/dev/mqueue": ("mqueue", {"rw", "nosuid", "nodev", "noexec"}, set()),
}
DEVICES = {"null": (1, 3), "zero": (1, 5), "full": (1, 7), "random": (1, 8), "urandom": (1, 9), "tty": (5, 0)}
LINKS = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}


@task("2.4")
def test_mounts_are_there_with_dockers_flags(box):
    held = box.hold()
    mounts = {mount["point"]: mount for mount in mountinfo(held.child())}
    for point, (kind, wanted, unwanted) in MOUNTS.items():
        did = f"We ran `{held.typed}` and read the command's mountinfo."
        check(
            point in mounts,
            did,
            f"Nothing is mounted on {point}.",
            f"Programs expect a {kind} on {point}.",
            lambda: (
                "the mount was made but never moved to its place (move_mount(2))." if len(mounts) < 3 else ""
            ),
        )
        mount = mounts[point]
        check(
            mount["type"] == kind,
            did,
            f"On {point} there is a {mount['type']}; it should be a {kind}.",
            "",
            "the mounts went to the wrong places: is the directory that of the row?",
        )
        flags = set(mount["flags"])
        check(
            wanted <= flags and not unwanted & flags,
            did,
            (
                f"{point} has {','.join(mount['flags'])}; missing: {sorted(wanted - flags) or 'none'}, too"
                f" much: {sorted(unwanted & flags) or 'none'}."
            ),
            (
                "nosuid, nodev and noexec take away what nobody needs there; /sys is read-only, for it"
                " configures the host's kernel."
            ),
        )
    check(
        "size=65536k" in mounts["/dev/shm"]["options"],
        f"We ran `{held.typed}` and read the command's mountinfo.",
        f"/dev/shm has {mounts['/dev/shm']['options']}.",
        "Docker gives /dev/shm 64 MiB: without a limit a container can fill the host's memory.",
    )
    pts = mounts["/dev/pts"]["options"]
    check(
        "ptmxmode=666" in pts and "mode=620" in pts and "gid=5" in pts,
        f"We ran `{held.typed}`.",
        f"/dev/pts has {pts}.",
        "Everybody may open a new terminal; it belongs to its user and to the group tty.",
    )
    devices = [os.stat(f"/proc/{held.child()}/root{point}").st_dev for point in MOUNTS]
    hosts = {mount["device"] for mount in mountinfo()}
    own = [point for point in ("/dev", "/dev/pts", "/dev/shm") if mounts[point]["device"] in hosts]
    check(
        len(set(devices)) == len(devices) and not own,
        f"We ran `{held.typed}` and compared the devices of its mounts with the host's.",
        f"The host has these, too: {own}",
        "Each container has its own /dev, /dev/pts and /dev/shm, not the host's.",
    )
    held.finish()


@task("2.4")
def test_dev_has_what_programs_expect(box):
    held = box.hold()
    dev = f"/proc/{held.child()}/root/dev/"
    for name, number in DEVICES.items():
        found = os.stat(dev + name) if os.path.exists(dev + name) else None
        check(
            found
            and stat.S_ISCHR(found.st_mode)
            and (os.major(found.st_rdev), os.minor(found.st_rdev)) == number
            and stat.S_IMODE(found.st_mode) == 0o666,
            f"We ran `{held.typed}` and looked at /dev/{name}.",
            (
                f"It is {found and (oct(found.st_mode), os.major(found.st_rdev), os.minor(found.st_rdev))};"
                f" it should be the character device {number}, mode 666."
            ),
            "A device is a pair of numbers: the kernel's driver and which of its devices.",
        )
    for name, target in LINKS.items():
        found = os.readlink(dev + name) if os.path.islink(dev + name) else None
        check(
            found == target,
            f"We ran `{held.typed}` and looked at /dev/{name}.",
            f"It links to {found}; it should link to {target}.",
        )
    extra = set(os.listdir(dev)) - set(DEVICES) - set(LINKS) - {"core", "pts", "shm", "mqueue", "console"}
    check(
        not extra,
        f"We ran `{held.typed}` and listed /dev.",
        f"There is more than a container needs: {sorted(extra)}.",
        "A device of the host, such as its disk, is a way out.",
    )
    check(
        stat.S_IMODE(os.stat(dev).st_mode) == 0o755 and stat.S_IMODE(os.stat(dev + "shm").st_mode) == 0o1777,
        f"We ran `{held.typed}`.",
        "The modes of /dev and /dev/shm should be 755 and 1777.",
    )
    held.finish()


@task("2.4")
def test_devices_work(box):
    seen = box.look("@devices")
    bad = {name: value for name, value in seen.items() if value != (1 if name == "mqueue_seen" else 0)}
    check(
        not bad,
        (
            "We ran a probe which uses /dev/null, zero, full, random, a new terminal, shared memory and a"
            " message queue."
        ),
        "It failed with "
        + ", ".join(
            f"{name}: {os.strerror(value) if value > 0 else 'a wrong answer'}" for name, value in bad.items()
        )
        + ".",
        "The devices are there to be used: nodev on /dev would forbid it.",
    )


@task("2.4")
@pytest.mark.parametrize("what", ["a file", "a link"])
def test_mount_without_its_place_is_a_failure(box, what):
    os.rmdir(box.path("/proc"))
    if what == "a file":
        with open(box.path("/proc"), "w", encoding="ascii"):
            pass
    else:
        os.symlink("/etc", box.path("/proc"))
    result = box.run("@die", "0")
    check(
        result.code == 125,
        f"We made a root file system in which /proc is {what}, and ran `{result.typed}`.",
        f"It should be refused with 125; {result.ended}.",
        "A container that cannot have what it should is not started: half a container is worse than none.",
        (
            "what open_mount_point() returned was not looked at, and the command ran without a /proc."
            if what == "a file"
            else (
                "the directory was opened without open_mount_point(), or its failure went by:"
                " open_mount_point() refuses links."
            )
        ),
    )


@task("2.4")
@pytest.mark.on_disk
def test_user_namespace_gets_the_hosts_sys(box):
    """A user namespace that does not own the network namespace may not mount a /sys that shows it."""
    if box.skiff.stage < 3:
        return
    result = box.run(
        "sh", "-c", "test -d /sys/class/net", opts=["--uidmap", "0:1000000:65536", "--network", "host"]
    )
    expect(result, 0, rule="Where a mount of one's own is forbidden, the host's is bound, as podman does it.")


@task("2.4")
def test_sys_is_read_only(box):
    result = box.run(
        "sh",
        "-c",
        (
            "mkdir /sys/fs/cgroup/x 2>/dev/null; echo 1 > /sys/kernel/uevent_seqnum; touch /sys/x; test ! -e"
            " /sys/x"
        ),
    )
    check(
        "Read-only" in result.err,
        f"We ran `{result.typed}`.",
        f"Standard error: {result.err!r}.",
        "/sys configures the host's kernel: it is read-only in a container.",
    )


@task("2.4")
def test_umask_does_not_reach_the_mounts(box):
    held = box.hold(before=lambda: os.umask(0o77))
    root = f"/proc/{held.child()}/root"
    modes = {
        name: stat.S_IMODE(os.stat(root + name).st_mode)
        for name in ("/dev", "/dev/null", "/dev/shm", "/dev/pts", "/dev/tty")
    }
    check(
        modes
        == {"/dev": 0o755, "/dev/null": 0o666, "/dev/shm": 0o1777, "/dev/pts": 0o755, "/dev/tty": 0o666},
        "We ran a container with the umask 077 in skiff's caller.",
        f"The modes are { {name: oct(mode) for name, mode in modes.items()} }.",
        "The caller's umask is the caller's: what skiff makes has the modes that it means.",
    )
    held.finish()
