"""Starters: the solutions with a TODO in place of each task's body."""

import difflib
import re
import subprocess

from .errors import ShopError
from .markers import is_marker, parse_regions
from .model import read_text
from .ownership import give_back
from .reset import keep_backup
from .terminal import say


def starter_text(chapter, name):
    """The learner's file as it is before anything is written."""
    return rewrite(chapter, name, keep_bodies=False)


def finished_text(chapter, name):
    """The learner's file as we would have finished it."""
    return rewrite(chapter, name, keep_bodies=True)


def rewrite(chapter, name, keep_bodies):
    """The solution, seen from the learner's side."""
    path = chapter.solution / name
    lines = path.read_text(encoding="utf-8").splitlines()
    regions = {region.start: region for region in
               parse_regions(lines, chapter.tree.shown(path))
               if region.kind == "task"}
    written, index = [], 0
    while index < len(lines):
        region = regions.get(index)
        if region:
            written += todo_comment(region)
            index = region.body
            if not keep_bodies:
                written += todo_body(region) + [lines[region.end]]
                index = region.end + 1
        elif is_marker(lines[index]) and not is_task_end(lines[index]):
            index += 1
        else:
            written.append(lines[index])
            index += 1
    return "\n".join(first_line(written, chapter)) + "\n"


def learners_view(text, chapter):
    """A learner's text, even if it is our solution copied over."""
    lines = [line.replace("/* TASK ", "/* TODO ", 1)
             for line in text.splitlines()
             if not is_marker(line) or is_task_end(line)]
    return "\n".join(first_line(lines, chapter)) + "\n"


def is_task_end(line):
    """END 3.2 stays in the learner's file, END name does not."""
    return bool(re.match(r"^\s*/\* END \d+\.\d+ \*/", line))


def todo_comment(region):
    """The task's comment, asking for it."""
    return [region.comment[0].replace("/* TASK ", "/* TODO ", 1),
            *region.comment[1:]]


def todo_body(region):
    """What stands there instead. At file scope there is no statement."""
    first = region.comment[0]
    indent = first[:len(first) - len(first.lstrip())]
    if not indent:
        return []
    return [f'{indent}return TODO("{region.name} {region.title}");']


def first_line(lines, chapter):
    """The first comment says whose file this is."""
    number = f"chapter {chapter.number:02d}"
    if lines and lines[0].startswith("/*"):
        lines[0] = lines[0].replace(f"{number}:", f"{number}, your code:", 1)
    return lines


def check_statements(chapter):
    """Each task needs one region in a function, or nothing fails without it."""
    for task in chapter.tasks:
        if all(not region.comment[0][0].isspace() for region in task.regions):
            raise ShopError(task.regions[0].where, f"TASK {task.number} has"
                            " no region inside of a function",
                            "without one its starter has no TODO() to fail")


def drift(chapter, name):
    """The diff from the starter on disk to the one that it should be."""
    path = chapter.directory / name
    wanted = starter_text(chapter, name)
    found = read_text(path) if path.exists() else ""
    if found == wanted or is_learners_work(chapter, path, wanted):
        return []
    shown = str(chapter.tree.shown(path))
    return list(difflib.unified_diff(
        found.splitlines(), wanted.splitlines(), shown,
        f"{shown} (generated)", lineterm=""))


def is_learners_work(chapter, path, wanted):
    """True when the committed starter is right, so the edit is a person's."""
    if not path.exists():
        return False
    relative = path.relative_to(chapter.tree.root)
    try:
        shown = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", str(chapter.tree.root),
             "show", f"HEAD:./{relative}"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    if shown.returncode != 0 or shown.stdout.decode() != wanted:
        return False
    say(f"{relative}: your own work, not compared; the committed starter"
        " is right")
    return True


def write(chapter, name):
    """Write one starter; what was there and differs goes to a backup."""
    path = chapter.directory / name
    wanted = starter_text(chapter, name)
    if path.exists():
        if read_text(path) == wanted:
            return False
        kept = keep_backup(chapter.tree, path)
        say(f"{chapter.tree.shown(path)}: the old one is in"
            f" {chapter.tree.shown(kept)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wanted, encoding="utf-8")
    give_back(path)
    return True


def main(tree, options):
    """Generate all starters (or CH's), or compare with --check."""
    options.refuse_flags("--check")
    chosen = ([options.chapter(tree)] if "CH" in options.values
              else tree.chapters)
    drifted = written = total = 0
    for chapter in chosen:
        check_statements(chapter)
        for name in chapter.files:
            total += 1
            if "--check" not in options.flags:
                written += write(chapter, name)
                continue
            lines = drift(chapter, name)
            drifted += bool(lines)
            for line in lines:
                say(line)
    if drifted:
        raise ShopError("starters", f"{drifted} of {total} differ from their"
                        " solutions", "make starters writes them anew",
                        status=1)
    say(f"starters: {total} files, {written} written" if not options.flags
        else f"starters: {total} files, none differs")
    return 0
