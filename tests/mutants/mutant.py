"""A mutant: one mistake that learners make, as a small edit to a solution.

tests/mutants/NN/NAME.mutant, plain text:

    task: 3.2
    about: one sentence: the mistake
    says: words that the failing test's text must hold
    stage: 3            only if the chapter's own stage cannot show it
    outside: why        only if the edit is not in a region of the task
    file: other.c       only if the chapter's solution has several files
    --- replace
    whole lines of the solution
    --- with
    what stands there instead

Several pairs of replace and with are allowed. The lines to replace must be
found exactly once in the solution.
"""

from dataclasses import dataclass
from pathlib import Path

KEYS = ("task", "about", "says", "stage", "outside", "file")
NEEDED = ("task", "about", "says")
REPLACE, WITH = "--- replace", "--- with"


class BadMutant(Exception):
    """The mutant itself is wrong, not what it tests."""


@dataclass(frozen=True)
class Mutant:
    """One file of this directory."""
    path: Path
    chapter: int
    task: str
    about: str
    says: str
    stage: int
    outside: str
    file: str
    edits: tuple     # of (lines to replace, lines to put there)

    @property
    def name(self):
        """As in 03/no-hostname."""
        return f"{self.path.parent.name}/{self.path.stem}"


def read_mutant(path):
    """The mutant in a file, or BadMutant."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    start = lines.index(REPLACE) if REPLACE in lines else len(lines)
    fields = read_fields(lines[:start])
    chapter = int(path.parent.name)
    if int(fields["task"].split(".")[0]) != chapter:
        raise BadMutant(f"task {fields['task']} is not of chapter"
                        f" {path.parent.name}")
    return Mutant(path, chapter, fields["task"], fields["about"],
                  fields["says"], int(fields.get("stage", chapter)),
                  fields.get("outside", ""), fields.get("file", ""),
                  read_edits(lines[start:]))


def read_fields(lines):
    """The `key: value` lines at the top."""
    fields = {}
    for line in lines:
        key, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon or key not in KEYS or key in fields:
            raise BadMutant(f"not understood, or there twice: {line}")
        if not value.strip():
            raise BadMutant(f"empty: {line}")
        fields[key] = value.strip()
    for key in NEEDED:
        if key not in fields:
            raise BadMutant(f"`{key}:` is missing")
    return fields


def read_edits(lines):
    """The pairs of lines to replace and lines to put there."""
    edits = []
    for line in lines:
        if line == REPLACE:
            edits.append(([], []))
            side = 0
        elif line == WITH:
            side = 1
        else:
            edits[-1][side].append(line)
    if not edits:
        raise BadMutant(f"`{REPLACE}` is missing")
    for old, new in edits:
        if not old:
            raise BadMutant("nothing to replace")
        if old == new:
            raise BadMutant("what is put there is what was there")
    return tuple((tuple(old), tuple(new)) for old, new in edits)


def find_once(lines, wanted):
    """The index at which these lines stand; they must stand there once."""
    found = [index for index in range(len(lines) - len(wanted) + 1)
             if tuple(lines[index:index + len(wanted)]) == wanted]
    if len(found) != 1:
        raise BadMutant(f"found {len(found)} times in the solution, not"
                        f" once: {wanted[0].strip()}")
    return found[0]


def apply(mutant, text, regions):
    """The solution's text with the mistake in it.

    `regions` are the task's regions in that text: (first, end) indexes of
    lines. A mistake elsewhere needs a reason, for learners write only there.
    """
    lines = text.splitlines()
    places = []
    for old, new in mutant.edits:
        at = find_once(lines, old)
        inside = any(first <= at and at + len(old) <= end
                     for first, end in regions)
        if not inside and not mutant.outside:
            raise BadMutant(f"line {at + 1} is outside of task"
                            f" {mutant.task}; say why with `outside:`")
        places.append((at, old, new))
    places.sort(reverse=True)
    for (at, old, new), after in zip(places, [None, *places]):
        if after and at + len(old) > after[0]:
            raise BadMutant("two of its edits overlap")
        lines[at:at + len(old)] = new
    return "\n".join(lines) + "\n"
