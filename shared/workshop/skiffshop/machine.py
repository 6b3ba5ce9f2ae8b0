"""What the tutor needs of the machine: built runtimes, a root, a shell."""

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from .errors import ShopError
from .ownership import give_back_tree
from .terminal import say

NOBODY = 65534
NOT_OURS = ("images", "vm", "lab")   # roots keep their owners
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


KEPT = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}


def run_make(tree, goal, *settings, output=KEPT):
    """Run one goal of the Makefile; the finished process, output as text."""
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "--no-print-directory", "-s", goal, f"BUILD={build(tree)}",
         *settings], cwd=tree.root, env=environment, text=True,
        errors="replace", stdin=subprocess.DEVNULL, check=False, **output)
    give_back_tree(tree.build, skip=NOT_OURS)
    return done


def build(tree):
    """The build directory as the Makefile takes it."""
    return str(tree.shown(tree.build))


def refuse_unwritable(tree, text):
    """A build directory that is somebody else's is no mistake in the code."""
    found = re.search(r"([^\s'\"`‘]*" + re.escape(build(tree))
                      + r"(?![\w.-])[^\s:'\"’]*)['\"’]?:"
                      r" (Permission denied|Read-only file system)", text)
    if found:
        raise ShopError("build", f"{found[1]} can't be written: {found[2]}",
                        "from an earlier sudo? Then: sudo chown -R"
                        f" $(id -u):$(id -g) {build(tree)}, or sudo make")


def need(tree, goal, path, what):
    """A built file, brought up to date by its own goal."""
    done = run_make(tree, goal)
    if done.returncode != 0:
        refuse_unwritable(tree, done.stdout)
    if done.returncode != 0 or not path.exists():
        last = done.stdout.strip().splitlines()[-1:] or ["no output"]
        raise ShopError(what, f"it cannot be built: {last[0][:200]}",
                        f"make {goal} says more")
    return path


@lru_cache(maxsize=None)
def stage_skiff(tree, number):
    """The runtime with the rooms 0..number of the solutions."""
    path = tree.build / f"stage-{number:02d}" / "skiff"
    return need(tree, build(tree) + f"/stage-{number:02d}/skiff", path,
                f"skiff of chapter {number:02d}")


@lru_cache(maxsize=None)
def full_skiff(tree):
    """The runtime with all solutions."""
    return need(tree, build(tree) + "/skiff", tree.build / "skiff", "skiff")


def image_root(tree):
    """The default image's root file system."""
    path = tree.build / "images" / "busybox" / "rootfs"
    return path if path.is_dir() else need(tree, "image", path,
                                           "the default image")


def build_vm(tree):
    """The lab VM, with its progress on the screen: it takes a while."""
    say("  This machine lacks what some tests need: they run in the lab VM.")
    done = run_make(tree, "vm-build", output={"stdout": subprocess.DEVNULL})
    if done.returncode != 0:
        raise ShopError("the lab VM", "it can't be built: see above",
                        "with that mended: make vm-build")


class Bench:
    """A private place for one experiment: commands, a root, state."""

    def __init__(self, top, user=None):
        self.top = Path(top)
        self.user = user
        self.work = self.top / "work"
        self.root = self.top / "root"
        self.bin = self.top / "bin"
        self.canary = self.top / "canary"

    def environment(self):
        """The variables that each command sees."""
        return {"PATH": f"{self.bin}:{SYSTEM_PATH}", "R": str(self.root),
                "SKIFF_RUN": str(self.top / "run"),
                "SKIFF_ROOT": str(self.top / "state"),
                "SKIFF_CGROUP": self.top.name,
                "HOME": str(self.work), "TMPDIR": str(self.work),
                "LC_ALL": "C.UTF-8", "TERM": "dumb", "PAGER": "cat",
                **{key: os.environ[key] for key in ("USER", "LOGNAME")
                   if key in os.environ and self.user is None}}

    def add_skiff(self, binary):
        """Put a runtime on the PATH, as `skiff`."""
        shutil.copy2(binary, self.bin / "skiff")

    def add_root(self, source):
        """A copy of the image that an experiment may ruin."""
        subprocess.run(["cp", "-a", f"{source}/.", str(self.root)],
                       check=True, capture_output=True)

    def own(self):
        """Hand the place to the user as whom the commands run."""
        if self.user is not None:
            subprocess.run(["chown", "-Rh", f"{self.user}:{self.user}",
                            str(self.top)], check=True)


@contextmanager
def bench(user=None):
    """Make a bench, and take it away again."""
    top = tempfile.mkdtemp(prefix="skiff-bench-")
    place = Bench(top, user)
    os.chmod(top, 0o755)
    for path in (place.work, place.root, place.bin, Path(top, "run"),
                 Path(top, "state")):
        path.mkdir()
    try:
        yield place
    finally:
        shutil.rmtree(top, ignore_errors=True)
        for cgroup in glob.glob(f"/sys/fs/cgroup/**/{place.top.name}",
                                recursive=True):
            remove_cgroup(Path(cgroup))


def remove_cgroup(path):
    """The cgroup that the containers of an experiment had theirs in; the
    experiment is over, so what is still there does not count."""
    try:
        (path / "cgroup.kill").write_text("1", encoding="ascii")
        for base, _, _ in os.walk(path, topdown=False):
            os.rmdir(base)
    except OSError:
        pass  # it is gone, or the next reboot takes it


def run_script(place, script, seconds=30, extra=None):
    """Run bash on the bench; (exit status or None for too long, output).

    Root works in a mount namespace of its own: what a lesson mounts is
    gone with its shell.
    """
    path = place.top / "script"
    path.write_text(script, encoding="utf-8")
    words = ["bash", str(path)]
    if os.geteuid() == 0 and place.user is None:
        words = ["unshare", "--mount", "--", *words]
    identity = {} if place.user is None else {
        "user": place.user, "group": place.user, "extra_groups": []}
    with tempfile.TemporaryFile() as output:
        shell = subprocess.Popen(
            words, cwd=place.work, stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**place.environment(), **(extra or {})}, **identity)
        status = wait_for(shell, seconds)
        output.seek(0)
        return status, output.read().decode(errors="replace")


def wait_for(shell, seconds):
    """The shell's status; what it left behind is ended, too."""
    try:
        return shell.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        end_group(shell.pid)
        if shell.poll() is None:
            shell.wait()


def end_group(group, patience=1.0):
    """End the processes of a session that we started: TERM, then KILL."""
    try:
        os.killpg(group, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.01)
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nobody is left
