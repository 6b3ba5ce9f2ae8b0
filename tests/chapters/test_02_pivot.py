"""Chapter 02: task 2.5: the old root is gone."""

import os
import secrets

import pytest

from harness import check, expect, identity, kernel, mountinfo, task

MOUNTS = ("/proc", "/sys", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue")
CGROUPS = "/sys/fs/cgroup"  # from chapter 04 on, where the host has cgroup v2


@task("2.5")
def test_old_root_is_gone(box):
    mark = "/mark-" + secrets.token_hex(4)
    os.mkdir(box.path(mark))
    held = box.hold(
        likely=(
            "after pivot_root(2) the working directory must be the new root, or the command is looked for in"
            " the old one."
        )
    )
    child = held.child()
    # Chapter 06 lays covers over paths below these two.
    hides = ("/proc/", "/sys/") if box.skiff.stage >= 6 else ()
    points = sorted(mount["point"] for mount in mountinfo(child) if not mount["point"].startswith(hides))
    did = f"We ran `{held.typed}` and read the command's mountinfo."
    check(
        os.path.isdir(f"/proc/{child}/root{mark}"),
        did,
        "Its root is not R.",
        'pivot_root(2) makes the new root "/".',
        lambda: (
            "the root is still the host's: pivot_root(2) was not called."
            if identity(f"/proc/{child}/root") == identity("/")
            else ""
        ),
    )
    check(
        [one for one in points if one != CGROUPS] == sorted(["/", *MOUNTS]),
        did,
        f"It has the mounts {points}.",
        "Only the container's own mounts are left. As long as the old root is mounted, there is a way to it.",
        lambda: (
            'the old root lies on top of the new one: umount2(".", MNT_DETACH) takes it away.'
            if points.count("/") > 1
            else (
                "the old root was put somewhere in the new one and left there."
                if any(point.endswith("/proc") and point != "/proc" for point in points)
                else "the root was changed by chroot(2), or MS_MOVE: the host's mounts are still there."
            )
        ),
    )
    check(
        identity(f"/proc/{child}/cwd") == identity(f"/proc/{child}/root"),
        did,
        f"The working directory is not R: {os.readlink(f'/proc/{child}/cwd')}.",
        "After the pivot the old working directory is outside of the root.",
        'chdir("/") is missing.',
    )
    held.finish()


@task("2.5")
def test_double_chroot_is_held(box, home):
    word = secrets.token_hex(8)
    with open(home + "/canary", "w", encoding="ascii") as file:
        file.write(word + "\n")
    result = box.run("@escape", home + "/canary")
    check(
        result.out.strip() == "held",
        f"We ran the double chroot: `{result.typed}`.",
        f"It printed {result.out.strip()!r}"
        + ("; that is the word in a file of the host." if word in result.out else f"; {result.ended}."),
        "After pivot_root(2) there is nothing around the root to walk out to.",
        "the root was changed by chroot(2), which leaves the host's tree around it.",
    )


@task("2.5")
def test_nothing_comes_to_light_below_the_root(box, home):
    """Who may mount may take away its own root. Below it there must not be the host's."""
    word = secrets.token_hex(8)
    with open(home + "/canary", "w", encoding="ascii") as file:
        file.write(word + "\n")

    def alone():
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)

    result = box.run("@unroot", home + "/canary", before=alone)
    check(
        result.out.strip() == "held",
        f"We ran a probe that unmounts its own root: `{result.typed}`.",
        f"It printed {result.out.strip()!r}"
        + ("; that is the word in a file of the host." if word in result.out else f"; {result.ended}."),
        "After pivot_root(2) and umount2(2) the new root is all that there is; nothing lies below it.",
        (
            "the new root was only moved over the old one (MS_MOVE), or made by chroot(2): the host's tree is"
            " below it."
        ),
    )


@task("2.5")
def test_the_host_keeps_its_root(box):
    before = identity("/")
    result = box.run("@die", "0")
    check(
        identity("/") == before and os.path.isdir("/proc/self"),
        f"We ran `{result.typed}`.",
        "The host's own root was changed.",
        "pivot_root(2) changes the root of every process in the mount namespace.",
    )
    expect(result, 0)


@task("2.5")
@pytest.mark.parametrize(
    "kind", ["a tmpfs", "a link to the directory", "a directory with spaces", "read-only"]
)
def test_roots_of_all_kinds(box, home, kind):
    code, root = secrets.randbelow(100) + 1, box.root
    if kind == "a tmpfs":
        root = home + "/tmpfs"
        os.mkdir(root)
    elif kind == "a link to the directory":
        root = home + "/link"
        os.symlink(box.root, root)
    elif kind == "a directory with spaces":
        root = home + '/a "b" c\\d'
        os.rename(box.root, root)

    def prepare():
        if kind == "read-only":
            kernel.mount(box.root, box.root, None, kernel.MS_BIND)
            kernel.mount(None, box.root, None, kernel.MS_BIND | 32 | 1)
        if kind == "a tmpfs":
            kernel.mount("none", root, "tmpfs")
            os.makedirs(root + "/bin")
            with open(box.path("/probe/die"), "rb") as source, open(root + "/bin/die", "wb") as target:
                target.write(source.read())
            os.chmod(root + "/bin/die", 0o755)

    def alone():
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        prepare()

    command = "/bin/die" if kind == "a tmpfs" else "/probe/die"
    expect(
        box.skiff.run(["run", "--rootfs", root, command, str(code)], before=alone),
        code,
        rule=f"The root may be {kind}.",
    )


@task("2.5")
def test_mounts_below_the_root_are_kept(box):
    """--rootfs may have mounts below it, a volume for example: they come along (AT_RECURSIVE).

    A layer of an overlay is a directory of one file system: from chapter 05 on they do not."""
    os.mkdir(box.path("/data"))

    def with_volume():
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("none", box.path("/data"), "tmpfs")
        with open(box.path("/data/here"), "w", encoding="ascii"):
            pass

    expect(
        box.run("sh", "-c", "test -e /data/here", before=with_volume),
        0 if box.skiff.stage < 5 else 1,
        rule=(
            "What is mounted below the root belongs to it."
            if box.skiff.stage < 5
            else "A layer is what lies on one file system: overlayfs does not look into mounts below it."
        ),
    )


@task("2.5")
def test_exec_of_the_host_is_impossible(box, home):
    """A descriptor of the host's root would be a way back: none is left in the container."""
    held = box.hold()
    child = held.child()
    roots = {identity("/"), identity(home), identity(os.path.dirname(box.root))}
    fds = [name for name in os.listdir(f"/proc/{child}/fd") if identity(f"/proc/{child}/fd/{name}") in roots]
    check(
        not fds,
        f"We ran `{held.typed}` and looked at the command's descriptors.",
        f"{fds} lead to the host.",
        "One descriptor of a directory outside undoes pivot_root(2).",
    )
    held.finish()
