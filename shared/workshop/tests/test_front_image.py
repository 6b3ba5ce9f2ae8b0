"""make-busybox: the default root file system."""

import os
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

IMAGES = Path(__file__).resolve().parents[2] / "images"
MAKER = IMAGES / "make-busybox"


def make(directory, **variables):
    """(exit status, all that was printed)"""
    done = subprocess.run([MAKER, directory], text=True, check=False,
                          env=dict(os.environ, **variables),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def image():
    with tempfile.TemporaryDirectory() as directory:
        rootfs = Path(directory) / "images/busybox/rootfs"
        assert make(rootfs) == (0, "")
        yield rootfs


def test_it_holds_what_a_container_expects(image):
    for name in ("proc", "sys", "dev", "tmp", "root", "home", "var", "usr/bin",
                 "run"):
        assert (image / name).is_dir(), name
    assert stat.S_IMODE((image / "tmp").stat().st_mode) == 0o1777
    assert stat.S_IMODE(image.stat().st_mode) == 0o755
    users = (image / "etc/passwd").read_text().splitlines()
    assert [line.split(":")[2] for line in users] == ["0", "65534"]
    assert "ID=skiff-busybox" in (image / "etc/os-release").read_text()


@pytest.mark.parametrize("applet", ["bin/sh", "bin/hostname", "usr/bin/id",
                                    "bin/ps", "sbin/ip", "bin/mount"])
def test_each_applet_is_a_link_to_busybox(image, applet):
    assert os.readlink(image / applet)[0] != "/", "it would lead out"
    assert (image / applet).resolve() == (image / "bin/busybox").resolve()


def test_no_link_leads_out(image):
    for directory, _, files in os.walk(image):
        for name in files:
            path = Path(directory) / name
            assert image.resolve() in path.resolve(strict=True).parents, path


def test_its_shell_runs(image):
    done = subprocess.run([image / "bin/sh", "-c", "echo $((6 * 7))"],
                          check=True, capture_output=True, text=True)
    assert done.stdout == "42\n"


def test_again_does_nothing(image):
    before = image.stat().st_ino
    (image / "home/mine").write_text("kept")
    assert make(image) == (0, "")
    assert image.stat().st_ino == before
    assert (image / "home/mine").read_text() == "kept"


def test_a_broken_image_is_made_anew_and_nothing_is_left_beside(image):
    (image / "bin/busybox").unlink()
    assert make(image) == (0, "")
    assert (image / "bin/busybox").exists()
    assert sorted(os.listdir(image.parent)) == ["rootfs", "rootfs.stamp"]


def test_a_directory_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "letter").write_text("dear")
    status, text = make(tmp_path)
    assert status == 1
    assert "it is left alone" in text
    assert os.listdir(tmp_path) == ["letter"]


def test_a_dynamic_busybox_is_refused(tmp_path):
    # env runs what it is told, as busybox does, and is linked dynamically.
    status, text = make(tmp_path / "rootfs", BUSYBOX="/usr/bin/env")
    assert status == 1
    assert "/usr/bin/env is dynamically linked" in text
    assert os.listdir(tmp_path) == []


def test_no_busybox_at_all(tmp_path):
    status, text = make(tmp_path / "rootfs", BUSYBOX="no-such-busybox")
    assert status == 1
    assert "no-such-busybox: not found" in text
    assert "hint: sudo make packages" in text
    assert os.listdir(tmp_path) == []
