"""The files that the gate looks at, and C source cut into code and comments."""

import os
import re

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Not ours, or made by a program.
SKIP_DIRECTORIES = {".git", "build", "__pycache__", ".pytest_cache", "node_modules", ".vagrant"}
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def walk(tree):
    """All files below tree as paths relative to it, in order."""
    found = []
    for directory, directories, names in os.walk(tree):
        directories[:] = sorted(name for name in directories if name not in SKIP_DIRECTORIES)
        for name in sorted(names):
            path = os.path.relpath(os.path.join(directory, name), tree)
            if os.path.isfile(os.path.join(tree, path)) and not os.path.islink(os.path.join(tree, path)):
                found.append(path)
    return found


def read(tree, path):
    """The text of a file, or None if it holds bytes that are no text."""
    with open(os.path.join(tree, path), "rb") as file:
        data = file.read()
    if b"\0" in data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


def is_learners(path):
    """The starters: generated from solutions/, then the learner's own to write as they like."""
    return re.fullmatch(r"chapters/[^/]+/[^/]+\.c", path) is not None


def c_files(tree):
    return [path for path in walk(tree) if path.endswith((".c", ".h")) and not is_learners(path)]


def interpreter(text):
    """The program of a #! line, without its directory; "" if there is none."""
    found = re.match(r"#!\s*(?:/usr/bin/env\s+)?(\S+)", text or "")
    return os.path.basename(found.group(1)) if found else ""


def shell_files(tree):
    found = []
    for path in walk(tree):
        text = read(tree, path)
        if text is not None and (path.endswith(".sh") or interpreter(text) in ("sh", "bash", "dash")):
            found.append(path)
    return found


def python_files(tree):
    found = []
    for path in walk(tree):
        text = read(tree, path)
        if text is not None and (path.endswith(".py") or interpreter(text).startswith("python")):
            found.append(path)
    return found


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def comments(text):
    """Pairs of line and comment; the text of a comment is one line, without its stars."""
    for found in COMMENT.finditer(text):
        if found.group().startswith(("/*", "//")):
            words = re.sub(r"\n[ \t]*\*?", " ", found.group()).strip("/* \t\n")
            yield line_of(text, found.start()), re.sub(r"\s+", " ", words)


def code(text):
    """C source with comments and what strings hold blanked out; lines stay where they were."""
    def blank(found):
        keep = found.group()
        if keep.startswith(("/*", "//")):
            return re.sub(r"[^\n]", " ", keep)
        return keep[0] + " " * (len(keep) - 2) + keep[-1]
    return COMMENT.sub(blank, text)


def functions(text):
    """Definitions in C, as (line, name, parameters, lines): the kernel's style, "{" alone in column 0."""
    source = code(text)
    pattern = re.compile(r"^(?![#\s}{])([^;{}=]*?\b(\w+)\s*\(([^;{}]*)\))\s*\n\{\n", re.MULTILINE)
    for found in pattern.finditer(source):
        end = source.find("\n}", found.end() - 1)
        body = source.count("\n", found.end() - 2, end + 1) + 1
        yield line_of(source, found.end() - 2), found.group(2), count_parameters(found.group(3)), body


def count_parameters(text):
    depth = commas = 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth < 0:
            break
        commas += character == "," and depth == 0
    return 0 if text.strip() in ("", "void") else commas + 1
