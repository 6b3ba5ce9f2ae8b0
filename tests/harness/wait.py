"""Wait for a condition, with a deadline. Nothing in the tests sleeps and hopes."""

import time

from .teach import TeachFailure


def until(condition, seconds=5.0):
    """Poll the condition until it is true; return its value, or the last false one after the deadline."""
    deadline = time.monotonic() + seconds
    pause = 0.0005
    while True:
        try:
            value = condition()
        except TeachFailure:
            raise
        except (FileNotFoundError, ProcessLookupError):
            value = None
        if value or time.monotonic() > deadline:
            return value
        time.sleep(pause)
        pause = min(pause * 1.5, 0.01)
