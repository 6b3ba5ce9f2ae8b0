"""make reset CH=3 [TASK=3.2]: the starter again, with a backup."""

import shutil
import time

from .errors import ShopError
from .markers import parse_regions
from .model import read_text
from .ownership import give_back
from .progress import Progress
from .terminal import say


def keep_backup(tree, path):
    """Copy a file to build/backup/; the copy's path."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    directory = tree.build / "backup"
    for made in (tree.build, directory):
        if not made.exists():
            made.mkdir(parents=True)
            give_back(made)
    copy = directory / f"{path.parent.name}-{path.stem}-{stamp}{path.suffix}"
    count = 1
    while copy.exists():
        count += 1
        copy = copy.with_name(f"{path.parent.name}-{path.stem}-{stamp}"
                              f"-{count}{path.suffix}")
    shutil.copy2(path, copy)
    give_back(copy)
    return copy


def reset_task(mine, starter, number, shown):
    """The learner's text with one task's regions as in the starter."""
    lines, fresh = mine.splitlines(), starter.splitlines()
    wanted = task_regions(fresh, number, shown)
    found = task_regions(lines, number, shown)
    if len(found) != len(wanted):
        raise ShopError(shown, f"the comments around task {number} are gone"
                        if not found else
                        f"task {number} has {len(found)} of its"
                        f" {len(wanted)} places",
                        f"make reset CH={number.split('.')[0]} restores the"
                        " whole file (and keeps a copy)")
    for old, new in reversed(list(zip(found, wanted))):
        lines[old.start:old.end + 1] = fresh[new.start:new.end + 1]
    return "\n".join(lines) + "\n"


def task_regions(lines, number, shown):
    """A task's regions in a learner's file, by TODO or TASK comments."""
    regions = parse_regions(lines, shown, words=("TODO", "TASK"))
    return [region for region in regions
            if region.kind == "task" and region.name == number]


def reset_file(chapter, name, task):
    """Restore one file; True when it was different."""
    from .starters import starter_text
    path = chapter.directory / name
    shown = chapter.tree.shown(path)
    starter = starter_text(chapter, name)
    mine = read_text(path) if path.exists() else None
    wanted = starter
    if task and mine is not None:
        wanted = reset_task(mine, starter, task.number, shown)
    if mine == wanted:
        return False
    if mine is not None:
        kept = keep_backup(chapter.tree, path)
        say(f"{shown}: your version is kept in {chapter.tree.shown(kept)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(wanted, encoding="utf-8")
    give_back(path)
    return True


def files_of(chapter, task):
    """The files to restore: all, or those in which the task has a place."""
    if not task:
        return chapter.files
    names = {region.path.name for region in task.regions}
    return [name for name in chapter.files if name in names]


def main(tree, options):
    """Restore the starter of a chapter or of one task."""
    options.refuse_flags()
    chapter, task = options.chapter_and_task(tree)
    names = files_of(chapter, task)
    if not names:
        raise ShopError(f"chapter {chapter.label}", "it has no code to reset",
                        f"see {tree.shown(chapter.readme)}")
    changed = [reset_file(chapter, name, task) for name in names]
    what = task.name if task else f"chapter {chapter.label}"
    if any(changed):
        Progress(tree).forget([task] if task else chapter.tasks)
        say(f"{what} is as at the start.")
    else:
        say(f"{what} was as at the start already; nothing changed.")
    return 0
