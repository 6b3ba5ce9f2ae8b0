"""The benchmark runs and has all its rows. Nothing here looks at a time: a busy machine is no failure."""

import json
import os
import shutil
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
PEERS = ("unshare", "bwrap", "crun", "runc")
SKIFFS = ("skiff", "skiff-03", "skiff-04", "skiff-05", "skiff-06", "skiff-128")


@pytest.fixture(scope="module")
def build():
    directory = os.environ.get("BUILD") or os.path.join(TREE, "build")
    subprocess.run(["make", "--no-print-directory", f"BUILD={directory}", "build", "stages", "image", "bench-programs"], cwd=TREE,
                   check=True, stdout=subprocess.DEVNULL)
    return directory


def bench(build, *arguments):
    return subprocess.run([sys.executable, os.path.join(HERE, "bench.py"), "--build", build, "--rounds", "3", *arguments],
                          capture_output=True, text=True)


@pytest.fixture(scope="module")
def result(build):
    ran = bench(build, "--json")
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_every_contestant_has_a_row(result):
    assert [row["name"] for row in result["start"]] == ["floor", "floor-dynamic", *SKIFFS, *PEERS]
    for row in result["start"]:
        assert (row["ratio"] is None) == (row["missing"] is not None), row
        assert row["about"]


def test_what_the_tree_builds_was_measured(result):
    ratios = {row["name"]: row["ratio"] for row in result["start"]}
    assert ratios["floor"] == 1
    for name in ("floor-dynamic", *SKIFFS):
        assert ratios[name] > 0
    assert all(row["cpu_ratio"] > 0 for row in result["start"] if row["ratio"])


@pytest.mark.parametrize("name", PEERS)
def test_an_installed_peer_was_measured(result, name):
    row = next(row for row in result["start"] if row["name"] == name)
    if shutil.which(name):
        assert row["missing"] is None
    else:
        assert "not installed" in row["missing"]


def test_memory_and_verdicts(result):
    assert [row["name"] for row in result["memory"]] == ["skiff", "skiff (--init)", "init (--init)"]
    assert all(row["pss_kib"] > 0 for row in result["memory"])
    assert len(result["verdicts"]) == 7
    for row in result["verdicts"]:
        within = row["value"] <= row["limit"] if "ratio" in row["what"] else row["value"] < row["limit"]
        assert row["verdict"] == ("met" if within else "not met")


def test_the_table_says_the_same(build):
    ran = bench(build)
    assert ran.returncode == 0, ran.stderr
    lines = ran.stdout.splitlines()
    for name in ("floor", *SKIFFS, *PEERS):
        assert any(line.startswith(name + " ") for line in lines), name
    assert sum(line.startswith(("met ", "not met ")) for line in lines) == 7


def test_a_contestant_that_fails_is_named(build, tmp_path):
    (tmp_path / "bench").mkdir()
    (tmp_path / "images").symlink_to(os.path.join(os.path.abspath(build), "images"))
    for name in ("bench/floor", "bench/floor-dynamic", "skiff"):
        shutil.copy(os.path.join(build, name), tmp_path / name)
    (tmp_path / "bench/floor-dynamic").write_text("#!/bin/sh\nexit 3\n")
    ran = bench(str(tmp_path), "--json")
    row = next(row for row in json.loads(ran.stdout)["start"] if row["name"] == "floor-dynamic")
    assert row["ratio"] is None and "exit status 3" in row["missing"]
