"""Predictions: the machine answers, and nobody is graded."""

import io
import json

import pytest

from skiffshop import predict, questions
from skiffshop.options import Options

QUESTION = {"question": "How much is 2 + 3?", "choices": ["4", "5", "six"],
            "command": "echo $((2 + 3))", "because": "Sums are like that.",
            "wrong": {"4": "One short."}}


def write(shop, *changes):
    data = [{**QUESTION, **change} for change in changes]
    (shop.root / "chapters/01-alpha/predict.json").write_text(
        json.dumps(data))


@pytest.mark.parametrize("answer, says", [
    ("b", "Right: 5"), ("5", "Right: 5"), ("a", "One short."),
    ("six", "you said six"), ("4", "this machine says 5"),
    ("9", "none of the choices"), ("", "This machine says: 5")])
def test_an_answer_and_the_reason(shop, answer, says):
    write(shop, {})
    status, text = shop.run("predict", "CH=1", f"ANSWERS={answer},")
    assert status == 0 and says in text and "Sums are like that." in text


def test_answers_from_a_pipe_and_its_end(shop, monkeypatch):
    write(shop, {}, {"question": "Again?"})
    monkeypatch.setattr(predict.sys, "stdin", io.StringIO("b\n"))
    status, text = shop.run("predict", "CH=1")
    assert status == 0
    assert "Right: 5" in text and "This machine says: 5" in text


def test_a_free_text_answer(shop):
    write(shop, {"choices": [], "wrong": {}, "command": "echo Hello  World"})
    _, text = shop.run("predict", "CH=1", "ANSWERS=hello world")
    assert "Right: Hello" in text


def test_rules_turn_output_into_a_choice(shop):
    write(shop, {"choices": ["it fails", "it works"], "wrong": {},
                 "command": "cat /none/such || echo status $?",
                 "answer_from": [["status 0", "it works"],
                                 ["No such file", "it fails"]]})
    _, text = shop.run("predict", "CH=1", "ANSWERS=a")
    assert "Right: it fails" in text


def test_skiff_and_a_root_are_at_hand(shop):
    write(shop, {"choices": [], "wrong": {},
                 "command": "cat $R/etc/motd; skiff run"})
    assert "Right: skiff run" in shop.run("predict", "CH=1",
                                          "ANSWERS=skiff run")[1]


@pytest.mark.parametrize("command, says", [
    ("echo no >&2; exit 3", "exit 3: no"), ("echo 77", "no answer we know"),
    ("true", "no answer we know")])
def test_a_command_that_fails_here_still_teaches(shop, command, says):
    write(shop, {"command": command})
    status, text = shop.run("predict", "CH=1", "ANSWERS=b")
    assert status == 0 and says in text and "Sums are like that." in text


@pytest.mark.parametrize("change, says", [
    ({"because": ""}, '"because" is missing'),
    ({"coices": []}, '"coices" is unknown'),
    ({"choices": "4"}, '"choices" is unknown or of a wrong kind'),
    ({"wrong": {"7": "x"}}, '"7" is none of the choices'),
    ({"who": "me"}, '"who" is "me"')])
def test_a_wrong_file_is_named(shop, change, says):
    write(shop, {}, change)
    status, text = shop.run("predict", "CH=1")
    assert status == 2 and says in text and "question 2" in text


def test_no_json(shop):
    (shop.root / "chapters/01-alpha/predict.json").write_text("{")
    assert "no JSON" in shop.run("predict", "CH=1")[1]


def test_a_person_may_mistype(capfd):
    class Keyboard(io.StringIO):
        def isatty(self):
            return True

    one = questions.Question(**QUESTION)
    answers = predict.Answers(Options("predict", [], {}),
                              Keyboard("z\nb\n"))
    assert predict.ask(one, answers) == "5"
    assert "none of the choices" in capfd.readouterr().out
