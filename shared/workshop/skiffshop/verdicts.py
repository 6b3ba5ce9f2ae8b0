"""From test results to verdicts: passed, wrong, not written, waiting."""

import re
import textwrap
from dataclasses import dataclass

PASSED = "passed"
WRONG = "wrong"
UNWRITTEN = "not written yet"
WAITS = "waits for"
UNTESTED = "not tested here"
ENOUGH = 3   # failures of a task; its other tests would only take time
SAYS_UNWRITTEN = re.compile(r"task (\d+\.\d+) \([^)]*\) is not written yet")
ASSERTION = re.compile(r"^(AssertionError|Failed|[\w.]*TeachFailure)"
                       r"(: |$)")
TITLE = re.compile(r"^(\d+\.\d+ .*|skiff): (wrong|waits for .*)$")


@dataclass
class Verdict:
    """What one check says of one task."""
    state: str
    texts: tuple = ()     # the failures' texts
    waits_for: str = ""

    @property
    def words(self):
        """As in "waits for 3.1"."""
        return f"{self.state} {self.waits_for}".strip()


def judge(tasks, unwritten, records):
    """The verdict on each task, by number."""
    return {task.number: judge_task(task.number, unwritten, records)
            for task in tasks}


def judge_task(number, unwritten, records):
    """One task: its file comes first, then its tests."""
    if number in unwritten:
        return Verdict(UNWRITTEN)
    mine = [one for one in records if number in one["tasks"]]
    failed = [one for one in mine if one["outcome"] == "failed"]
    skipped = [one for one in mine if one["outcome"] == "skipped"]
    if failed:
        return judge_failures(number, failed)
    if skipped or not mine:
        return Verdict(UNTESTED, tuple(one["text"] for one in skipped)
                       or ("No test belongs to this task.",))
    return Verdict(PASSED)


def judge_failures(number, failed):
    """Wrong, unless each failure is another task's absence."""
    missing = []
    for one in failed:
        found = SAYS_UNWRITTEN.findall(one["text"] + one["output"])
        missing.append(one.get("waits") or (found[0] if found else ""))
    if all(missing):
        others = [one for one in missing if one != number]
        return Verdict(WAITS, (), others[0]) if others else Verdict(UNWRITTEN)
    return Verdict(WRONG, tuple(
        lesson(one["text"]) for one, waits in zip(failed, missing)
        if not waits))


def lesson(text):
    """A failure's text without pytest's dress and without its own title."""
    lines = ASSERTION.sub("", text.strip()).splitlines()
    if lines and TITLE.match(lines[0]):
        lines = lines[1:]
    lines = [line for line in lines if not line.startswith("assert ")]
    return (textwrap.dedent("\n".join(lines)).strip("\n")
            or "The test says nothing more.")
