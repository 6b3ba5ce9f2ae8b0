"""Compare what a console block shows with what was printed.

`...` alone on a line stands for any lines; the character U+2026 inside of
a line stands for any text in that line.
"""

import re

ANY_LINES = "..."
ANY_TEXT = "\u2026"


def line_matches(pattern, line):
    """One line against one line."""
    parts = (re.escape(part) for part in pattern.rstrip().split(ANY_TEXT))
    return re.fullmatch(".*".join(parts), line.rstrip()) is not None


def find_mismatch(expected, printed):
    """None when all fits; else (index in expected, index in printed).

    Runs of exact lines between two `...` are looked for in order, each
    at its first place, which finds a fit whenever there is one.
    """
    groups = split_groups(expected)
    at, used = 0, 0
    for number, group in enumerate(groups):
        first, last = number == 0, number == len(groups) - 1
        if first and last:
            return whole_mismatch(group, printed)
        if first:
            miss = prefix_mismatch(group, printed, 0)
            if miss is not None:
                return miss, miss
            at = len(group)
        elif last:
            start = len(printed) - len(group)
            if start < at:
                return used, at
            miss = prefix_mismatch(group, printed, start)
            return None if miss is None else (used + miss, start + miss)
        else:
            at = find_group(group, printed, at)
            if at is None:
                return used, len(printed)
        used += len(group) + 1
    return None


def split_groups(expected):
    """The lines between the `...` lines."""
    groups = [[]]
    for line in expected:
        if line.strip() == ANY_LINES:
            groups.append([])
        else:
            groups[-1].append(line)
    return groups


def prefix_mismatch(group, printed, start):
    """The index of the first line that differs from there on, or None."""
    for index, pattern in enumerate(group):
        if start + index >= len(printed) \
                or not line_matches(pattern, printed[start + index]):
            return index
    return None


def whole_mismatch(group, printed):
    """As prefix_mismatch, and nothing may follow."""
    miss = prefix_mismatch(group, printed, 0)
    if miss is not None:
        return miss, miss
    return None if len(group) == len(printed) else (len(group), len(group))


def find_group(group, printed, at):
    """The index after the first place where the group fits, or None."""
    for start in range(at, len(printed) - len(group) + 1):
        if prefix_mismatch(group, printed, start) is None:
            return start + len(group)
    return None
