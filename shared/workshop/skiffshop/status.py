"""make status: how far you are and what is next, on one screen."""

from .check import COLOURS
from .progress import PASSED, Progress
from .terminal import bar, paint, say
from .verdicts import UNWRITTEN

BAR = 10


def state_of(progress, task, unwritten):
    """The file knows what is not written, the last check knows the rest."""
    if task.number in unwritten:
        return UNWRITTEN
    state = progress.state(task)
    return "not checked yet" if state in ("", UNWRITTEN) else state


def colour_of(state):
    """A state's colour; "waits for 3.1" counts as "waits for"."""
    for known, colour in COLOURS.items():
        if state.startswith(known):
            return colour
    return ""


def overview(tree, progress):
    """For each chapter its tasks' states."""
    rows = []
    for chapter in tree.chapters:
        unwritten = chapter.unwritten()
        rows.append((chapter, [(task, state_of(progress, task, unwritten))
                               for task in chapter.tasks]))
    return rows


def next_task(rows):
    """The first task that has not passed, with its chapter and state."""
    for chapter, states in rows:
        for task, state in states:
            if state != PASSED:
                return chapter, task, state
    return None


def from_here(rows, last):
    """Rows from the chapter that was checked last, then the others.

    Without one: from the last in which anything is written. So a learner
    who starts at chapter 3 is not sent back to chapter 1.
    """
    here = 0
    for index, (chapter, states) in enumerate(rows):
        if chapter.label == last:
            return rows[index:] + rows[:index]
        if any(state != UNWRITTEN for _, state in states):
            here = index
    return rows[here:] + rows[:here]


def show_chapter(chapter, states):
    """One line with a bar."""
    done = sum(state == PASSED for _, state in states)
    mark = "done" if states and done == len(states) else ""
    say((f"  {chapter.number:02d} {chapter.name:<14}"
         f"{bar(done, len(states), BAR)} {done:>2}/{len(states):<2} "
         + paint(mark, "green")).rstrip())


def show_next(tree, rows, last):
    """The current chapter's tasks, and the commands for the next one."""
    found = next_task(from_here(rows, last))
    if not found:
        say("\n  Every task of every chapter passes. Well done!")
        return
    chapter, task, _ = found
    say(f"\n  chapter {chapter.number:02d} {chapter.name}")
    for one, state in dict((row[0].label, row[1])
                           for row in rows)[chapter.label]:
        say(f"    {one.name:<24}" + paint(state, colour_of(state)))
    say(f"\n  next: {task.name}")
    say(f"    read   {tree.shown(chapter.readme)}")
    for name in sorted({region.path.name for region in task.regions}):
        say(f"    write  {tree.shown(chapter.directory / name)}"
            f"  (look for {task.number})")
    say(f"    check  make check CH={chapter.number}")
    say(f"    stuck  make hint TASK={task.number}")


def main(tree, options):
    """Show everything; nothing is built or tested."""
    options.refuse_flags()
    progress = Progress(tree)
    rows = overview(tree, progress)
    states = [state for _, row in rows for _, state in row]
    done = states.count(PASSED)
    say(paint("skiff", "bold") + f"  {bar(done, len(states), 40)}"
        f" {done} of {len(states)} tasks\n")
    for chapter, row in rows:
        show_chapter(chapter, row)
    show_next(tree, rows, progress.last)
    return 0
