"""Chapter 06: task 6.4: hidden and read-only paths."""

import os

import pytest

from harness import check, expect, mountinfo, task
from harness.people import Person

HIDDEN = [
    "/proc/" + name
    for name in (
        "acpi asound interrupts kcore keys latency_stats sched_debug scsi timer_list timer_stats".split()
    )
] + ["/sys/firmware", "/sys/devices/virtual/powercap"]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def here(paths):
    return [path for path in paths if os.path.exists(path)]


def mounts_of(held):
    """The last mount on each point: what is seen there."""
    return {mount["point"]: mount for mount in mountinfo(held.command())}


@task("6.4")
def test_hidden_paths_show_nothing(box):
    held = box.hold()
    mounts = mounts_of(held)
    for path in here(HIDDEN):
        inside = f"/proc/{held.command()}/root{path}"
        check(
            path in mounts,
            f"We ran `{held.typed}` and looked at {path} in it.",
            "Nothing lies over it: it is the host's.",
            "What shows or changes the host is hidden: a directory by an empty one, a file by /dev/null.",
            "nothing was mounted, or not on that path.",
        )
        if os.path.isdir(inside):
            what, empty = "directory", not os.listdir(inside) and "ro" in mounts[path]["flags"]
        else:
            status = os.stat(inside)
            what = f"file {os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
            empty = what == "file 1:3"
        check(
            empty,
            f"We ran `{held.typed}` and looked at {path} in it.",
            f"It is a {what} with something in it, or that may be written to.",
            "The cover is /dev/null, or an empty read-only tmpfs.",
        )
    held.finish()


@task("6.4")
def test_read_only_paths(box):
    held = box.hold()
    mounts = mounts_of(held)
    for path in here(READ_ONLY):
        check(
            path in mounts and "ro" in mounts[path]["flags"] and mounts[path]["type"] == "proc",
            f"We ran `{held.typed}` and read its mountinfo.",
            f"{path} is {mounts[path]['type'] + ' ' + ','.join(mounts[path]['flags']) if path in mounts else 'no mount'}.",
            "Settings of the host's kernel may be read, not written. Only a mount can be read-only.",
            "mount_setattr(2) was not called, or the copy was never moved to its place.",
        )
    left = {"nosuid", "nodev", "noexec"} - set(mounts["/proc/sys"]["flags"])
    check(not left, f"We ran `{held.typed}`.", f"/proc/sys has lost {sorted(left)}.", "A copy keeps what its mount had.")
    held.finish()
    result = box.run("sh", "-c", "echo 1 > /proc/sys/kernel/printk; echo $?; cat /proc/sys/kernel/ostype")
    check(
        "Read-only" in result.err and "Linux" in result.out,
        f"We ran `{result.typed}`.",
        f"It printed {result.out!r}; standard error: {result.err!r}",
        "Writing is refused by the mount, whatever capabilities the writer has; reading works.",
    )


@task("6.4")
def test_all_below_is_read_only(box):
    """/proc/sys/fs/binfmt_misc and the like: a mount below a path would stay writable."""
    held = box.hold()
    points = {point: mount for point, mount in mounts_of(held).items() if point.startswith("/proc/sys/")}
    writable = [point for point, mount in points.items() if "rw" in mount["flags"]]
    check(not writable, f"We ran `{held.typed}`.", f"Writable below /proc/sys: {writable}", "AT_RECURSIVE: with all below it.")
    held.finish()


@task("6.4")
def test_nobody_takes_the_covers_off(box):
    """Without CAP_SYS_ADMIN nothing is unmounted, and nothing else can be mounted to look around a cover."""
    for command in ("umount /proc/keys", "mount -t proc proc /tmp", "mount --bind /proc /tmp"):
        result = box.run("sh", "-c", command, opts=["--security-opt", "seccomp=unconfined"])
        check(result.code != 0, f"We ran `{result.typed}`.", "It worked.", "The covers hold because the capability is gone.")


@task("6.4")
@pytest.mark.parametrize("opts", [["--privileged"], ["--security-opt", "systempaths=unconfined"]], ids=" ".join)
def test_no_covers_where_none_are_wanted(box, opts):
    held = box.hold(opts)
    covers = [point for point in mounts_of(held) if point in HIDDEN + READ_ONLY]
    check(not covers, f"We ran `{held.typed}`.", f"There are covers on {covers}.", "As Docker's: these options mean it.")
    sys_flags = mounts_of(held)["/sys"]["flags"]
    check(
        ("rw" in sys_flags) == (opts == ["--privileged"]),
        f"We ran `{held.typed}`.",
        f"/sys is {','.join(sys_flags)}.",
        "Only --privileged may configure the host's kernel.",
    )
    held.finish()


@task("6.4")
def test_ordinary_user(box, home):
    person = Person(home)
    person.owns(box.root)
    held = person.hold(box)
    mounts = mounts_of(held)
    missing = [path for path in here(HIDDEN + READ_ONLY) if path not in mounts]
    check(not missing, f"As user {person.uid} we ran `{held.typed}`.", f"Not covered: {missing}", "Rootless covers the same paths.")
    held.finish()


@task("6.4")
def test_shared_pid_namespace_of_the_host(box):
    """With the host's processes in sight the covers matter most."""
    held = box.hold(["--pid=host"])
    missing = [path for path in here(HIDDEN + READ_ONLY) if path not in mounts_of(held)]
    check(not missing, f"We ran `{held.typed}`.", f"Not covered: {missing}")
    held.finish()


@task("6.4")
def test_an_image_cannot_choose_the_covers(box):
    """The image's /dev is covered before we look for /dev/null."""
    os.symlink("/etc/passwd", box.path("/dev/null")) if not os.path.lexists(box.path("/dev/null")) else None
    result = box.run("sh", "-c", "cat /proc/keys; test -c /proc/keys")
    check(
        result.code == 0 and not result.out,
        f"The image has a link as /dev/null. We ran `{result.typed}`.",
        f"{result.ended}; it printed {result.out!r}. {result.err}",
        "The cover is the device 1:3, whatever is called /dev/null in the image.",
    )
    expect(result, 0)
