#!/usr/bin/python3
"""weaken.py MUTANT OUTPUT: write the source file with the mistake that MUTANT describes to OUTPUT; print the file's own path.

The format is that of tests/mutants: "key: value" lines, then pairs of "--- replace" and "--- with".
"""

import glob
import os
import re
import sys

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read_mutant(text):
    """The header as a dictionary, and the pairs (right lines, wrong lines)."""
    head, *parts = re.split(r"^--- replace\n", text, flags=re.M)
    header = dict(re.findall(r"^(\w+): *(.*)$", head, flags=re.M))
    pairs = [tuple(part.split("--- with\n", 1)) for part in parts]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise ValueError("needs '--- replace' and '--- with'")
    return header, pairs


def weaken(path, output):
    with open(path, encoding="utf-8") as file:
        header, pairs = read_mutant(file.read())
    chapter = int(header.get("task", "0").split(".")[0])
    source = header.get("file") or os.path.relpath(*glob.glob(f"{TREE}/solutions/{chapter:02d}-*/*.c"), TREE)
    with open(os.path.join(TREE, source), encoding="utf-8") as file:
        code = file.read()
    for right, wrong in pairs:
        if code.count(right) != 1:
            raise ValueError(f"its lines are {code.count(right)} times in {source}, not once:\n{right}")
        code = code.replace(right, wrong)
    with open(output, "w", encoding="utf-8") as file:
        file.write(code)
    print(source)


if __name__ == "__main__":
    try:
        weaken(sys.argv[1], sys.argv[2])
    except (OSError, ValueError, TypeError) as error:
        sys.exit(f"{sys.argv[1]}: {error}")
