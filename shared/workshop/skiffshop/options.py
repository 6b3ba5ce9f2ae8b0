"""What was typed: `shop check CH=3 --plain FILE`, or CH=3 from make."""

import os

from .errors import ShopError

KEYS = ("CH", "TASK", "TIER", "ALL", "FORCE", "ANSWERS")


class Options:
    """The values, the flags and the files of one call."""

    def __init__(self, command, words=(), environment=None):
        environment = os.environ if environment is None else environment
        self.command = command
        self.values = {key: environment[key].strip() for key in KEYS
                       if environment.get(key, "").strip()}
        self.flags = set()
        self.files = []
        for word in words:
            self._take(word)

    def _take(self, word):
        key, equals, value = word.partition("=")
        if word.startswith("--"):
            self.flags.add(word)
        elif equals and key in KEYS:
            self.values[key] = value.strip()
        elif equals and key.isupper():
            raise ShopError(key, "this is not a name we know",
                            "names are " + " ".join(KEYS))
        else:
            self.files.append(word)

    def refuse_flags(self, *known):
        """Stop at a flag that this command does not have."""
        for flag in sorted(self.flags - set(known)):
            raise ShopError(flag, "there is no such flag",
                            "flags are " + " ".join(known) if known
                            else "this command has none")

    def is_on(self, key):
        """True for ALL=1, FORCE=yes; not for FORCE=0."""
        return self.values.get(key, "0").lower() not in ("0", "no", "false")

    def chapter(self, tree):
        """The chapter meant by CH or by TASK."""
        return self.chapter_and_task(tree)[0]

    def chapter_and_task(self, tree):
        """The chapter, and the task if one was named."""
        word, number = self.values.get("CH"), self.values.get("TASK")
        if not word and not number:
            raise ShopError("which chapter", "CH is missing",
                            f"make {self.command} CH=3")
        if not number:
            return tree.chapter(word), None
        chapter, task = tree.task(number)
        if word and tree.chapter(word) is not chapter:
            raise ShopError(f"task {number}", f"it is not in chapter {word}",
                            f"make {self.command} TASK={number}")
        return chapter, task

    def task(self, tree):
        """The chapter and the task, which must be named."""
        if not self.values.get("TASK"):
            raise ShopError("which task", "TASK is missing",
                            f"make {self.command} TASK=3.2"
                            " (make status lists them)")
        return self.chapter_and_task(tree)
