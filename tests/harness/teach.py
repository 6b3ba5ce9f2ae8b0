"""Failures that teach: what we did, what the kernel said, the rule, the likely cause, where to read."""

import re
import textwrap

from .diagnosis import cause
from .tasks import TASKS

WIDTH = 140
UNWRITTEN = re.compile(r"skiff: task (\d+\.\d+) \(([^)]*)\) is not written yet(?:: (\S+))?")


class TeachFailure(AssertionError):
    """A failed check whose text is all that the learner sees."""

    def __init__(self, text):
        super().__init__(text)
        self.text = text


class Current:
    """The test that runs now: its task, and what its runs of skiff said."""

    task = None
    results = []
    killed = False  # a skiff died of a signal: its orphans are nobody's fault

    @classmethod
    def begin(cls, number):
        cls.task = number
        cls.results = []
        cls.killed = False


def waits_for():
    """The task that this test's runs called 'not written yet': (number, name, place), or None."""
    for result in Current.results:
        found = UNWRITTEN.search(result.err)
        if found:
            return found.groups()
    return None


def paragraph(text):
    lines = []
    for part in text.strip().splitlines():
        lines += textwrap.wrap(part, WIDTH - 2, break_long_words=False, break_on_hyphens=False) or [""]
    return ["  " + line for line in lines]


def failure_text(did, saw="", rule="", likely="", man="", number=None):
    """The text of a failure, in the form of the workshop."""
    number = number or Current.task
    unwritten = waits_for()
    likely = cause(number, Current.results) or likely
    if number is None:
        head, foot = "skiff: wrong", man and f"  read: {man}"
    else:
        name, pages = TASKS[number]
        head, foot = f"{number} {name}: wrong", f"  make hint TASK={number}      {man or pages}"
    if unwritten and unwritten[0] != number:
        head = (
            f"{number} {TASKS[number][0]}: waits for {unwritten[0]}"
            if number
            else f"skiff: waits for {unwritten[0]}"
        )
        likely = f"task {unwritten[0]} ({unwritten[1]}) is not written yet; this test needs it."
    lines = [head]
    for text in (did, saw, rule):
        if text:
            lines += paragraph(text)
    if likely:
        lines += paragraph("Likely: " + likely)
    if foot:
        lines.append(foot)
    return "\n".join(lines)


def teach(did, saw="", rule="", likely="", man="", number=None):
    """Fail the test with a text that teaches."""
    raise TeachFailure(failure_text(did, saw, rule, likely, man, number))


def check(condition, did, saw="", rule="", likely="", man=""):
    """teach() unless the condition holds. `likely` may be a function: it investigates only after a failure."""
    if not condition:
        teach(did, saw, rule, likely() if callable(likely) else likely, man)


def expect(result, code=0, out=None, rule="", likely="", man=""):
    """The run must end with this exit code (and print this); else teach, with `likely` as in check()."""
    problems = []
    if result.code != code:
        problems.append(f"It should end with exit code {code}; {result.ended}.")
    if out is not None and result.out != out:
        problems.append(f"It should print {shorten(out)}; it printed {shorten(result.out)}.")
    if problems:
        if result.err.strip():
            problems.append("On standard error: " + shorten(result.err.strip()))
        teach(
            f"We ran `{result.typed}`.",
            " ".join(problems),
            rule,
            likely() if callable(likely) else likely,
            man,
        )
    return result


def shorten(value, limit=300):
    text = repr(value).strip() if isinstance(value, str) else str(value)
    return text if len(text) <= limit else text[:limit] + "..."
