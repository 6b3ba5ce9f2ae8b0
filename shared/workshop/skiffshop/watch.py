"""make watch CH=3: check again whenever a file is saved."""

import sys
import time

from .check import check_chapter
from .errors import ShopError
from .terminal import say, warn

PAUSE = 0.3


def snapshot(chapter):
    """Name, time and size of each source of the chapter."""
    found = {}
    for pattern in ("*.c", "*.h"):
        for path in chapter.directory.glob(pattern):
            try:
                status = path.stat()
            except FileNotFoundError:  # an editor is replacing it
                continue
            found[path.name] = (status.st_mtime_ns, status.st_size)
    return found


def wait_for_change(chapter, before, sleep=time.sleep):
    """Wait until a file differs from before, then until it stays so."""
    now = snapshot(chapter)
    while now == before:
        sleep(PAUSE)
        now = snapshot(chapter)
    while True:
        sleep(PAUSE / 3)
        later = snapshot(chapter)
        if later == now:
            return now
        now = later


def clear():
    """An empty screen, for a person; a line, for a file."""
    say("\x1b[H\x1b[2J\x1b[3J" if sys.stdout.isatty() else "-" * 60)


def check_once(tree, chapter, task):
    """One check; whatever goes wrong, the watch goes on."""
    try:
        fresh = tree.__class__(tree.root, tree.build)
        fresh_chapter = fresh.chapter(chapter.label)
        check_chapter(fresh, fresh_chapter, task)
    except ShopError as error:
        for line in error.lines("watch"):
            warn(line)


def main(tree, options):
    """Until Ctrl-C, which is a good end."""
    options.refuse_flags()
    chapter, task = options.chapter_and_task(tree)
    try:
        while True:
            seen = snapshot(chapter)
            clear()
            check_once(tree, chapter, task)
            say(f"\n  watching chapters/{chapter.label}; Ctrl-C ends")
            wait_for_change(chapter, seen)
    except KeyboardInterrupt:
        say("\n  watch ended")
        return 0
