#!/usr/bin/python3
"""terminal.py COMMAND... - runs a command in a terminal of its own and prints what it shows.

After two quiet seconds the user types Enter."""

import os
import pty
import select
import sys

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
typed = False
while True:
    if not select.select([terminal], [], [], 2)[0]:
        if typed:
            break
        typed = bool(os.write(terminal, b"\n"))
        continue
    try:
        shown = os.read(terminal, 4096)
    except OSError:  # the other end is closed
        break
    sys.stdout.write(shown.decode(errors="replace"))
    sys.stdout.flush()
os.waitpid(pid, 0)
