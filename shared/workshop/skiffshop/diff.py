"""make diff CH=3: your code and ours, where they differ."""

import difflib

from .errors import ShopError
from .hint import LAST
from .model import read_text
from .progress import Progress
from .prose import flow
from .readme import section
from .reset import task_regions
from .starters import finished_text, learners_view
from .terminal import paint, say

SECTION = "Real ones"
COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def refuse_spoiling(progress, chapter, task, options):
    """Before passing, one has to mean it; who has read the last hint did."""
    wanted = [task] if task else chapter.tasks
    known = all(progress.state(one) == "passed"
                or progress.hints.get(one.number, 0) >= LAST
                for one in wanted)
    if known or options.is_on("FORCE"):
        return
    what = f"TASK={task.number}" if task else f"CH={chapter.number}"
    raise ShopError(
        f"task {task.number}" if task else f"chapter {chapter.label}",
        "it has not passed yet, and this shows the solution",
        f"make diff {what} FORCE=1 shows it all the same", status=1)


def cut(text, task, shown):
    """The task's regions only; all of the text if their marks are gone."""
    lines = text.splitlines()
    if not task:
        return lines
    regions = task_regions(lines, task.number, shown)
    if not regions:
        raise ShopError(shown, f"the comments around task {task.number} are"
                        " gone", f"the whole file: make diff"
                        f" CH={task.number.split('.')[0]} FORCE=1")
    return [line for region in regions
            for line in lines[region.start:region.end + 1]]


def compare(chapter, name, task):
    """The unified diff of one file, from the learner's code to ours."""
    mine = chapter.directory / name
    ours = chapter.solution / name
    tree = chapter.tree
    if not mine.exists():
        raise ShopError(str(tree.shown(mine)), "the file is not there",
                        f"make reset CH={chapter.number} brings it back")
    return list(difflib.unified_diff(
        cut(learners_view(read_text(mine), chapter), task,
            tree.shown(mine)),
        cut(finished_text(chapter, name), task, tree.shown(ours)),
        f"{tree.shown(mine)} (yours)", f"{tree.shown(ours)} (ours)",
        lineterm=""))


def show_real_ones(tree, chapter):
    """Where the runtimes that people use do the same."""
    if not chapter.readme.exists():
        return
    start, lines = section(chapter.readme, SECTION)
    if start < 0:
        return
    say(f"\nWhere real runtimes do this"
        f" ({tree.shown(chapter.readme)}:{start + 1}):")
    for line in flow("\n".join(lines).strip("\n")).splitlines():
        say(("  " + line).rstrip())


def main(tree, options):
    """Show the difference; the exit status is 0 either way."""
    options.refuse_flags()
    chapter, task = options.chapter_and_task(tree)
    refuse_spoiling(Progress(tree), chapter, task, options)
    names = chapter.files
    if task:
        names = sorted({region.path.name for region in task.regions})
    lines = [line for name in names
             for line in compare(chapter, name, task)]
    for line in lines:
        say(paint(line, COLOURS.get(line[:1], "")))
    if not lines:
        say("Your code and ours are the same, line by line.")
    show_real_ones(tree, chapter)
    return 0
