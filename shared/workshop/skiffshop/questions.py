"""The questions of a chapter's predict.json.

A list of objects:

    "question"     what happens?
    "choices"      a list; without it the answer is a free text
    "command"      run by bash on this machine, on a bench of its own: a
                   full skiff on the PATH, R a root file system; its last
                   line of output is the right answer
    "answer_from"  where the output is no choice itself: a list of
                   [regular expression, choice]; the first that is found
                   in the output gives the answer
    "because"      the rule behind it, always shown
    "wrong"        choice -> why one might think so, and why it is not so
    "stage"        a chapter number: the skiff of that chapter instead
    "who"          "root" or "user": as whom the command runs
"""

import json
import os
import re
from dataclasses import dataclass, field

from . import machine
from .errors import ShopError

FIELDS = {"question": str, "choices": list, "command": str,
          "answer_from": list, "because": str, "wrong": dict, "stage": int,
          "who": str}


@dataclass
class Question:
    """One question and how its answer is found."""
    question: str
    command: str
    because: str
    choices: list = field(default_factory=list)
    answer_from: list = field(default_factory=list)
    wrong: dict = field(default_factory=dict)
    stage: int = -1
    who: str = ""


class NoAnswer(Exception):
    """The command failed on this machine; the text says how."""


def read_questions(path, shown):
    """All questions of a file; a wrong file is a ShopError."""
    if not path.exists():
        raise ShopError(str(shown), "there is no such file",
                        "this chapter has no predictions")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ShopError(str(shown), f"no JSON: {error}") from None
    if not isinstance(data, list) or not data:
        raise ShopError(str(shown), "it should be a list of questions")
    return [parse_question(one, f"{shown}, question {number}")
            for number, one in enumerate(data, 1)]


def parse_question(data, where):
    """One question, checked."""
    if not isinstance(data, dict):
        raise ShopError(where, "it should be an object")
    for key, value in data.items():
        if key not in FIELDS or not isinstance(value, FIELDS[key]):
            raise ShopError(where, f'"{key}" is unknown or of a wrong kind',
                            "known: " + " ".join(FIELDS))
    for key in ("question", "command", "because"):
        if not data.get(key):
            raise ShopError(where, f'"{key}" is missing')
    one = Question(**data)
    if one.who not in ("", "root", "user"):
        raise ShopError(where, f'"who" is "{one.who}"', "root or user")
    for choice in list(one.wrong) + [rule[-1] for rule in one.answer_from]:
        if one.choices and choice not in one.choices:
            raise ShopError(where, f'"{choice}" is none of the choices')
    return one


def find_answer(tree, one):
    """Run the command here and now; the right answer."""
    if one.who == "root" and os.geteuid() != 0:
        raise NoAnswer("this question needs root: sudo make predict")
    as_user = one.who == "user" and os.geteuid() == 0
    skiff = (machine.full_skiff(tree) if one.stage < 0
             else machine.stage_skiff(tree, one.stage))
    with machine.bench(machine.NOBODY if as_user else None) as place:
        place.add_skiff(skiff)
        place.add_root(machine.image_root(tree))
        place.own()
        status, output = machine.run_script(place, one.command, 20)
    return answer_of(one, status, output)


def answer_of(one, status, output):
    """The answer which a command's output means."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    if status is None:
        raise NoAnswer("the command took longer than 20 s")
    for pattern, choice in one.answer_from:
        if re.search(pattern, output):
            return choice
    if status != 0:
        raise NoAnswer(f"exit {status}: {last or 'no output'}")
    if not last or one.answer_from or (one.choices
                                       and last not in one.choices):
        raise NoAnswer(f"its output is no answer we know: {last or 'none'}")
    return last


def understand(one, typed):
    """A letter, a number or the words: the choice that is meant, or ""."""
    typed = " ".join(typed.split())
    if not one.choices:
        return typed
    if len(typed) == 1 and typed.isalpha():
        index = ord(typed.lower()) - ord("a")
        if index < len(one.choices):
            return one.choices[index]
    same = [choice for choice in one.choices
            if choice.lower() == typed.lower()]
    if same:
        return same[0]
    if typed.isdigit() and 1 <= int(typed) <= len(one.choices):
        return one.choices[int(typed) - 1]
    return ""


def is_right(typed, answer):
    """Letters' case and spaces do not matter."""
    return " ".join(typed.split()).lower() == " ".join(answer.split()).lower()
