"""The runner of the mutants: it must tell a caught one from all others."""

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

import workbench  # noqa: E402
from mutant import BadMutant, apply, read_mutant  # noqa: E402
from runner import (Baseline, Outcome, coverage, judge,  # noqa: E402
                    read_all, recall)

HEAD = "task: 0.1\nabout: a mistake\nsays: "
EDIT = "--- replace\n\treturn getpid();\n--- with\n\t"


def write(tmp_path, text, chapter="00"):
    """A mutant file with this text."""
    (tmp_path / chapter).mkdir(exist_ok=True)
    path = tmp_path / chapter / "one.mutant"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("text, told", [
    ("about: a\nsays: b\n" + EDIT, "`task:` is missing"),
    ("task: 0.1\nabout: a\n" + EDIT, "`says:` is missing"),
    (HEAD + "\n" + EDIT, "empty"),
    (HEAD + "b\nsays: c\n" + EDIT, "there twice"),
    (HEAD + "b\nsay: c\n" + EDIT, "not understood"),
    (HEAD + "b\n", "`--- replace` is missing"),
    (HEAD + "b\n--- replace\n--- with\nx\n", "nothing to replace"),
    (HEAD + "b\n--- replace\nx\n--- with\nx\n", "what was there"),
    (HEAD.replace("0.1", "3.1") + "b\n" + EDIT, "not of chapter"),
])
def test_malformed_mutants_are_refused(tmp_path, text, told):
    """Each with its own words."""
    with pytest.raises(BadMutant, match=told):
        read_mutant(write(tmp_path, text))


def edited(tmp_path, old, new, text, regions, more=""):
    """The text with one edit made."""
    path = write(tmp_path, f"{HEAD}b\n{more}--- replace\n{old}\n--- with\n"
                           f"{new}\n")
    return apply(read_mutant(path), text, regions)


def test_edit_is_made_once(tmp_path):
    """Whole lines, indents and all, in one place of the task."""
    assert edited(tmp_path, "\tb", "\tc", "a\n\tb\nb\n", [(0, 3)]) == (
        "a\n\tc\nb\n")


@pytest.mark.parametrize("text", ["a\n", "b\nb\n", "bb\n", " b\n"])
def test_edit_must_fit_exactly_once(tmp_path, text):
    """A solution that has changed must not be mutated somewhere else."""
    with pytest.raises(BadMutant, match="times"):
        edited(tmp_path, "b", "c", text, [(0, 9)])


def test_edit_outside_of_the_task_needs_a_reason(tmp_path):
    """Learners write in the task's region only."""
    with pytest.raises(BadMutant, match="outside"):
        edited(tmp_path, "b", "c", "a\nb\n", [(0, 1)])
    assert edited(tmp_path, "b", "c", "a\nb\n", [(0, 1)],
                  "outside: a reason\n") == "a\nc\n"


def test_edits_of_one_mutant_may_not_overlap(tmp_path):
    """Else the second would find what the first has left."""
    path = write(tmp_path, HEAD + "x\n--- replace\na\nb\n--- with\n"
                 "--- replace\nb\n--- with\nc\n")
    with pytest.raises(BadMutant, match="overlap"):
        apply(read_mutant(path), "a\nb\n", [(0, 2)])


@pytest.fixture(name="bench", scope="module")
def build_directory():
    """The stages, built."""
    return workbench.Workbench(os.environ.get("BUILD", "build"))


def outcome(bench, tmp_path, says, code):
    """What the runner says of a mutant of task 0.1."""
    mutant = read_mutant(write(tmp_path, f"{HEAD}{says}\n{EDIT}{code}\n"))
    with ThreadPoolExecutor(2) as pool:
        return judge(bench, Baseline(bench, pool, [mutant]), mutant)


@pytest.mark.parametrize("code, says, word", [
    ("return getppid();", "getppid(2) is not getpid(2)", "caught"),
    ("return 1 * getpid();", "getppid(2) is not getpid(2)", "LIVES"),
    ("return getppid();", "words that nobody says", "OTHER WORDS"),
    ("return getppid(;", "getppid(2)", "NO MUTANT"),
])
def test_verdicts(bench, tmp_path, code, says, word):
    """One of each kind."""
    assert outcome(bench, tmp_path, says, code).word == word


def test_mutant_that_hangs_is_stopped(bench, tmp_path, monkeypatch):
    """And nothing of it goes on."""
    monkeypatch.setattr(workbench.Workbench.test, "__defaults__",
                        ("", "", 2))
    found = outcome(bench, tmp_path, "x",
                    "for (;;)\n\t\tgetppid();")
    assert found.word == "HANGS"


def test_tests_that_cannot_run_are_no_verdict(bench, tmp_path, monkeypatch):
    """A broken test file catches nothing."""
    broken = tmp_path / "test_00_broken.py"
    broken.write_text("syntax error here\n", encoding="utf-8")
    files = workbench.test_files
    monkeypatch.setattr(workbench, "test_files", lambda *words: [
        *files(*words), str(broken)])
    assert outcome(bench, tmp_path, "x", "return getppid();").word == (
        "NO VERDICT")


def test_a_task_without_mutants_is_told(bench):
    """All of the collection but the mutants of one task."""
    mutants, _ = read_all(bench)
    assert all(one.good for one in coverage(bench, mutants))
    rest = [one for one in mutants if one.task != "1.3"]
    bad = [one for one in coverage(bench, rest) if not one.good]
    assert len(bad) == 1 and "1.3 status" in bad[0].more


def test_what_failed_is_told_again_with_its_words(capsys):
    """Whoever sees only the end of a long log sees which, and why."""
    recall([Outcome("00/one", True, "caught", "0.1"),
            Outcome("00/two", False, "LIVES",
                    "all 3 pass\nand more", "a text")])
    out = capsys.readouterr().out
    assert out.split() == "LIVES 00/two all 3 pass | and more | a text".split()
