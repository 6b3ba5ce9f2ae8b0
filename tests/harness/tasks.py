"""The tasks of the workshop, as the markers in solutions/ have them: number, title, manual pages."""

import os
import sys

import pytest

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TREE, "shared", "workshop"))

from skiffshop.model import Tree  # noqa: E402


def pages(text):
    """What a task's comment tells to read."""
    return " ".join(text.partition("Read:")[2].split())


TASKS = {
    task.number: (task.title, pages(task.text))
    for chapter in Tree(TREE).chapters
    for task in chapter.tasks
}


def task(number):
    """Mark a test with its task: @task("3.2")."""
    if number not in TASKS:
        raise KeyError(f"no such task: {number} (known: {', '.join(TASKS)})")
    return pytest.mark.task(number)
