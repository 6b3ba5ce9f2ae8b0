"""Regions of a C file that stand between marker comments.

    /* TASK 3.2 hostname        a task; the comment is the learner's text
     * Give it a name. */
    ...
    /* END 3.2 */

    /* QUOTE join */            a passage that a README quotes
    ...
    /* END join */

A quote may stand inside of a task or around one; a task may not stand
inside of a task, and regions never overlap.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import ShopError

TASK = re.compile(r"^(\s*)/\* (TASK|TODO) (\d+\.\d+) ([^*]*?)\s*(\*/)?\s*$")
QUOTE = re.compile(r"^\s*/\* QUOTE ([a-z][\w-]*) \*/\s*$")
END = re.compile(r"^\s*/\* END (\S+) \*/\s*$")
ANY = re.compile(r"^\s*(/\*+|//)\s*(TASK|QUOTE|END)\b")


@dataclass(frozen=True)
class Region:
    """Lines of one file; the numbers are indexes into its list of lines."""
    kind: str        # "task" or "quote"
    name: str        # "3.2" or "join"
    title: str       # "hostname"; empty for a quote
    path: Path
    start: int       # the opening marker
    body: int        # first line after the opening comment
    end: int         # the END marker
    comment: tuple   # the opening comment's lines

    @property
    def where(self):
        """file:line, as a compiler writes it."""
        return f"{self.path}:{self.start + 1}"


def read_regions(path, shown=None, words=("TASK",)):
    """All regions of a file, in order of their opening lines."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return parse_regions(lines, shown or path, words)


def parse_regions(lines, path, words=("TASK",)):
    """All regions in these lines; a malformed marker is a ShopError."""
    regions, open_ones = [], []
    index = 0
    while index < len(lines):
        opened = open_region(lines, index, path, words)
        end = END.match(lines[index])
        if opened:
            refuse_nesting(opened, open_ones)
            open_ones.append(opened)
            index = opened.body
            continue
        if end:
            regions.append(close_region(end.group(1), open_ones, path, index))
        elif ANY.match(lines[index]):
            complain(path, index, "this marker is malformed",
                     "/* TASK 3.2 title, /* QUOTE name */ or /* END name */")
        index += 1
    if open_ones:
        last = open_ones[-1]
        complain(path, last.start, f"{label(last)} is never closed",
                 f"add /* END {last.name} */ after its last line")
    return sorted(regions, key=lambda region: region.start)


def open_region(lines, index, path, words):
    """The region which opens at this line, its end still unknown."""
    quote = QUOTE.match(lines[index])
    if quote:
        return Region("quote", quote.group(1), "", path, index, index + 1,
                      -1, (lines[index],))
    task = TASK.match(lines[index])
    if not task or task.group(2) not in words:
        return None
    if not task.group(4):
        complain(path, index, f"task {task.group(3)} has no title",
                 "/* TASK 3.2 title")
    body = comment_end(lines, index, path)
    return Region("task", task.group(3), task.group(4), path, index, body,
                  -1, tuple(lines[index:body]))


def comment_end(lines, index, path):
    """The index after the line in which the comment closes."""
    for after in range(index, len(lines)):
        if "*/" in lines[after]:
            return after + 1
    complain(path, index, "this comment is never closed", "add */")


def refuse_nesting(opened, open_ones):
    """A task in a task would have two bodies; two of a name, one end."""
    for outer in open_ones:
        if "task" == opened.kind == outer.kind or opened.name == outer.name:
            complain(opened.path, opened.start,
                     f"{label(opened)} opens inside of {label(outer)}"
                     f" (line {outer.start + 1})",
                     f"close it first: /* END {outer.name} */")


def close_region(name, open_ones, path, index):
    """The innermost open region, which must be the one named."""
    if not open_ones:
        complain(path, index, f"END {name} closes nothing",
                 "its TASK or QUOTE line is missing")
    last = open_ones.pop()
    if last.name != name:
        complain(path, index, f"END {name} closes {label(last)}"
                 f" (line {last.start + 1})", f"write /* END {last.name} */")
    return Region(last.kind, last.name, last.title, last.path, last.start,
                  last.body, index, last.comment)


def label(region):
    """How an error names a region."""
    return f"{'TASK' if region.kind == 'task' else 'QUOTE'} {region.name}"


def complain(path, index, why, hint):
    """Stop at a marker, with its place."""
    raise ShopError(f"{path}:{index + 1}", why, hint)


def is_marker(line):
    """True for a line that only marks a region."""
    return bool(QUOTE.match(line) or END.match(line))


def task_text(comment):
    """The words of a task's comment below its title, without stars."""
    words = []
    for line in comment[1:]:
        line = line.strip()
        line = line[1:] if line.startswith("*") and line != "*/" else line
        words.append(line.replace("*/", "").strip())
    return "\n".join(words).strip()
