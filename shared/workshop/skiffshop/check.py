"""make check CH=3 [TASK=3.2]: build, test, and say it task by task."""

import os
import time
from collections import Counter

from .errors import ShopError
from .progress import Progress
from .rooms import borrowed_line, build_learner, choose_rooms
from .terminal import fold, paint, say
from .testrun import NeedsRoot, run_tests
from .verdicts import (ENOUGH, PASSED, UNTESTED, UNWRITTEN, WAITS, WRONG,
                       Verdict, judge, lesson)

COLOURS = {PASSED: "green", WRONG: "red", UNWRITTEN: "yellow",
           WAITS: "yellow", UNTESTED: "yellow"}
NAME_WIDTH = 24


def check_chapter(tree, chapter, task=None):
    """All of one check; True when everything asked for has passed."""
    if not chapter.tasks:
        raise ShopError(f"chapter {chapter.label}", "it has no tasks",
                        f"see {tree.shown(chapter.readme)}")
    started = time.monotonic()
    chosen = choose_rooms(tree, chapter)
    say(paint(f"{chapter.number:02d} {chapter.name}", "bold"))
    if borrowed_line(chosen):
        say(f"  {borrowed_line(chosen)}")
    refuse_missing(tree, chapter)
    built, words = build_learner(tree, chosen)
    if words:
        say(words)
    if not built:
        say(f"  {chapter.label} {paint('does not compile', 'red')}: the"
            " compiler's first message counts.")
        return False
    tasks = [task] if task else chapter.tasks
    verdicts, general = test(tree, chapter, tasks)
    record(tree, chapter, verdicts)
    report(tasks, verdicts, general)
    seconds = time.monotonic() - started
    return conclude(tree, chapter, task, verdicts, general, seconds)


def refuse_missing(tree, chapter):
    """A learner who deleted the file gets the way back."""
    for name in chapter.files:
        path = chapter.directory / name
        if not path.exists():
            raise ShopError(str(tree.shown(path)), "the file is not there",
                            f"make reset CH={chapter.number} brings it back")


def test(tree, chapter, tasks):
    """Verdicts by task, and the texts of failures that belong to none."""
    unwritten = chapter.unwritten()
    written = [task.number for task in tasks if task.number not in unwritten]
    if not written:
        return {task.number: Verdict(UNWRITTEN) for task in tasks}, []
    whole = len(tasks) == len(chapter.tasks) == len(written)
    try:
        records = run_tests(tree, chapter, tree.build / "learner" / "skiff",
                            written, whole)
    except NeedsRoot:
        return judge_untested(tasks, unwritten), []
    general = [lesson(one["text"]) for one in records
               if not one["tasks"] and one["outcome"] == "failed"]
    return judge(tasks, unwritten, records), general


def judge_untested(tasks, unwritten):
    """An ordinary user learns what is written, not whether it is right."""
    return {task.number: Verdict(UNWRITTEN if task.number in unwritten
                                 else UNTESTED) for task in tasks}


def record(tree, chapter, verdicts):
    """Keep what was found; read the file anew, a hint may have come."""
    progress = Progress(tree)
    progress.last = chapter.label
    for number, verdict in verdicts.items():
        if verdict.state != UNTESTED:  # what passed before stays passed
            progress.tasks[number] = verdict.words
    progress.save()


def report(tasks, verdicts, general):
    """The table, with each failure's text below its task."""
    told = {}
    for task in tasks:
        verdict = verdicts[task.number]
        say(f"  {task.name:<{NAME_WIDTH}}"
            + paint(verdict.words, COLOURS[verdict.state]))
        show_failures(verdict.texts, task.number, told)
    if general:
        say(f"  {'as a whole':<{NAME_WIDTH}}" + paint(WRONG, "red"))
        show_failures(general, "as a whole", told)


def show_failures(texts, place, told):
    """The first few failures of a task, whole; the same words once.

    told says where the words were shown already.
    """
    for text, times in Counter(texts[:ENOUGH]).items():
        if told.setdefault(text, place) != place:
            say(f"    The same words as at {told[text]}.\n")
            continue
        say(fold(text, "    "))
        if times > 1:
            say(f"    ({times} tests failed with these very words.)")
        say()
    if len(texts) >= ENOUGH:
        say("    This is enough for now; more of its tests may fail.\n")


def conclude(tree, chapter, task, verdicts, general, seconds):
    """What it comes to, and what to type next."""
    passed = sum(one.state == PASSED for one in verdicts.values())
    say(f"  {passed} of {len(verdicts)} passed, {seconds:.1f} s")
    if passed < len(verdicts) or general:
        advise(chapter, verdicts)
        return False
    if task and not Progress(tree).is_passed(chapter):
        say(f"\n  {task.name} is done. All tasks: make check"
            f" CH={chapter.number}")
        return True
    congratulate(tree, chapter)
    return True


def advise(chapter, verdicts):
    """One next step for whoever is not done."""
    states = {state: [number for number, one in verdicts.items()
                      if one.state == state] for state in COLOURS}
    if states[WRONG]:
        say(f"\n  next: {states[WRONG][0]} first."
            f" Stuck? make hint TASK={states[WRONG][0]}")
    elif states[UNTESTED] and os.geteuid() != 0:
        say("\n  The tests need root. next: sudo make check"
            f" CH={chapter.number}, or in the lab VM: make vm")
    elif states[UNWRITTEN]:
        number = states[UNWRITTEN][0]
        task = next(one for one in chapter.tasks if one.number == number)
        names = sorted({region.path.name for region in task.regions})
        files = ", ".join(f"chapters/{chapter.label}/{name}"
                          for name in names)
        say(f"\n  next: write {number}; look for TODO {number} in {files}")
    elif all(one.state == PASSED for one in verdicts.values()):
        say("\n  next: each task passes by itself, the whole does not yet."
            f" Ours: make diff CH={chapter.number}")


def congratulate(tree, chapter):
    """One sentence, then the ways on."""
    say("\n  " + paint(f"Chapter {chapter.label} is yours: every task"
                       " passes. Well done!", "green"))
    say(f"  compare with ours:  make diff CH={chapter.number}")
    if list((tree.root / "tests" / "attacks").glob(
            f"{chapter.number:02d}-*/attack.json")):
        say(f"  break it, stop it:  make attack CH={chapter.number}")
    later = [one for one in tree.chapters if one.number > chapter.number]
    if later:
        say(f"  then read on:       {tree.shown(later[0].readme)}")
    else:
        say("  This was the last chapter that is built so far.")


def main(tree, options):
    """Exit status 0 only when everything asked for has passed."""
    options.refuse_flags()
    chapter, task = options.chapter_and_task(tree)
    return 0 if check_chapter(tree, chapter, task) else 1
