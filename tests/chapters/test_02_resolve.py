"""Chapter 02: task 2.3: no link in a hostile root leads out of it."""

import os

import pytest

from harness import check, expect, identity, task


HOSTILE = {
    "/proc -> the host's directory": ("/proc", "{canary}"),
    "/proc -> ../../.. and the host's directory": ("/proc", "../../../../../../../..{canary}"),
    "/proc -> /etc": ("/proc", "/etc"),
    "/sys -> the host's directory": ("/sys", "{canary}"),
    "/dev -> ../../..": ("/dev", "../../../.."),
    "/dev -> the host's directory": ("/dev", "{canary}"),
    "/proc -> /proc, a loop": ("/proc", "/proc"),
    "/dev -> a link -> the host's directory": ("/dev", "/hop"),
    "/sys is a file": ("/sys", None),
}


def snapshot(directory):
    return {
        name: (
            os.lstat(os.path.join(directory, name)).st_mtime_ns,
            os.lstat(os.path.join(directory, name)).st_mode,
        )
        for name in os.listdir(directory)
    }, os.stat(directory).st_mtime_ns


def canary_in(home):
    os.makedirs(home + "/canary/pts")
    with open(home + "/canary/passwd", "w", encoding="ascii") as file:
        file.write("canary\n")
    return home + "/canary"


@task("2.3")
@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_root_leads_nowhere(box, home, what):
    canary, (name, target) = canary_in(home), HOSTILE[what]
    os.rmdir(box.path(name))
    if target is None:
        with open(box.path(name), "w", encoding="ascii"):
            pass
    else:
        os.symlink(target.format(canary=canary), box.path(name))
    os.symlink(canary, box.path("/hop"))
    before, etc = snapshot(canary), snapshot(box.path("/etc"))
    result = box.run("sh", "-c", "echo started")
    did = f"We made a root file system with {what} and ran `{result.typed}`."
    check(
        snapshot(canary) == before,
        did,
        f"The host's directory was changed: {os.listdir(canary)}.",
        "No link in an image leads out of it.",
        'the path was looked up without RESOLVE_IN_ROOT, so an absolute link began at the host\'s "/".',
    )
    check(
        result.code == 125 and "started" not in result.out,
        did,
        f"It should be refused with 125; {result.ended}, and printed {result.out!r}.",
        (
            "An image whose /proc, /sys or /dev is a link means no good: nothing is mounted there, and"
            " nothing runs."
        ),
        lambda: (
            "the flags in `resolve` (here RESOLVE_NO_SYMLINKS) were not passed on to openat2(2), so the link"
            " was followed."
            if result.code == 0
            else ""
        ),
    )
    check(
        snapshot(box.path("/etc")) == etc,
        did,
        "R/etc was changed.",
        "Nothing is mounted or made through a link.",
    )
    check(
        len(result.complaints) in (1, 2) and name.strip("/") in result.complaints[0],
        did,
        f"Standard error: {result.err!r}.",
        "One line says what was being done and why it failed.",
    )


@task("2.3")
def test_links_below_dev_are_hidden(box, home):
    """What the image has in its /dev is covered by the container's own /dev."""
    canary = canary_in(home)
    for name in ("shm", "pts", "mqueue", "null", "fd"):
        os.symlink(canary, box.path("/dev/" + name))
    before = snapshot(canary)
    result = box.run("sh", "-c", "echo x > /dev/null && echo y > /dev/shm/y && test -d /dev/pts")
    check(
        result.code == 0
        and snapshot(canary) == before
        and identity(box.path("/dev/shm")) == identity(canary),
        f"We made R/dev/shm and others links to a directory of the host, and ran `{result.typed}`.",
        f"{result.ended}; the host's directory holds {os.listdir(canary)}. {result.err}",
        "The container gets a /dev of its own: what the image has there is covered.",
    )


@task("2.3")
def test_ordinary_root_is_opened(box):
    result = box.run("sh", "-c", "test -d /proc/self && test -d /sys/class && test -c /dev/null")
    expect(
        result,
        0,
        rule="An ordinary image works: /proc, /sys and /dev are directories in it.",
        likely=lambda: (
            "the path was looked up from the working directory and not from root_fd, or the flags are not"
            " valid together (EINVAL)."
            if "mounting /" in result.err
            else ""
        ),
    )


@task("2.3")
@pytest.mark.parametrize("name", ["proc", "sys", "dev"])
def test_missing_mount_point_is_made(box, name):
    os.rmdir(box.path("/" + name))
    expect(
        box.run("sh", "-c", f"grep -q ' /{name} ' /proc/self/mounts || test {name} = proc -a -d /proc/self"),
        0,
        rule="Small images lack /proc, /sys and /dev: they are made.",
    )
    check(
        os.path.isdir(box.written("/" + name)),
        "We removed a directory from the image and ran a container.",
        f"/{name} was not made.",
    )


@task("1.4")
def test_working_directory_through_links(box, home):
    canary = canary_in(home)
    os.makedirs(box.path("/srv/deep"))
    os.symlink("/srv/deep", box.path("/inside"))
    os.symlink("../../../../../../srv", box.path("/up"))
    for where, wanted in (("/inside", "/srv/deep"), ("/up/deep", "/srv/deep"), ("/..", "/")):
        seen = box.look("@surroundings", opts=["-w", where])["cwd"]
        check(
            seen == wanted,
            f"We ran a container with -w {where}, which is a link to {wanted} inside.",
            f"The working directory is {seen}.",
            "Links are followed, inside of the root.",
        )
    os.symlink(canary, box.path("/out"))
    os.symlink("../../../../../../../.." + canary, box.path("/outup"))
    os.symlink("/loop", box.path("/loop"))
    before = snapshot(canary)
    for where in ("/out", "/outup", "/out/new", "/outup/pts", "/loop", "/loop/new"):
        result = box.run("sh", "-c", "pwd; echo x > mark", opts=["-w", where])
        check(
            snapshot(canary) == before,
            f"We ran `{result.typed}`; {where} is a link to a directory of the host.",
            f"That directory was changed: {os.listdir(canary)}.",
            "A working directory is looked up inside of the container's root.",
        )
        check(
            result.code in (0, 125) and (result.code == 0 or len(result.complaints) in (1, 2)),
            f"We ran `{result.typed}`.",
            f"{result.ended}: {result.err!r}",
            "It works inside, or one line says why not.",
        )
