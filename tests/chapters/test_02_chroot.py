"""Chapter 02: tasks 2.1 (chroot) and 2.2 (mounts of its own)."""

import os
import secrets

from harness import check, identity, kernel, mountinfo, task


@task("2.1")
def test_root_is_the_containers(box):
    for root in (box.root, os.path.relpath(box.root, box.skiff.home)):
        held = box.skiff.start(["run", "--no-pivot", "--rootfs", root, "/probe/hold"], cwd=box.skiff.home)
        held.line(likely="without chroot(2), /probe/hold is looked for in the host's root.")
        child, did = held.child(), f"We ran `{held.typed}` and looked at /proc/PID/root of the command."
        check(
            identity(f"/proc/{child}/root") == identity(box.root),
            did,
            f"It is {os.readlink(f'/proc/{child}/root')} of the host.",
            'chroot(2) makes a directory the process\'s "/": paths that begin with / begin there.',
            lambda: (
                "chroot(2) was not called, or failed and nobody looked."
                if identity(f"/proc/{child}/root") == identity("/")
                else "the root is another directory."
            ),
        )
        check(
            identity(f"/proc/{child}/cwd") == identity(box.root),
            did,
            f"The working directory is {os.readlink(f'/proc/{child}/cwd')}.",
            (
                "chroot(2) leaves the working directory where it was: a process with one outside of its root"
                " can walk out."
            ),
            'chdir("/") after chroot(2) is missing.',
        )
        held.finish()


@task("2.1")
def test_no_pivot_mounts_nothing(box):
    before = len(mountinfo())
    held = box.hold(opts=["--no-pivot"])
    child = held.child()
    check(
        len(mountinfo()) == before
        and kernel.namespace("mnt", child) == kernel.namespace("mnt", held.pid)
        and not os.listdir(box.path("/proc")),
        f"We ran `{held.typed}`.",
        "There are new mounts, or a new mount namespace.",
        "--no-pivot is the plain chroot of the lesson: nothing else is done.",
    )
    held.finish()


@task("2.1")
def test_later_steps_know_the_new_root(box):
    """A missing working directory is made where the root is the container's own: c->rootfs_fd says that it is."""
    missing = "/srv/" + secrets.token_hex(4)
    seen = box.look("@surroundings", opts=["--no-pivot", "-w", missing])["cwd"]
    check(
        seen == missing and os.path.isdir(box.path(missing)),
        f"We ran a container with --no-pivot and -w {missing}, which was not there.",
        f"The working directory is {seen}.",
        "As Docker: a missing working directory is made, in the root of the container.",
    )


@task("2.1")
def test_chroot_hides_the_host(box, home):
    with open(home + "/canary", "w", encoding="ascii") as file:
        file.write(secrets.token_hex(8))
    result = box.run("sh", "-c", f"test ! -e {home}/canary && echo /* ", opts=["--no-pivot"])
    check(
        result.code == 0 and "/probe" in result.out,
        f"We ran `{result.typed}`; the file is outside of the root.",
        f"{result.ended}, / holds: {result.out.strip()}",
        "An absolute path is looked up from the new root.",
        "chroot(2) was not called.",
    )


@task("2.1")
def test_double_chroot_escapes_from_a_plain_chroot(box, home):
    """That is the point of the lesson: chroot(2) is no wall for root. If it were held, the next test would prove nothing."""
    word = secrets.token_hex(8)
    with open(home + "/canary", "w", encoding="ascii") as file:
        file.write(word + "\n")
    result = box.run("@escape", home + "/canary", opts=["--no-pivot"])
    check(
        result.out.strip() == word,
        f"We ran the double chroot in a plain chroot: `{result.typed}`.",
        f"It printed {result.out.strip()!r} instead of the word in the host's file.",
        (
            "With chroot(2) alone the host's tree is still there, around the root; whoever may call chroot(2)"
            " can walk out."
        ),
        "is the root really made by chroot(2), or was something mounted?",
    )


@task("2.2")
def test_mount_namespace_is_its_own(box):
    held = box.hold()
    child = held.child()
    check(
        kernel.namespace("mnt", child) != kernel.namespace("mnt", held.pid),
        f"We ran `{held.typed}` and compared /proc/PID/ns/mnt of skiff and of the command.",
        f"Both are mnt:[{kernel.namespace('mnt', child)}].",
        (
            "A mount namespace of its own is a list of mounts of its own: what a container mounts, nobody"
            " else sees."
        ),
        "CLONE_NEWNS is not in c->clone_flags, so every mount was made on the host.",
    )
    held.finish()


@task("2.2")
def test_no_mount_reaches_the_host(box):
    """The tests' mounts are shared, as systemd makes them: that is how a forgotten MS_PRIVATE shows."""
    before = [mount["line"] for mount in mountinfo()]
    held = box.hold()
    new = [f"{mount['type']} on {mount['point']}" for mount in mountinfo() if mount["line"] not in before]
    check(
        not new,
        (
            f"We ran `{held.typed}` on a host whose mounts are shared, and read the host's"
            " /proc/self/mountinfo meanwhile."
        ),
        f"New mounts of the host: {', '.join(new)}.",
        (
            "A new mount namespace is a copy, but its mounts stay peers of the host's (`shared:N`): each"
            " mount is made in both, until it is made private."
        ),
        lambda: (
            "CLONE_NEWNS is missing."
            if kernel.namespace("mnt", held.child()) == kernel.namespace("mnt", held.pid)
            else 'MS_PRIVATE is missing, or MS_REC: without MS_REC only the one mount at "/" is made private.'
        ),
    )
    held.finish()


@task("2.2")
def test_no_mount_of_the_host_reaches_the_container(box):
    os.mkdir(box.path("/mnt"))
    held = box.hold()
    kernel.mount("none", box.path("/mnt"), "tmpfs")
    try:
        seen = [mount["point"] for mount in mountinfo(held.child())]
        shared = [
            mount["point"] + " " + " ".join(mount["propagation"])
            for mount in mountinfo(held.child())
            if mount["propagation"]
        ]
    finally:
        kernel.umount(box.path("/mnt"))
    likely = (
        "MS_SLAVE keeps half of it: mounts of the host still reach the container. MS_PRIVATE | MS_REC is"
        " meant."
    )
    check(
        "/mnt" not in seen,
        f"While `{held.typed}` ran, we mounted a tmpfs on R/mnt on the host.",
        "It appeared in the container.",
        "Private means: no mount event goes in or out.",
        likely,
    )
    check(
        not shared,
        f"While `{held.typed}` ran, we read its mountinfo.",
        f"Some of its mounts are still shared or slaves: {', '.join(shared)}.",
        "Private means: no mount event goes in or out.",
        lambda: (
            likely
            if "master:" in str(shared)
            else "MS_REC is missing, or something is made shared afterwards."
        ),
    )
    held.finish()


@task("2.2")
def test_unmounting_inside_leaves_the_host_alone(box):
    before = [mount["line"] for mount in mountinfo()]
    result = box.run(
        "sh", "-c", "umount -l /proc; umount -l /dev/shm; umount -l /sys; umount -l /dev; exit 0"
    )
    gone = [line for line in before if line not in [mount["line"] for mount in mountinfo()]]
    check(
        not gone,
        f"We ran `{result.typed}`.",
        f"The host lost: {gone}",
        "Unmounting in a container is the container's own affair.",
        "the mounts are still peers of the host's.",
    )
