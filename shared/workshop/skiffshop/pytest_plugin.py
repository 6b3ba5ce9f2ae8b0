"""Runs inside pytest: chooses the tests of some tasks, writes results.

SKIFFSHOP_TASKS  the tasks to test, "3.1 3.2"
SKIFFSHOP_WHOLE  "1": also the tests that belong to no task
SKIFFSHOP_OUT    the JSON file to write
"""

import json
import os
import time

import pytest

from .verdicts import ENOUGH

LEFT_OUT = "left out"
PATIENCE = 3   # seconds; after that, one failure of a task is enough
STARTED = time.monotonic()
RECORDS = {}


def tasks_of(item):
    """The numbers of the tasks that this test is marked with."""
    return sorted({str(number) for mark in item.iter_markers("task")
                   for number in mark.args})


def pytest_collection_modifyitems(config, items):
    """Keep the tests that were asked for."""
    wanted = set(os.environ.get("SKIFFSHOP_TASKS", "").split())
    whole = os.environ.get("SKIFFSHOP_WHOLE") == "1"
    kept, dropped = [], []
    for item in items:
        tasks = tasks_of(item)
        chosen = wanted.intersection(tasks) if tasks else whole
        (kept if chosen else dropped).append(item)
        if chosen:
            RECORDS[item.nodeid] = {"id": item.nodeid, "tasks": tasks,
                                    "outcome": "", "text": "", "output": "",
                                    "waits": None}
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Leave out a test whose tasks have failed often enough."""
    record = RECORDS[item.nodeid]
    enough = ENOUGH if time.monotonic() - STARTED < PATIENCE else 1
    if all(failures(task) >= enough for task in record["tasks"] or [""]):
        record["outcome"] = LEFT_OUT
        pytest.skip(LEFT_OUT)  # house: the learner has seen this task fail often enough


def failures(task):
    """How many tests of a task (or of none) have failed so far."""
    return sum(one["outcome"] == "failed" and task in (one["tasks"] or [""])
               for one in RECORDS.values())


def pytest_runtest_logreport(report):
    """Note the worst that happened in a test's three phases."""
    record = RECORDS.get(report.nodeid)
    if record is None or record["outcome"] in ("failed", LEFT_OUT):
        return
    if report.failed:
        record.update(outcome="failed", text=message(report),
                      waits=dict(report.user_properties).get("waits_for"),
                      output=report.longreprtext + "".join(
                          text for _, text in report.sections))
    elif report.skipped:
        record.update(outcome="skipped", text=message(report))
    elif report.when == "call" and not record["outcome"]:
        record["outcome"] = "passed"


def message(report):
    """The exception's own text."""
    if isinstance(report.longrepr, tuple):  # a skip: path, line, reason
        return str(report.longrepr[2]).replace("Skipped: ", "", 1)
    crash = getattr(report.longrepr, "reprcrash", None)
    return crash.message if crash else report.longreprtext


def pytest_sessionfinish():
    """Hand the results over."""
    path = os.environ.get("SKIFFSHOP_OUT")
    if path:
        with open(path, "w", encoding="utf-8") as out:
            json.dump(list(RECORDS.values()), out)
