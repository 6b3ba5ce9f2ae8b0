"""What the terminal can show: colours, and lines of at most 80 columns."""

import os
import re
import sys
import textwrap

WIDTH = 80
CODES = {"red": "31", "green": "32", "yellow": "33", "cyan": "36",
         "bold": "1", "dim": "2"}
ESCAPE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def is_colourful(stream=None):
    """Colours only for a person at a terminal who did not say no."""
    stream = stream or sys.stdout
    return (stream.isatty() and "NO_COLOR" not in os.environ
            and os.environ.get("TERM", "dumb") != "dumb")


def paint(text, colour):
    """The text in that colour, or plain."""
    if not colour or not is_colourful():
        return text
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m"


def strip_escapes(text):
    """The text without terminal control sequences."""
    return ESCAPE.sub("", text)


def bar(done, total, width):
    """A progress bar that every terminal can draw."""
    filled = width * done // total if total else 0
    return "[" + "#" * filled + "." * (width - filled) + "]"


def fold_line(line, indent=""):
    """One line, cut at spaces where it would leave the screen."""
    if len(indent + line) <= WIDTH:
        return [indent + line] if line else [""]
    inner = line[:len(line) - len(line.lstrip())]
    return textwrap.wrap(line.strip(), WIDTH, initial_indent=indent + inner,
                         subsequent_indent=indent + inner,
                         break_on_hyphens=False, break_long_words=False)


def fold(text, indent=""):
    """Keep the text's own lines; cut only those that are too long."""
    folded = []
    for line in text.splitlines():
        folded.extend(fold_line(line.rstrip(), indent))
    return "\n".join(folded)


def say(text=""):
    """Print now, so that what a child prints next comes after it."""
    print(text, flush=True)


def warn(text):
    """A remark beside the result."""
    print(text, file=sys.stderr, flush=True)
