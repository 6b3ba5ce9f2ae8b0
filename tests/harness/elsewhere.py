"""Tests that need what this machine lacks run in the lab VM: all of them in one boot, with the same binary.

A test says what it needs: @needs("memory", "pids"), @needs("devices") for device rules on a cgroup, or @needs("lab") for
what could hurt a machine. Where cgroup
version 2 has these controllers it runs like any other. Elsewhere its verdict comes from the VM, and counts like one of
this machine; nothing is skipped."""

import glob
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import tempfile

import pytest
from skiffshop.verdicts import ENOUGH

from . import kernel, rootfs
from .tasks import TREE
from .teach import TeachFailure, failure_text

BUILD = os.environ.get("BUILD") or os.path.join(TREE, "build")
SECONDS = 900
RESULTS = "results.json"


def needs(*controllers):
    """Mark a test with the cgroup controllers that it needs."""
    return pytest.mark.needs(*controllers)


def missing(item):
    """What a test needs and this machine has not got."""
    wanted = {name for marker in item.iter_markers("needs") for name in marker.args}
    if "devices" in wanted and kernel.device_rules():
        wanted.remove("devices")
    return wanted - kernel.controllers() - ({"lab"} if os.path.exists("/run/lab") else set()) if wanted else set()


def vm_is_built():
    """Whether the VM's image is there, made from the sources that are here."""
    found = importlib.util.spec_from_file_location("lab_image", os.path.join(TREE, "vagrant/lab/image.py"))
    image = importlib.util.module_from_spec(found)
    found.loader.exec_module(image)
    return os.path.isdir(image.directory(BUILD))


class LabVM:
    """The tests of one session that are to run in the VM, and what it said of them."""

    def __init__(self, config, items):
        if items and not vm_is_built():  # skiffshop/testrun.py looks for these words
            lacks = ", ".join(sorted({what for item in items for what in missing(item)}))
            raise pytest.UsageError(f"the lab VM is not built, and this machine has not got {lacks}; build it first: make vm-build")
        self.config, self.nodes = config, [item.nodeid for item in items]
        self.results, self.trouble = None, ""

    def verdict(self, item):
        """Fail as the test has failed in the VM; return if it has passed there."""
        if self.results is None:
            self.run()
        outcome, text = self.results.get(item.nodeid, ("none", ""))
        if outcome == "none":
            text = failure_text(
                f"This machine has not got what the test needs ({', '.join(sorted(missing(item)))}), so we ran it in the lab VM.",
                f"The VM gave no verdict: {self.trouble or 'it did not run this test'}",
                likely="`make vm-build` makes the VM, `make vm-run CMD=true` shows whether it starts.",
            )
        if outcome != "passed":
            raise TeachFailure(text)

    def run(self):
        """One boot for all tests."""
        option = self.config.option
        with tempfile.TemporaryDirectory(prefix="skiff-elsewhere-") as place:
            build, out = os.path.join(place, "build"), os.path.join(place, "out")
            os.mkdir(build)
            os.mkdir(out)
            os.symlink(os.path.join(BUILD, "vm"), os.path.join(build, "vm"))
            shutil.copy2(option.skiff, os.path.join(build, "skiff"))
            for runtime in glob.glob(os.path.join(BUILD, "stage-*", "skiff")) + glob.glob(os.path.join(BUILD, "weak", "*", "skiff")):
                there = os.path.join(build, os.path.relpath(runtime, BUILD))
                os.makedirs(os.path.dirname(there))
                shutil.copy2(runtime, there)
            shutil.copytree(option.probes, os.path.join(build, "probes"))
            rootfs.copy_tree(option.image, os.path.join(build, "rootfs"))
            command = [
                "python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--skiff=/tree/build/skiff", f"--stage={option.stage}",
                "--probes=/tree/build/probes", "--image=/tree/build/rootfs", f"--results=/out/{RESULTS}",
                *([f"--maxfail={2 * ENOUGH}"] if os.environ.get("MUTANT_TASK") else []),  # then nobody reads on
                *self.nodes,
            ]
            done = subprocess.run(
                [os.path.join(TREE, "vagrant/lab/vm"), "--build", build, "--out", out, "--timeout", str(SECONDS), "--",
                 f"cd /tree/tests && BUILD=/tree/build TMPDIR=/var/tmp {shlex.join(command)}"],
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False,
            )
            try:
                with open(os.path.join(out, RESULTS), encoding="utf-8") as file:
                    self.results = json.load(file)
            except (OSError, ValueError):
                self.results = {}
                self.trouble = "\n".join((done.stderr or done.stdout).strip().splitlines()[-3:])
