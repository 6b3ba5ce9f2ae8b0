"""The workshop as it is on disk: chapters, tasks, rooms.

Everything is read from chapters/NN-name, solutions/NN-name and the TASK
markers in the solutions. There is no second list.
"""

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from .errors import ShopError
from .markers import read_regions, task_text

CHAPTER = re.compile(r"^(\d\d)-([a-z][\w-]*)$")
PLANNED = re.compile(r'\{\s*"([a-z-]+)",\s*&room_(\d\d)\s*\}')
STRING_OR_COMMENT = re.compile(
    r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


@dataclass
class Task:
    """One thing to write: its number, its title and its places."""
    number: str
    title: str
    text: str
    regions: list = field(default_factory=list)

    @property
    def order(self):
        """3.10 comes after 3.9."""
        return tuple(int(part) for part in self.number.split("."))

    @property
    def name(self):
        """As in "3.2 hostname"."""
        return f"{self.number} {self.title}"


@dataclass
class Chapter:
    """One chapter: where its lesson, its starter and its solution are."""
    tree: "Tree"
    number: int
    name: str            # "namespaces"

    @property
    def label(self):
        """As in "03-namespaces"."""
        return f"{self.number:02d}-{self.name}"

    @property
    def directory(self):
        """The learner's directory."""
        return self.tree.root / "chapters" / self.label

    @property
    def solution(self):
        """The directory of the reference code."""
        return self.tree.root / "solutions" / self.label

    @property
    def readme(self):
        """The lesson."""
        return self.directory / "README.md"

    @cached_property
    def files(self):
        """Names of the room's C files, the same on both sides."""
        return sorted(path.name for path in self.solution.glob("*.c"))

    @cached_property
    def tasks(self):
        """The tasks, in order, from the markers in the solution."""
        tasks = {}
        for name in self.files:
            path = self.solution / name
            for region in read_regions(path, self.tree.shown(path)):
                if region.kind == "task":
                    self._add(tasks, region)
        return sorted(tasks.values(), key=lambda task: task.order)

    def _add(self, tasks, region):
        if int(region.name.split(".")[0]) != self.number:
            raise ShopError(region.where, f"TASK {region.name} stands in"
                            f" chapter {self.label}",
                            f"its number should be {self.number}.something")
        task = tasks.setdefault(region.name, Task(
            region.name, region.title, task_text(region.comment)))
        if task.title != region.title:
            raise ShopError(region.where, f"TASK {region.name} is called"
                            f' "{region.title}" here and "{task.title}"'
                            f" at {task.regions[0].where}",
                            "one task, one title")
        task.regions.append(region)

    def unwritten(self):
        """Numbers of the tasks whose TODO is still in the learner's file."""
        code = "".join(strip_comments(read_text(self.directory / name))
                       for name in self.files
                       if (self.directory / name).exists())
        found = re.findall(r'\bTODO\s*\(\s*"(\d+\.\d+)', code)
        return set(found)

    def is_started(self):
        """True when the learner's files are there."""
        return bool(self.files) and all(
            (self.directory / name).exists() for name in self.files)


class Tree:
    """A checkout."""

    def __init__(self, root, build=None):
        self.root = Path(root).resolve()
        self.build = self.root / (build or os.environ.get("BUILD") or "build")

    def shown(self, path):
        """A path as a person at the top of the tree types it."""
        try:
            return Path(path).relative_to(self.root)
        except ValueError:
            return Path(path)

    @cached_property
    def chapters(self):
        """All chapters that have a directory on either side."""
        found = {}
        for side in ("chapters", "solutions"):
            for path in sorted((self.root / side).glob("[0-9][0-9]-*")):
                match = CHAPTER.match(path.name)
                if match and path.is_dir():
                    found[path.name] = Chapter(self, int(match.group(1)),
                                               match.group(2))
        return [found[name] for name in sorted(found)]

    def chapter(self, word):
        """The chapter that a person calls 3, 03, namespaces or its label."""
        for chapter in self.chapters:
            names = (chapter.label, chapter.name)
            if word in names or (word.isdigit()
                                 and int(word) == chapter.number):
                return chapter
        known = " ".join(f"{one.number:02d}" for one in self.chapters)
        for label, names in self.planned_chapters():
            if word in names or (word.isdigit() and int(word) == int(names[0])):
                raise ShopError(f"chapter {label}", "it is not built yet",
                                f"the chapters so far are {known}")
        raise ShopError(f"chapter {word}", "there is no such chapter",
                        f"the chapters are {known}" if known else
                        "there are no chapters in this tree")

    def planned_chapters(self):
        """(label, names) of all that the runtime's own table lists."""
        path = self.root / "shared" / "runtime" / "chapters.c"
        table = read_text(path) if path.exists() else ""
        return [(f"{number}-{name}", (number, name, f"{number}-{name}"))
                for name, number in PLANNED.findall(table)]

    def task(self, number):
        """The chapter and the task of that number."""
        match = re.match(r"^0*(\d+)\.0*(\d+)$", number)
        if not match:
            raise ShopError(f"task {number}", "a task is called like 3.2",
                            "make status lists them")
        number = f"{match.group(1)}.{match.group(2)}"
        chapter = self.chapter(match.group(1))
        for task in chapter.tasks:
            if task.number == number:
                return chapter, task
        known = " ".join(task.number for task in chapter.tasks)
        raise ShopError(f"task {number}", "there is no such task",
                        f"chapter {chapter.label} has {known or 'none'}")


def read_text(path):
    """A text file that a learner may have damaged."""
    return Path(path).read_text(encoding="utf-8", errors="replace")


def strip_comments(code):
    """C without comments; strings stay."""
    def keep(match):
        return match.group() if match.group().startswith('"') else " "
    return STRING_OR_COMMENT.sub(keep, code)
