"""A terminal for skiff: a pseudo-terminal whose session leader is a small shell-like program, the probe `session`."""

import json
import os
import pty
import select
import time

from .teach import Current, shorten, teach


class Terminal:
    """skiff in the foreground (or background) of a terminal. We hold the keyboard and the screen."""

    def __init__(self, skiff, session, args, background=False):
        self.master, slave = pty.openpty()
        self.screen = b""
        report_read, report_write = os.pipe()
        self.report_fd = report_read
        wrapper = [session, "background" if background else "foreground", str(report_write)]
        try:
            self.job = skiff.start(
                args, stdin=slave, stdout=slave, stderr=slave, pass_fds=(report_write,), wrapper=wrapper
            )
        finally:
            os.close(slave)
            os.close(report_write)
        self.typed = self.job.typed
        self.everything = b""
        Current.results.append(self)
        self._report = b""

    @property
    def err(self):
        """All that was on the screen: skiff's complaints are there."""
        return self.everything.decode(errors="replace").replace("\r\n", "\n")

    def _look(self):
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other side open any more
            return b""
        self.screen += data
        self.everything += data
        return data

    def read_until(self, text, seconds=5.0):
        """Read the screen until the text is on it; teach if it does not come."""
        deadline = time.monotonic() + seconds
        while text.encode() not in self.screen:
            left = deadline - time.monotonic()
            data = left > 0 and select.select([self.master], [], [], left)[0] and self._look()
            if not data:
                teach(
                    f"We ran `{self.typed}` in a terminal and waited for {text!r} on the screen.",
                    f"The screen has: {shorten(self.screen.decode(errors='replace'))}",
                    (
                        "A program in a background process group that reads from or sets its terminal is"
                        " stopped (SIGTTIN, SIGTTOU)."
                    ),
                )
        before, self.screen = self.screen.split(text.encode(), 1)
        return before.decode(errors="replace").replace("\r\n", "\n")

    def json(self, seconds=5.0):
        """The next JSON line on the screen."""
        self.read_until("{", seconds)
        return json.loads("{" + self.read_until("\n", seconds))

    def type(self, keys):
        os.write(self.master, keys if isinstance(keys, bytes) else keys.encode())

    def foreground(self):
        """The terminal's foreground process group, as the host sees it."""
        return os.tcgetpgrp(self.master)

    def report(self, seconds=5.0, likely=""):
        """The next line of what the session leader says about skiff (a dictionary)."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._report:
            left = deadline - time.monotonic()
            ready = select.select([self.report_fd, self.master], [], [], left)[0] if left > 0 else []
            if self.master in ready:
                self._look()
            if self.report_fd in ready:
                data = os.read(self.report_fd, 65536)
                if not data:
                    break
                self._report += data
            if not ready:
                break
        if b"\n" not in self._report:
            teach(
                f"We ran `{self.typed}` in a terminal.",
                (
                    f"skiff did not change its state within {seconds:g} seconds. "
                    f"The screen has: {shorten(self.screen.decode(errors='replace'))}"
                ),
                likely=likely,
            )
        line, self._report = self._report.split(b"\n", 1)
        return json.loads(line)

    def close(self):
        self.job.close()
        os.close(self.master)
        os.close(self.report_fd)
