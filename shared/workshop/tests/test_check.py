"""check: each state told apart, by a real build and real tests."""

import json
import os
import subprocess

import pytest

from skiffshop import check as check_module
from skiffshop import rooms, testrun, watch
from skiffshop.testrun import NeedsRoot
from skiffshop.verdicts import UNTESTED, judge, lesson


class Named:
    def __init__(self, number):
        self.number = number


def record(task="1.1", outcome="failed", text="", output="", waits=None):
    return {"id": "x", "tasks": [task], "outcome": outcome, "text": text,
            "output": output, "waits": waits}


UNWRITTEN = "skiff: task 1.2 (exec) is not written yet: chapters/x.c:5"


@pytest.mark.parametrize("unwritten, records, words", [
    ({"1.1"}, [], "not written yet"),
    ({"1.1"}, [record(outcome="passed")], "not written yet"),
    (set(), [record(outcome="passed")], "passed"),
    (set(), [record(text="no")], "wrong"),
    (set(), [record(outcome="passed"), record(text="no")], "wrong"),
    (set(), [record(output=UNWRITTEN)], "waits for 1.2"),
    (set(), [record(text=UNWRITTEN)], "waits for 1.2"),
    (set(), [record(waits="1.3")], "waits for 1.3"),
    (set(), [record(waits="1.1")], "not written yet"),
    (set(), [record(output=UNWRITTEN), record(text="no")], "wrong"),
    (set(), [record(outcome="passed"), record(output=UNWRITTEN)],
     "waits for 1.2"),
    (set(), [record(outcome="skipped", text="no cgroups")],
     "not tested here"),
    (set(), [record(task="1.2", outcome="passed")], "not tested here"),
    (set(), [], "not tested here"),
])
def test_classification(unwritten, records, words):
    assert judge([Named("1.1")], unwritten, records)["1.1"].words == words


def test_a_failure_is_shown_without_pytests_dress():
    assert lesson("AssertionError: We ran.\nassert 1 == 2") == "We ran."
    assert lesson("Failed: 1.1 clone: wrong\n  We ran.") == "We ran."


def test_an_untouched_chapter_is_not_written_yet(shop):
    status, text = shop.run("check", "CH=1")
    assert status == 1
    assert text.count("not written yet") == 2 and "wrong" not in text
    assert "next: write 1.1" in text


def test_only_the_file_that_holds_the_next_task_is_named(shop):
    for side in ("chapters", "solutions"):
        (shop.root / side / "01-alpha/idle.c").write_text("/* no task */\n")
    text = shop.run("check", "CH=1")[1]
    assert "TODO 1.1 in chapters/01-alpha/alpha.c\n" in text


def test_a_solved_chapter_passes_and_is_remembered(shop):
    shop.solve()
    attack = shop.root / "tests/attacks/01-door/attack.json"
    attack.parent.mkdir(parents=True)
    attack.write_text("{}")
    status, text = shop.run("check", "CH=01")
    assert status == 0, text
    assert "2 of 2 passed" in text
    for words in ("Well done", "make diff CH=1", "make attack CH=1",
                  "chapters/02-beta/README.md"):
        assert words in text
    kept = json.loads((shop.root / ".progress.json").read_text())
    assert kept["tasks"] == {"1.1": "passed", "1.2": "passed"}
    assert (shop.root / "whole-ran").exists()


def test_a_mistake_is_wrong_and_its_text_teaches(shop):
    shop.solve()
    shop.alpha.write_text(shop.alpha.read_text().replace("a + b", "a - b"))
    status, text = shop.run("check", "CH=1")
    assert status == 1
    lines = [line.split() for line in text.splitlines()]
    assert ["1.1", "sum", "wrong"] in lines
    assert ["1.2", "twice", "passed"] in lines
    assert "We added 2 and 3." in text and "make hint TASK=1.1" in text


def test_half_written_is_half_tested(shop):
    shop.solve()
    shop.run("reset", "TASK=1.2")
    lines = [line.split() for line in
             shop.run("check", "CH=1")[1].splitlines()]
    assert ["1.1", "sum", "passed"] in lines
    assert ["1.2", "twice", "not", "written", "yet"] in lines
    assert not (shop.root / "whole-ran").exists()


