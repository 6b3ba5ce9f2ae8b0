"""demo: it runs, as root and as an ordinary user, and it cannot be fooled."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

WORKSHOP = Path(__file__).resolve().parents[1]
TOP = WORKSHOP.parents[1]
BUILD = (TOP / os.environ.get("BUILD", "build")).resolve()
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
POWER = re.compile(r"^([a-z ]+?)  +[0-9a-f]+ +([0-9a-f]+) +(?:06 security|as)",
                   re.M)
NAMESPACE = re.compile(r"^(\w+) +(\w+:\[\d+\]) +(\w+:\[\d+\]) +(.*)$", re.M)


@pytest.fixture(scope="module")
def stage():
    """A copy of what the demo needs, which every user may read."""
    built = BUILD / "skiff"
    if not built.exists():
        pytest.fail(f"{built} is not there: make build first")
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        directory = Path(name)
        directory.chmod(0o755)
        for each in ("demo", "skiffshop"):
            shutil.copytree(WORKSHOP / each, directory / "workshop" / each,
                            ignore=shutil.ignore_patterns("__pycache__"))
        (directory / "build").mkdir()
        shutil.copy(built, directory / "build/skiff")
        subprocess.run([WORKSHOP.parent / "images/make-busybox",
                        directory / "build/images/busybox/rootfs"],
                       check=True)
        yield directory


def demo(stage, build="build", before=()):
    """(exit status, output, errors)"""
    done = subprocess.run(
        [*before, sys.executable, stage / "workshop/demo", "--build", build],
        cwd=stage, text=True, capture_output=True, check=False, timeout=60,
        env=dict(os.environ, HOME="/tmp", XDG_RUNTIME_DIR=""))
    return done.returncode, done.stdout, done.stderr


def check_output(text, uid):
    """What a working demo must show, compared with the kernel."""
    kinds = {kind: (host, inside, note)
             for kind, host, inside, note in NAMESPACE.findall(text)}
    for kind in ("mnt", "pid", "uts", "ipc", "cgroup", "net"):
        host, inside, _ = kinds[kind]
        assert host == os.readlink(f"/proc/self/ns/{kind}")
        assert inside != host, kind
    assert (kinds["user"][0] != kinds["user"][1]) == (uid != 0)
    assert re.search(r"^the same shell +PID \d+ +PID 1 ", text, re.M)
    assert re.search(rf"^host name +{re.escape(os.uname().nodename)} ", text,
                     re.M)
    words = re.findall(r"written by PID \d+(?= )", text)
    assert len(set(words)) == 2, "two containers, each with a file of its own"
    assert re.search(r"^the image +has none ", text, re.M)
    powers = {what: inside for what, inside in POWER.findall(text)}
    assert powers["system call filter"] == "2"
    assert int(powers["capabilities"], 16) < 1 << 32
    assert powers["capabilities"] == powers["limit of execve"]
    assert "exit status 7 " in text and "exit status 143 " in text
    assert "0 processes, 0 mounts, 0 state files" in text
    assert "process_exec" in text, "the --explain table"


def test_as_this_user(stage):
    status, text, errors = demo(stage)
    assert (status, errors) == (0, "")
    check_output(text, os.getuid())


def test_as_an_ordinary_user(stage):
    root = os.getuid() == 0
    status, text, errors = demo(stage, before=NOBODY if root else ())
    assert (status, errors) == (0, "")
    check_output(text, 65534 if root else os.getuid())


def test_its_last_commands_can_be_typed(stage):
    _, text, _ = demo(stage)
    line = next(line.strip() for line in text.splitlines()
                if line.endswith("rootfs ps"))
    words = line.removeprefix("sudo ").split()
    done = subprocess.run(words, cwd=stage, text=True, check=True,
                          capture_output=True,
                          env=dict(os.environ, SKIFF_RUN=str(stage / "run"),
                                   SKIFF_ROOT=str(stage / "root")))
    assert re.search(r"^ +1 ", done.stdout, re.M), "ps shows a PID 1"


def fake_skiff(stage, body):
    """A build directory whose skiff is a shell script."""
    build = Path(tempfile.mkdtemp(dir=stage))
    (build / "images").symlink_to(stage / "build/images")
    program = build / "skiff"
    program.write_text("#!/bin/sh\n"
                       "[ \"$1\" != --explain ] || shift\n" + body)
    program.chmod(0o755)
    return build


def test_a_skiff_that_fails(stage):
    build = fake_skiff(stage, "echo 'skiff: no luck' >&2; exit 125\n")
    status, _, errors = demo(stage, build)
    assert status == 1
    assert "skiff: no luck" in errors and "demo: the container ended" in errors


def test_a_skiff_that_isolates_nothing(stage):
    build = fake_skiff(stage, 'root=$3; shift 3; "$root/bin/busybox" "$@"\n')
    status, text, errors = demo(stage, build)
    assert status == 1
    assert "the container has the host's" in errors
    assert "Your turn" not in text


def test_a_skiff_that_loses_the_exit_status(stage):
    build = fake_skiff(stage, f'{stage}/build/skiff "$@"; exit 0\n')
    status, _, errors = demo(stage, build)
    assert status == 1
    assert "exit status 0, not 7" in errors


def test_a_skiff_that_writes_to_the_image(stage):
    build = fake_skiff(stage, f'{stage}/build/skiff "$@"; status=$?\n'
                       'echo mine >>"$3/etc/motd"; exit $status\n')
    try:
        status, _, errors = demo(stage, build)
    finally:
        (stage / "build/images/busybox/rootfs/etc/motd").unlink()
    assert status == 1
    assert "the containers wrote to the image" in errors


def test_nothing_built(stage):
    status, _, errors = demo(stage, stage / "workshop")
    assert status == 1
    assert "is not there" in errors
