"""Chapter 00 makes no container: an ordinary user checks it without root."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

import pytest

NOBODY = 65534
TESTS = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD") or os.path.join(os.path.dirname(TESTS), "build")


@pytest.fixture
def checkout():
    """A copy that everybody may read: the tree's own directories may be closed to others."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        for name in ("tests", "shared", "chapters", "solutions"):
            shutil.copytree(os.path.join(TESTS, "..", name), os.path.join(place, name))
        shutil.copy(os.path.join(BUILD, "stage-00", "skiff"), os.path.join(place, "skiff"))
        shutil.copytree(os.path.join(BUILD, "probes"), os.path.join(place, "probes"))
        subprocess.run(["chmod", "-R", "a+rX", place], check=True)
        yield place


def run_tests(place, stage):
    command = [sys.executable, "-B", "-m", "pytest", "-q", "-c", "tests/pytest.ini", f"--skiff={place}/skiff",
               f"--probes={place}/probes", f"--stage={stage}", "tests/chapters/test_00_start.py"]
    return subprocess.run(command, cwd=place, user=NOBODY, group=NOBODY, extra_groups=[], capture_output=True, text=True)


def test_an_ordinary_user_runs_chapter_00(checkout):
    done = run_tests(checkout, 0)
    assert done.returncode == 0 and re.search(r"[1-9]\d* passed", done.stdout), done.stdout + done.stderr


def test_the_others_ask_for_root(checkout):
    done = run_tests(checkout, 1)
    assert done.returncode == 4 and "need root" in done.stdout + done.stderr