def test_a_task_that_needs_another_gets_ours(shop):
    shop.solve()
    shop.run("reset", "TASK=1.2")
    shop.alpha.write_text(shop.alpha.read_text().replace(
        "int sum = a + b;", "int sum = a + b + alpha_twice(0);").replace(
        '#include "alpha.h"', '#include "alpha.h"\nint alpha_twice(int a);'))
    text = shop.run("check", "CH=1")[1]
    assert "1.1 sum                 passed" in text
    assert "1.2 twice               not written yet" in text


def test_one_task_alone(shop):
    shop.solve()
    shop.alpha.write_text(shop.alpha.read_text().replace("2 * a", "3 * a"))
    status, text = shop.run("check", "TASK=1.1")
    assert status == 0 and "\n  1.2 " not in text and "1.1 sum is done" in text
    status, text = shop.run("check", "TASK=1.2")
    assert status == 1 and "It should print 8." in text


def test_what_does_not_compile_is_never_called_wrong(shop):
    shop.solve()
    shop.alpha.write_text(shop.alpha.read_text().replace("2 * a", "2 * z")
                          + "\n".join(f"int f{n}(void) {{ return y{n}; }}"
                                      for n in range(30)) + "\n")
    status, text = shop.run("check", "CH=1")
    assert status == 1
    assert "does not compile" in text and "error:" in text
    assert "wrong" not in text and "more lines" in text
    assert len(text.splitlines()) <= 20
    assert not (shop.root / ".progress.json").exists()


@pytest.mark.parametrize("said", [
    "a.c:1:1: fatal error: opening dependency file build/obj/a.d:"
    " Permission denied",
    "a.c:3:9: warning: unused\n/usr/bin/ld: cannot open output file"
    " build/learner/skiff: Permission denied",
    "mkdir: cannot create directory 'build/learner': Permission denied",
    "mkdir: cannot create directory ‘build’: Read-only file system",
])
def test_a_build_that_is_not_ours_is_no_mistake(shop, monkeypatch, said):
    shop.solve()
    monkeypatch.setattr(rooms, "run_make", lambda *_: (
        subprocess.CompletedProcess([], 2, said)))
    status, text = shop.run("check", "CH=1")
    assert status == 2 and "does not compile" not in text
    assert "build can't" in text or "build/" in text
    assert "sudo chown -R" in text and "sudo make" in text


def test_an_earlier_chapter_comes_from_solutions_until_passed(shop):
    (shop.root / "tests/chapters/test_02_beta.py").write_text(
        'import pytest\n\n@pytest.mark.task("2.1")\ndef test():\n    pass\n')
    shop.solve()
    text = shop.run("check", "CH=2")[1]
    assert "from solutions/: 01" in text
    shop.run("check", "CH=1")
    status, text = shop.run("check", "CH=2")
    assert status == 0 and "from solutions/" not in text
    shop.run("reset", "TASK=1.2")
    assert "from solutions/: 01" in shop.run("check", "CH=2")[1]


def test_broken_tests_are_not_the_learners_fault(shop):
    shop.solve()
    (shop.root / "tests/chapters/test_01_alpha.py").write_text("1 / 0\n")
    status, text = shop.run("check", "CH=1")
    assert status == 2 and "workshop's fault" in text
    assert "Traceback" not in text and "ZeroDivisionError" in text


def test_a_missing_file_gets_the_way_back(shop):
    shop.alpha.unlink()
    status, text = shop.run("check", "CH=1")
    assert status == 2 and "make reset CH=1" in text


def test_an_ordinary_user_is_told_to_use_sudo(shop, monkeypatch):
    def refuse(*_):
        raise NeedsRoot

    monkeypatch.setattr(check_module, "run_tests", refuse)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    shop.solve()
    status, text = shop.run("check", "CH=1")
    assert status == 1 and UNTESTED in text
    assert "sudo make check CH=1" in text and "make vm" in text


def want_vm(shop):
    """Tests that refuse to run until a file is there, which `make vm-build` is to make."""
    with open(shop.root / "tests/chapters/conftest.py", "a") as file:
        file.write(
            "\n\nimport os\nimport pytest\n\n\ndef pytest_collection_modifyitems():\n"
            "    if not os.path.exists('vm-is-here'):\n"
            "        raise pytest.UsageError('the lab VM is not built')\n")


def test_the_lab_vm_is_built_when_a_test_needs_it(shop):
    shop.solve()
    want_vm(shop)
    with open(shop.root / "Makefile", "a") as file:
        file.write("\nvm-build:\n\t@echo building the VM >&2\n\t@touch vm-is-here\n")
    status, text = shop.run("check", "CH=1")
    assert (shop.root / "vm-is-here").exists()
    assert status == 0 and "run in the lab VM" in text and "2 of 2 passed" in text


