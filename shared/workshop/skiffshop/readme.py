"""Fenced blocks and sections of a lesson."""

import re
from dataclasses import dataclass
from pathlib import Path

from .errors import ShopError

FENCE = re.compile(r"^(\s*)(`{3,}|~{3,})\s*([^`]*?)\s*$")
HEADING = re.compile(r"^(#{1,6})\s+(.*?)\s*#*$")


@dataclass(frozen=True)
class Block:
    """One fenced block; start and end are the indexes of its fences."""
    path: Path
    info: str
    indent: str
    start: int
    end: int
    lines: tuple     # content, without the fence's indentation

    @property
    def language(self):
        """The first word after the fence."""
        return self.info.split()[0] if self.info else ""

    @property
    def where(self):
        """file:line of the opening fence."""
        return f"{self.path}:{self.start + 1}"

    def line(self, index):
        """file:line of a line of the content."""
        return f"{self.path}:{self.start + 2 + index}"


def read_blocks(path, shown=None):
    """All fenced blocks of a Markdown file."""
    return parse_blocks(Path(path).read_text(encoding="utf-8").splitlines(),
                        shown or path)


def parse_blocks(lines, path):
    """All fenced blocks in these lines."""
    blocks, index = [], 0
    while index < len(lines):
        match = FENCE.match(lines[index])
        if match:
            end = closing(lines, index, match.group(2), path)
            indent = match.group(1)
            content = tuple(cut_indent(line, indent)
                            for line in lines[index + 1:end])
            blocks.append(Block(path, match.group(3), indent, index, end,
                                content))
            index = end
        index += 1
    return blocks


def closing(lines, start, fence, path):
    """The index of the fence that closes the one at start."""
    for index in range(start + 1, len(lines)):
        stripped = lines[index].strip()
        if stripped and set(stripped) == {fence[0]} \
                and len(stripped) >= len(fence):
            return index
    raise ShopError(f"{path}:{start + 1}", "this block is never closed",
                    f"add a line {fence}")


def cut_indent(line, indent):
    """The line without as much of the fence's indentation as it has."""
    for character in indent:
        if not line.startswith(character):
            break
        line = line[1:]
    return line


def section(path, title):
    """Index and lines of the section whose heading contains the title."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    fenced = set()
    for block in parse_blocks(lines, path):
        fenced.update(range(block.start, block.end + 1))
    level, start = 0, -1
    for index, line in enumerate(lines):
        match = None if index in fenced else HEADING.match(line)
        if not match:
            continue
        if start >= 0 and len(match.group(1)) <= level:
            return start, lines[start + 1:index]
        if start < 0 and title.lower() in match.group(2).lower():
            level, start = len(match.group(1)), index
    return (start, lines[start + 1:]) if start >= 0 else (-1, [])
