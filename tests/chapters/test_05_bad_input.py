"""Chapter 05: layers that are none, disks that are full, places that can't hold an upper layer."""

import os
import secrets

import pytest

from harness import check, expect, kernel
from harness.rootfs import layer


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda home: os.path.join(home, "absent"), "No such file"),
        (lambda home: layer(home, "x", {"file": ""}) + "/file", "Not a directory"),
    ],
    ids=["absent", "a file"],
)
def test_layer_that_is_none(box, home, make, words):
    path = make(home)
    result = box.stacked([path], "true")
    check(
        result.code == 125 and path in result.complaints[0] and words in result.complaints[0],
        f"We ran `{result.typed}`.",
        f"{result.ended}: {result.err!r}",
        "The first line says which layer can't be used, and why.",
    )


def test_too_many_layers(box, home):
    top = layer(home, "again", {})
    result = box.stacked([top] * 128, "true")
    check(
        result.code == 125 and "129 layers" in result.err and not os.path.exists(box.skiff.root_dir + "/temporary"),
        "We ran a container with 129 layers.",
        f"{result.ended}: {result.err!r}",
        "At most 128 layers; nothing is made when it is refused.",
    )


@pytest.mark.parametrize("what", ["twice", "inside", "around SKIFF_ROOT"])
def test_layers_that_overlap(box, home, what):
    other = {"twice": box.root, "inside": box.root + "/etc", "around SKIFF_ROOT": home}[what]
    result = box.stacked([other], "true")
    left = os.listdir(box.skiff.root_dir + "/temporary")
    check(
        result.code == 125 and "overlap" in result.err and "hint:" in result.err and not left,
        f"We ran `{result.typed}`.",
        f"{result.ended}: {result.err!r}; left in $SKIFF_ROOT/temporary: {left}",
        "Layers must not overlap: one line and a hint, and nothing stays.",
    )


def test_upper_layer_on_an_overlay(box, home):
    """As in a container of Docker's: overlayfs can't have its upper layer on itself."""
    parts = [os.path.join(home, name) for name in ("low", "up", "work", "over")]
    for part in parts:
        os.mkdir(part)
    low, upper, work, over = parts

    def on_overlay():
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("o", over, "overlay", 0, f"lowerdir={low},upperdir={upper},workdir={work}")
        os.mkdir(over + "/root")

    result = box.run("true", before=on_overlay, env={"SKIFF_ROOT": over + "/root"})
    check(
        result.code == 125 and "hint:" in result.err and "SKIFF_ROOT" in result.err,
        "We ran a container with SKIFF_ROOT on an overlay.",
        f"{result.ended}: {result.err!r}",
        "The hint says that it is SKIFF_ROOT that is in the wrong place.",
    )


def test_full_disk(box, home):
    small = os.path.join(home, "small")
    os.mkdir(small)

    def on_small():
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        kernel.mount("small", small, "tmpfs", 0, "size=1m,mode=700")

    result = box.run(
        "sh",
        "-c",
        "dd if=/dev/zero of=/big bs=64k count=100 2>&1 | grep -o 'No space left.*'; echo still here",
        before=on_small,
        env={"SKIFF_ROOT": small},
    )
    check(
        result.code == 0 and result.out == "No space left on device\nstill here\n",
        "We ran a container whose upper layer has 1 MiB of disk, and wrote more.",
        f"It printed {result.out!r}; {result.ended}. {result.err}",
        "The container sees ENOSPC, and goes on.",
    )


def test_layer_removed_while_it_runs(box, home):
    top = layer(home, "short-lived", {"data/file": "x"})
    held = box.skiff.start(["run", "--rm", "--rootfs", box.root, "--rootfs", top, "/probe/hold"])
    held.line()
    os.unlink(top + "/data/file")
    os.rmdir(top + "/data")
    os.rmdir(top)
    try:
        os.listdir(f"/proc/{held.child()}/root/data")
    except OSError:
        pass
    held.finish()
    check(
        not os.listdir(box.skiff.root_dir + "/temporary"),
        "We removed a layer while a container ran on it.",
        "Something stays in $SKIFF_ROOT/temporary.",
        "The container ends as any other, and nothing stays.",
    )


def test_no_pivot_has_no_overlay(box):
    word = secrets.token_hex(4)
    expect(box.run("sh", "-c", f"echo {word} > /etc/motd", opts=["--no-pivot"]), 0)
    check(
        os.path.exists(box.path("/etc/motd")),
        "We ran a container with --no-pivot that writes to /etc/motd.",
        "The image has none.",
        "--no-pivot mounts nothing, so there is no overlay: it writes into the directory itself.",
    )
    for opts in (["--read-only"], ["--rootfs", box.root]):
        result = box.run("true", opts=["--no-pivot", *opts])
        check(result.code == 125 and "--no-pivot" in result.err, f"We ran `{result.typed}`.", f"{result.ended}: {result.err!r}")
