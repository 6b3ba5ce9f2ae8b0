"""Runs inside pytest: the tests of one task, until one says the words.

MUTANT_TASK  the task to test; empty: all tests, to their end
MUTANT_SAYS  the words to look for
MUTANT_OUT   the JSON file to write: what failed, and with which text
"""

import json
import os

from skiffshop.pytest_plugin import message, tasks_of
from skiffshop.verdicts import ENOUGH

TASK = os.environ.get("MUTANT_TASK", "")
SAYS = os.environ.get("MUTANT_SAYS", "")
FOUND = {"tests": {}, "failures": []}


def one_line(text):
    """Text as it is compared: line ends and indents do not count."""
    return " ".join(text.split())


class Stop:
    """Ends the session as soon as it is decided."""

    session = None


def pytest_sessionstart(session):
    """Remember whom to stop."""
    Stop.session = session


def pytest_collection_modifyitems(config, items):
    """Keep the tests of the task."""
    kept = [item for item in items if not TASK or TASK in tasks_of(item)]
    config.hook.pytest_deselected(
        items=[item for item in items if item not in kept])
    items[:] = kept
    for item in kept:
        FOUND["tests"][item.nodeid] = tasks_of(item)


def pytest_runtest_logreport(report):
    """Note a failure; stop at the words, or when a learner sees no more."""
    if not report.failed or any(one["test"] == report.nodeid
                                for one in FOUND["failures"]):
        return  # of a test that has failed the learner sees the first text
    text = message(report)
    says = bool(SAYS) and one_line(SAYS) in one_line(text)
    FOUND["failures"].append(
        {"test": report.nodeid, "text": text, "says": says})
    if TASK and (says or len(FOUND["failures"]) >= ENOUGH):
        Stop.session.shouldstop = "decided"


def pytest_sessionfinish(exitstatus):
    """Hand over what was found."""
    FOUND["status"] = int(exitstatus)
    with open(os.environ["MUTANT_OUT"], "w", encoding="utf-8") as out:
        json.dump(FOUND, out)
