"""make predict CH=3: what will this machine's kernel do? Then it does it."""

import sys

from .questions import (NoAnswer, find_answer, is_right, read_questions,
                        understand)
from .terminal import fold, paint, say


class Answers:
    """Where answers come from: ANSWERS=, the keyboard, or a pipe."""

    def __init__(self, options, stream=None):
        given = options.values.get("ANSWERS")
        self.given = given.split(",") if given is not None else None
        self.stream = stream or sys.stdin

    @property
    def is_live(self):
        """True when a person types."""
        return self.given is None and self.stream.isatty()

    def next(self):
        """The next answer, or None when there are no more."""
        if self.given is not None:
            return self.given.pop(0).strip() if self.given else None
        line = self.stream.readline()
        return line.strip() if line else None


def ask(one, answers):
    """The learner's choice; "" if none."""
    while True:
        if answers.is_live:
            print("  your guess (Enter: just tell me): ", end="", flush=True)
        typed = answers.next()
        if not typed:
            if answers.is_live and typed is None:
                say()  # Ctrl-D leaves the line open
            return ""
        meant = understand(one, typed)
        if meant or not answers.is_live:
            if not meant:
                say(f"  {typed}: none of the choices")
            return meant
        say(f"  {typed}: none of the choices; type a letter")


def show_question(number, count, one):
    """The question and its choices."""
    say(paint(f"question {number} of {count}", "bold"))
    say(fold(one.question, "  "))
    for index, choice in enumerate(one.choices):
        say(fold(f"{chr(ord('a') + index)}) {choice}", "    "))


def show_answer(one, meant, answer):
    """Right or not, with the reason; nobody is graded."""
    if meant and is_right(meant, answer):
        say("  " + paint("Right: ", "green") + answer)
    elif meant:
        say("  " + paint("Not so: ", "yellow") + f"you said {meant}; this"
            f" machine says {answer}")
        if one.wrong.get(meant):
            say(fold(one.wrong[meant], "  "))
    else:
        say(f"  This machine says: {answer}")
    say(fold(one.because, "  "))


def show_how(one):
    """The command, so that one can try it by hand."""
    say("  asked by:")
    for line in one.command.splitlines():
        say("    " + line)


def put(tree, number, count, one, answers):
    """One question, one guess, one answer."""
    show_question(number, count, one)
    meant = ask(one, answers)
    try:
        show_answer(one, meant, find_answer(tree, one))
    except NoAnswer as reason:
        say(fold(f"This machine gave no answer: {reason}", "  "))
        say(fold(one.because, "  "))
    show_how(one)
    say()


def main(tree, options):
    """All questions of a chapter; always a good end."""
    options.refuse_flags()
    chapter = options.chapter(tree)
    path = chapter.directory / "predict.json"
    questions = read_questions(path, tree.shown(path))
    answers = Answers(options)
    for number, one in enumerate(questions, 1):
        put(tree, number, len(questions), one, answers)
    return 0
