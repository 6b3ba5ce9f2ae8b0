"""Each attack works before the chapter that stops it, and fails from then on, on every later stage.

An attack that could not run proves nothing: "before" has to print the canary's word, and "after" has to show what
stopped it.
"""

import glob
import json
import os
import re
import secrets
import subprocess

import pytest

from harness import kernel

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
BUILD = os.environ.get("BUILD") or os.path.join(TREE, "build")
SECONDS = 180
STAGES = sorted(int(name[:2]) for name in os.listdir(os.path.join(TREE, "solutions")) if name[:2].isdigit())


def read_attacks():
    attacks = {}
    for path in sorted(glob.glob(os.path.join(HERE, "*", "*.json"))):
        with open(path, encoding="utf-8") as file:
            attacks[os.path.basename(os.path.dirname(path))] = json.load(file)
    return attacks


ATTACKS = read_attacks()


def runtime(name, case, stage):
    """The binary: a stage's own, or the attack's weak one."""
    path = os.path.join(BUILD, "weak", name, "skiff") if case.get("weak") else os.path.join(BUILD, f"stage-{stage:02d}", "skiff")
    assert os.access(path, os.X_OK), f"{path} is not built: make stages weak"
    return path


class Bench:
    """A place for one attempt: a canary, a root, state directories."""

    def __init__(self, home, root):
        self.home, self.root = home, root
        self.word = "canary-" + secrets.token_hex(8)
        self.canary = os.path.join(home, "canary")
        with open(self.canary, "w", encoding="ascii") as file:
            file.write(self.word + "\n")
        for name in ("run", "lib", "tmp"):
            os.makedirs(os.path.join(home, name), exist_ok=True)

    def attack(self, name, skiff, args):
        """Run the attack; what it printed."""
        env = {"PATH": os.environ["PATH"], "HOME": self.home, "LC_ALL": "C.UTF-8", "TMPDIR": os.path.join(self.home, "tmp"),
               "SKIFF_RUN": os.path.join(self.home, "run"), "SKIFF_ROOT": os.path.join(self.home, "lib"), "BUILD": BUILD,
               "SKIFF": skiff, "SKIFF_CGROUP": kernel.CGROUP, "SKIFF_ARGS": " ".join(args), "R": self.root, "CANARY_FILE": self.canary}
        env.update({key: os.environ[key] for key in ("CC", "ASAN_OPTIONS", "UBSAN_OPTIONS") if key in os.environ})
        with open(os.path.join(self.home, "output"), "w+b") as output:
            done = subprocess.run(["unshare", "--mount", os.path.join(HERE, name, "run")], env=env, cwd=os.path.join(self.home, "tmp"),
                                  stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, timeout=SECONDS, check=False)
            output.seek(0)
            return done.returncode, output.read().decode(errors="replace")


@pytest.fixture
def bench(home, rootfs):
    return Bench(home, rootfs)


def attempt(name, *more):
    """The parameters of one attempt, with what it needs: the lab VM for what could hurt, a disk for ID-mapped mounts."""
    marks = [pytest.mark.needs("lab")] if ATTACKS[name]["needs_vm"] else []
    return pytest.param(name, *more, marks=marks + ([pytest.mark.on_disk] if ATTACKS[name].get("on_disk") else []))


@pytest.mark.parametrize("name", map(attempt, ATTACKS))
def test_works_before(name, bench):
    case = ATTACKS[name]["before"]
    status, output = bench.attack(name, runtime(name, case, case["stage"]), case["args"])
    assert output.count(bench.word) >= case.get("words", 1), f"the attack did not work (exit {status}):\n{output}"


@pytest.mark.parametrize("name, stage", [attempt(name, stage) for name, attack in ATTACKS.items() for stage in STAGES
                                         if stage >= attack["after"]["stage"]])
def test_fails_after(name, stage, bench):
    case = ATTACKS[name]["after"]
    status, output = bench.attack(name, runtime(name, case, stage), case["args"])
    assert bench.word not in output, f"the attack works:\n{output}"
    assert case["shows"] in output, f"the attack was not stopped by what should stop it (exit {status}):\n{output}"


def security_comments():
    """(source file, name of an attack) for each SECURITY comment that names one."""
    for pattern in ("solutions/*/*.c", "shared/*/*.[ch]", "chapters/*/*.h"):
        for path in glob.glob(os.path.join(TREE, pattern)):
            with open(path, encoding="utf-8") as file:
                for name in re.findall(r"attacks/([\w-]+)", file.read()):
                    yield os.path.relpath(path, TREE), name


def test_comments_name_attacks_that_exist():
    missing = [f"{path}: attacks/{name}" for path, name in security_comments() if name not in ATTACKS]
    assert not missing


@pytest.mark.parametrize("name", ATTACKS)
def test_description(name):
    attack = ATTACKS[name]
    assert os.access(os.path.join(HERE, name, "run"), os.X_OK)
    assert attack["before"]["stage"] <= attack["after"]["stage"]
    weak = os.path.exists(os.path.join(HERE, name, "weak.mutant"))
    assert bool(attack["before"].get("weak")) == weak
    assert attack["before"] != {key: value for key, value in attack["after"].items() if key != "shows"}, "before and after are the same"
    if name[:2].isdigit():
        tasks = {number for path in glob.glob(os.path.join(TREE, "solutions/*/*.c"))
                 for number in re.findall(r"/\* TASK (\d+\.\d+) ", open(path, encoding="utf-8").read())}
        assert attack["stops_at"] in tasks | {"given"}
    else:
        assert os.path.exists(os.path.join(TREE, attack["stops_at"]))
    line = re.search(r"(\w+)\(\)[^.]* stops it|in (\w+)\(\) (?:stops|closes)", attack["explains"])
    assert line or "After pivot_root() in rootfs_pivot()" in attack["explains"], "explains which function stops it"
