"""Which rooms the learner's runtime is built from, and its build."""

import os
import re

from .errors import ShopError
from .machine import refuse_unwritable, run_make
from .progress import Progress
from .splice import spliced_files
from .terminal import is_colourful, strip_escapes

COMPILER_LINES = 15
DIAGNOSTIC = re.compile(r"(?m)^\S+:\d+:\d+: (fatal )?(error|warning):")
LINKER = re.compile(r"undefined reference to|multiple definition of")
MAKES_OWN = re.compile(r"^(make(\[\d+\])?:|  [A-Z]{2,6} +\S+$)")
CONTEXT = re.compile(r"^(\S+: In function|In file included from| +from )")
BLOCK = re.compile(r"^(\S+:\d+:\d+: |\S+: In function|In file included)")


def choose_rooms(tree, chapter, last=None):
    """Each room 0..N (or 0..last), and whether it is the learner's.

    The chapter's own is; another is when all its tasks have passed.
    """
    progress = Progress(tree)
    return [(one, one is chapter or is_ready(progress, one))
            for one in tree.chapters
            if one.number <= max(chapter.number, last or 0)]


def is_ready(progress, chapter):
    """True when a learner's room is finished, as far as we know."""
    return (chapter.is_started() and progress.is_passed(chapter)
            and not chapter.unwritten())


def borrowed_line(chosen):
    """One line on the rooms that are not the learner's."""
    names = [f"{chapter.number:02d}" for chapter, mine in chosen if not mine]
    if not names:
        return ""
    return f"from solutions/: {' '.join(names)} (not passed by you yet)"


def room_paths(tree, chosen):
    """The C files of the chosen rooms, as make gets them.

    What a learner's room still lacks is filled from ours, so that every
    task which is written can be checked by itself.
    """
    paths = []
    for chapter, mine in chosen:
        if mine and chapter.unwritten():
            paths += spliced_files(tree, chapter)
        else:
            place = chapter.directory if mine else chapter.solution
            paths += [place / name for name in chapter.files]
    return [str(tree.shown(path)) for path in paths]


def build_learner(tree, chosen):
    """Build build/learner/skiff: (whether it is built, compiler's words)."""
    colour = "always" if is_colourful() else "never"
    flags = os.environ.get("CFLAGS", "")
    done = run_make(tree, "learner",
                    f"ROOMS={' '.join(room_paths(tree, chosen))}",
                    f"CFLAGS={flags} -fdiagnostics-color={colour}".strip())
    text = done.stdout
    if done.returncode != 0:
        refuse_unwritable(tree, strip_escapes(text))
    if done.returncode == 0 or is_compilers(text):
        return done.returncode == 0, shorten(text)
    last = text.strip().splitlines()[-1:] or ["make said nothing"]
    raise ShopError("build", last[0][:200], "make build says more")


def is_compilers(text):
    """True when a compiler or linker complains about code."""
    return bool(DIAGNOSTIC.search(strip_escapes(text))
                or LINKER.search(strip_escapes(text)))


def shorten(text):
    """The first lines of a compiler: errors if any, without make's own."""
    lines = [line for line in text.rstrip().splitlines()
             if not MAKES_OWN.match(strip_escapes(line))]
    lines = errors_only(lines)
    shown = lines[:COMPILER_LINES]
    if len(lines) > len(shown):
        shown.append(f"... and {len(lines) - len(shown)} more lines")
    return "\n".join(shown)


def errors_only(lines):
    """Leave warnings out where there are errors to look at first."""
    blocks = [[]]
    for line in lines:
        plain = strip_escapes(line)
        if BLOCK.match(plain) and not (blocks[-1] and CONTEXT.match(
                strip_escapes(blocks[-1][-1]))):
            blocks.append([])
        blocks[-1].append(line)
    bad = [block for block in blocks if any(
        re.match(r"\S+:\d+:\d+: (fatal )?error:", strip_escapes(line))
        for line in block)]
    return [line for block in bad or blocks for line in block]
