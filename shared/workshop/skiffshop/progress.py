"""The learner's progress: a small JSON file at the top of the checkout."""

import json
import os
import time

from .ownership import give_back
from .terminal import fold, warn

FILE = ".progress.json"
PASSED = "passed"


class Progress:
    """What was passed, and how many hints were read."""

    def __init__(self, tree):
        self.path = tree.root / FILE
        self.tasks, self.hints, self.last = {}, {}, ""
        self._load()

    def _load(self):
        try:
            data = json.loads(self.path.read_text(encoding="utf-8"))
            self.tasks = text_values(data["tasks"], str)
            self.hints = text_values(data.get("hints", {}), int)
            self.last = str(data.get("last", ""))
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._set_aside(error)

    def _set_aside(self, error):
        copy = self.path.with_name(
            f"{FILE}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
        os.replace(self.path, copy)
        give_back(copy)
        warn(fold(f"note: {FILE} cannot be read: {short(error)}"))
        warn(f"      It is kept as {copy.name}; progress starts anew.")
        warn("      make check finds again what you have passed.")

    def save(self):
        """Write the file whole, then rename it into place."""
        text = json.dumps({"tasks": self.tasks, "hints": self.hints,
                           "last": self.last}, indent=1, sort_keys=True)
        fresh = self.path.with_name(f"{FILE}.{os.getpid()}")
        try:
            fresh.write_text(text + "\n", encoding="utf-8")
            give_back(fresh)
            os.replace(fresh, self.path)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            warn(f"note: {FILE} is not written: {error.strerror}")

    def state(self, task):
        """What the last check said of this task, or an empty text."""
        return self.tasks.get(task.number, "")

    def is_passed(self, chapter):
        """True when each task of the chapter has passed."""
        return bool(chapter.tasks) and all(
            self.state(task) == PASSED for task in chapter.tasks)

    def forget(self, tasks):
        """These tasks are as if never tried (hints stay read)."""
        for task in tasks:
            self.tasks.pop(task.number, None)
        self.save()


def text_values(data, kind):
    """A mapping of texts to values of one kind, or a TypeError."""
    if not all(isinstance(value, kind) for value in data.values()):
        raise TypeError("a value has the wrong kind")
    return dict(data)


def short(error):
    """The error's first line, without a traceback's noise."""
    return str(error).splitlines()[0][:40] if str(error) else "empty"
