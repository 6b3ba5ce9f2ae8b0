"""tests/run tells at its end which phases failed, and how their logs end."""

import importlib.machinery
import importlib.util
import os

import pytest

RUN = os.path.join(os.path.dirname(__file__), "..", "..", "run")


@pytest.fixture
def run():
    loader = importlib.machinery.SourceFileLoader("run", os.path.abspath(RUN))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run", loader))
    loader.exec_module(module)
    return module


def test_a_failed_phase_shows_the_end_of_its_log(run, tmp_path, capsys):
    """The first lines of a long log are in the file only."""
    assert run.run_phase("bad", "seq 1000 1200; echo '3 passed, 2 failed'; exit 1", str(tmp_path)) == ("bad", False, 3, 2)
    shown = capsys.readouterr().out
    assert "FAILED (exit status 1)" in shown and str(tmp_path / "bad.log") in shown
    assert "1200\n" in shown and "1000\n" not in shown
    assert "1000\n" in (tmp_path / "bad.log").read_text()


def test_the_end_is_so_long_and_says_how_much_there_is(run, tmp_path, capsys):
    run.run_phase("one", "seq 1000 1100; echo the end of it; false", str(tmp_path))
    capsys.readouterr()
    run.show_end("FAILED: one", str(tmp_path / "one.log"), 5)
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "---- FAILED: one" and shown[1:6] == ["1097", "1098", "1099", "1100", "the end of it"]
    assert "102 lines" in shown[6] and len(shown) == 7


def test_a_phase_that_passes_shows_one_line(run, tmp_path, capsys):
    assert run.run_phase("good", "echo '5 passed in 0.1s'", str(tmp_path)) == ("good", True, 5, 0)
    assert len(capsys.readouterr().out.splitlines()) == 1
