#!/usr/bin/env python3
"""The table attack x chapter, made by trying: `make attack-matrix`.

    matrix.py [--json] [ATTACK...]

Each attack is run on each chapter's runtime: as its "before" says on those that do not stop it yet, as its "after" says on
the others. `works` and `stopped` are what happened. Where a chapter has both, the first word is for the options, or the one
mistake, that the note names. What could hurt a machine is tried in the lab VM. The exit status is 0 if every attack works
somewhere and is stopped from its chapter on.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path[:0] = [os.path.join(TREE, "tests"), HERE]

from harness import kernel, rootfs  # noqa: E402
from test_attacks import ATTACKS, BUILD, STAGES, Bench, runtime  # noqa: E402

IN_LAB = os.path.exists("/run/lab")


def cases(attack):
    """(stage, case, the word for where it stands) of every attempt."""
    before, after = attack["before"], attack["after"]
    for stage in STAGES:
        if stage == before["stage"] or before["stage"] <= stage < after["stage"]:
            yield stage, before, "before"
        if stage >= after["stage"]:
            yield stage, after, "after"


def attempt(name, stage, case):
    """`works`, or `stopped`."""
    top = tempfile.mkdtemp(prefix="skiff-matrix-", dir="/var/tmp")
    os.chmod(top, 0o755)
    try:
        root = os.path.join(top, "rootfs")
        rootfs.copy_tree(os.path.join(BUILD, "images/busybox/rootfs"), root)
        bench = Bench(top, root)
        _, output = bench.attack(name, runtime(name, case, stage), case["args"])
        return "works" if output.count(bench.word) >= case.get("words", 1) else "stopped"
    finally:
        shutil.rmtree(top, ignore_errors=True)


def try_here(name):
    """{stage: [[when, what happened], ...]}"""
    found = {}
    for stage, case, when in cases(ATTACKS[name]):
        found.setdefault(str(stage), []).append([when, attempt(name, stage, case)])
    return found


def try_in_lab(names):
    """The same, in one boot of the VM."""
    done = subprocess.run(
        [os.path.join(TREE, "vagrant/lab/vm"), "--build", BUILD, "--",
         "cd /tree && BUILD=/tree/build python3 tests/attacks/matrix.py --json " + " ".join(names)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False)
    try:
        return json.loads(done.stdout)
    except ValueError:
        sys.exit(f"attack-matrix: the lab VM gave no answer (exit {done.returncode})")


def note(attack):
    """With what it works."""
    before = attack["before"]
    words = " ".join(before["args"]) or ("our code with one mistake" if before.get("weak") else "as it is")
    return f"{before['stage']:02d}: {words}"


def as_promised(found):
    """It works before, and at no stage after."""
    words = [one for row in found.values() for one in row]
    return ["before", "works"] in words and ["after", "works"] not in words


def show(results):
    """The table, as Markdown."""
    print("| attack | works in chapter, with | " + " | ".join(f"{stage:02d}" for stage in STAGES) + " |")
    print("|---|---|" + "---|" * len(STAGES))
    for name, found in results.items():
        row = [", ".join(word for _, word in found.get(str(stage), [])) or "." for stage in STAGES]
        print(f"| {name} | {note(ATTACKS[name])} | " + " | ".join(row) + " |")


def main(words):
    as_json = "--json" in words
    names = [word for word in words if word != "--json"] or list(ATTACKS)
    lab = [name for name in names if ATTACKS[name]["needs_vm"] and not IN_LAB]
    results = {name: try_here(name) for name in names if name not in lab}
    kernel.remove_cgroup(kernel.cgroup_path(kernel.CGROUP))
    if lab:
        results.update(try_in_lab(lab))
    results = {name: results[name] for name in names}
    if as_json:
        print(json.dumps(results))
    else:
        show(results)
    wrong = [name for name, found in results.items() if not as_promised(found)]
    if wrong:
        print("not as promised: " + ", ".join(wrong), file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