def test_a_lab_vm_that_cannot_be_built_is_nobodys_mistake(shop):
    shop.solve()
    want_vm(shop)
    with open(shop.root / "Makefile", "a") as file:
        file.write("\nvm-build:\n\t@false\n")
    status, text = shop.run("check", "CH=1")
    assert status == 2 and "the lab VM: it can't be built" in text and "make vm-build" in text


def test_output_fits_the_screen(shop):
    shop.solve()
    tests = shop.root / "tests/chapters/test_01_alpha.py"
    tests.write_text(tests.read_text().replace("We added", "We " * 80))
    shop.alpha.write_text(shop.alpha.read_text().replace("a + b", "a - b"))
    _, text = shop.run("check", "CH=1")
    assert max(map(len, text.splitlines())) <= 80


def test_three_failures_of_a_task_are_enough(shop):
    shop.solve()
    (shop.root / "tests/chapters/test_01_alpha.py").write_text(
        "import pathlib\nimport pytest\n\n"
        '@pytest.mark.task("1.1")\n@pytest.mark.parametrize("n", range(9))\n'
        "def test_one(n):\n    assert n > 5, f'number {n}'\n\n"
        "def test_whole():\n    assert False, 'whole'\n")
    (shop.root / "tests/chapters/test_01_more.py").write_text(
        "import pathlib\nimport pytest\n\n"
        '@pytest.mark.task("1.2")\ndef test_two():\n'
        "    pathlib.Path('two-ran').write_text('')\n")
    _, text = shop.run("check", "CH=1")
    assert "number 2" in text and "number 3" not in text
    assert "enough for now" in text and "torn down" not in text
    assert (shop.root / "two-ran").exists() and "1 of 2 passed" in text


def test_the_same_words_are_said_once(shop):
    shop.solve()
    (shop.root / "tests/chapters/test_01_alpha.py").write_text(
        "import pytest\n\n"
        '@pytest.mark.task("1.1")\n@pytest.mark.parametrize("n", range(3))\n'
        "def test_one(n):\n"
        "    pytest.fail('other' if n == 1 else 'one cause')\n\n"
        '@pytest.mark.task("1.2")\ndef test_two():\n'
        "    pytest.fail('one cause')\n")
    _, text = shop.run("check", "CH=1")
    assert "The same words as at 1.1." in text
    assert text.count("one cause") == 1 and "other" in text
    assert text.count("2 tests failed with these very words") == 1


def test_tests_that_never_end_are_stopped_and_may_clean_up(shop, monkeypatch):
    shop.solve()
    (shop.root / "tests/chapters/test_01_alpha.py").write_text(
        "import pathlib\nimport time\nimport pytest\n\n"
        '@pytest.fixture\ndef place():\n    yield\n'
        "    pathlib.Path('cleaned').write_text('')\n\n"
        '@pytest.mark.task("1.1")\ndef test_one(place):\n'
        "    pathlib.Path('begun').write_text('')\n"
        "    time.sleep(60)\n")
    for seconds in (1, 4, 16, 40):  # on a busy machine pytest itself takes more than one to begin
        monkeypatch.setattr(testrun, "SECONDS", seconds)
        status, text = shop.run("check", "CH=1")
        assert status == 1 and f"no end after {seconds} s" in text
        if (shop.root / "begun").exists():
            break
    assert (shop.root / "cleaned").exists()


def test_watch_checks_again_on_save_and_ends_well(shop, monkeypatch):
    shop.solve()
    naps = []

    def nap(_):
        naps.append(1)
        if len(naps) == 2:
            shop.alpha.write_text(shop.alpha.read_text() + "/* more */\n")
        if len(naps) > 6:
            raise KeyboardInterrupt

    slow = watch.wait_for_change
    monkeypatch.setattr(watch, "wait_for_change",
                        lambda chapter, seen: slow(chapter, seen, nap))
    status, text = shop.run("watch", "CH=1")
    assert status == 0 and text.count("2 of 2 passed") == 2
    assert "watch ended" in text


def test_the_front_door_runs_without_make():
    entry = os.path.join(os.path.dirname(__file__), "..", "shop")
    done = subprocess.run([entry, "dance"], capture_output=True, text=True)
    assert done.returncode == 2 and "commands are" in done.stderr
