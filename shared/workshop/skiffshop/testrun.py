"""Run the stage tests of one chapter on one runtime."""

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from .errors import ShopError
from .machine import build_vm, end_group, image_root, need

SECONDS = 120
SECONDS_TO_CLEAN_UP = 20
PACKAGE = Path(__file__).resolve().parents[1]


def interpreter():
    """A Python that has pytest; the one on the PATH may have none."""
    found = subprocess.run([str(PACKAGE / "find-python"), "pytest"],
                           capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise ShopError("tests", "no Python here has pytest",
                        "sudo make packages, or your system's python3-pytest")
    return found.stdout.strip()


def test_files(tree, chapter):
    """The chapter's test files."""
    pattern = f"test_{chapter.number:02d}_*.py"
    files = sorted((tree.root / "tests" / "chapters").glob(pattern))
    if not files:
        raise ShopError(f"chapter {chapter.label}", "it has no tests",
                        f"expected tests/chapters/{pattern}")
    return [str(tree.shown(path)) for path in files]


class NeedsRoot(Exception):
    """The tests refuse to run for an ordinary user."""


class NeedsVM(Exception):
    """Some tests are to run in the lab VM, and it is not built yet."""


def run_tests(tree, chapter, skiff, numbers, whole):
    """The results of the tests of these tasks; the lab VM is built when they need it."""
    try:
        return run_once(tree, chapter, skiff, numbers, whole)
    except NeedsVM:
        build_vm(tree)
        return run_once(tree, chapter, skiff, numbers, whole)


def run_once(tree, chapter, skiff, numbers, whole):
    """The results as the plugin wrote them."""
    need(tree, "probes", tree.build / "probes", "the tests' probes")
    if chapter.number > 0:  # chapter 00 makes no container
        image_root(tree)
    with tempfile.TemporaryDirectory(prefix="skiff-check-") as place:
        out = os.path.join(place, "results.json")
        log = os.path.join(place, "log")
        environment = {
            **os.environ, "PYTHONPATH": str(PACKAGE),
            "PYTHONDONTWRITEBYTECODE": "1", "SKIFFSHOP_OUT": out,
            "SKIFFSHOP_TASKS": " ".join(numbers),
            "SKIFFSHOP_WHOLE": "1" if whole else "0",
            "BUILD": str(tree.build)}
        words = [interpreter(), "-m", "pytest", "-q", "-p",
                 "no:cacheprovider", "-p", "skiffshop.pytest_plugin",
                 f"--skiff={skiff}", f"--stage={chapter.number}",
                 *test_files(tree, chapter)]
        status = run_quietly(words, tree, environment, log)
        # 0 passed, 1 failed, 5 nothing to run: all else is no verdict
        if status not in (0, 1, 5) or not os.path.exists(out):
            text = Path(log).read_text(errors="replace")
            if status == 4 and os.geteuid() != 0 and "need root" in text:
                raise NeedsRoot
            if status == 4 and "the lab VM is not built" in text:
                raise NeedsVM
            raise broken(status, text)
        return json.loads(Path(out).read_text(encoding="utf-8"))


def hear_interrupts():
    """A shell starts `make check &` with SIGINT ignored; stop() needs it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_quietly(words, tree, environment, log):
    """pytest's exit status, or None when it took too long."""
    with open(log, "wb") as output:
        tests = subprocess.Popen(
            words, cwd=tree.root, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=hear_interrupts)
        try:
            return tests.wait(SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if tests.poll() is None:
                stop(tests)


def stop(tests):
    """Ctrl-C first, so that the tests take away what they made."""
    os.kill(tests.pid, signal.SIGINT)
    try:
        tests.wait(SECONDS_TO_CLEAN_UP)
    except subprocess.TimeoutExpired:
        pass
    end_group(tests.pid)
    tests.wait()


def broken(status, log):
    """The tests gave no verdict: say so, never call the code wrong."""
    if status is None:
        return ShopError("tests", f"no end after {SECONDS} s, stopped",
                         "does your code wait for something that never"
                         " comes?", status=1)
    lines = [line for line in log.strip().splitlines() if line.strip()]
    told = next((line for line in lines if line.startswith(("E ", "ERROR"))),
                lines[-1] if lines else "pytest said nothing")
    return ShopError("tests", f"they could not run: {told[:200]}",
                     "this is the workshop's fault, not your code's")
