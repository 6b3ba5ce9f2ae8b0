"""The machine under examination: its files, and attempts in a child."""

import contextlib
import errno
import os
import select
import shutil
import signal
import subprocess
from dataclasses import dataclass
from functools import cached_property

from . import kernel


@dataclass
class Outcome:
    """How an attempt ended: error is an errno value, 0 for success."""
    error: int = 0
    text: str = ""

    def __bool__(self):
        return self.error == 0

    @property
    def why(self):
        """As in "EPERM (Operation not permitted)", or in its own words."""
        if not self.error:
            return "works"
        name = errno.errorcode.get(self.error, str(self.error))
        return f"{name} ({self.text or os.strerror(self.error)})"


class Machine:
    """What a probe may ask. The tests replace single answers."""

    def __init__(self, top):
        self.top = top
        self.uid = os.getuid()
        self.release = os.uname().release

    def read(self, path):
        """The text of a file, or None."""
        try:
            with open(path, encoding="utf-8", errors="replace") as stream:
                return stream.read()
        except OSError:
            return None

    def number(self, path):
        """The integer in a kernel file, or None."""
        text = self.read(path)
        try:
            return int(text)
        except (TypeError, ValueError):
            return None

    def command(self, name):
        """Where a command is, also where only root's PATH looks."""
        return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")

    def run(self, *words):
        """Run a command; its exit status and output together."""
        try:
            done = subprocess.run(words, stdin=subprocess.DEVNULL, text=True,
                                  stdout=subprocess.PIPE, timeout=10,
                                  stderr=subprocess.STDOUT, check=False)
        except subprocess.TimeoutExpired:
            return 124, f"{words[0]}: no end after 10 s"
        return done.returncode, done.stdout

    def attempt(self, function, seconds=2):
        """Run function in a child of its own, which then is gone with all
        that it made; its text, or the errno value with which it failed."""
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            self._answer(function, writer)
        with contextlib.suppress(OSError):  # both do it: whoever is first
            os.setpgid(child, child)
        os.close(writer)
        ready = select.select([reader], [], [], seconds)[0]
        answer = os.read(reader, 4000).decode() if ready else ""
        os.close(reader)
        os.killpg(child, signal.SIGKILL)  # and what it may have started
        os.waitpid(child, 0)
        if not answer:
            return Outcome(errno.ETIMEDOUT, "no answer")
        number, text = answer.split(" ", 1)
        return Outcome(int(number), text)

    @staticmethod
    def _answer(function, writer):
        """In the child: never returns."""
        try:
            answer = f"0 {function() or ''}"
        except OSError as error:
            answer = f"{error.errno or errno.EIO} {error.strerror}"
        except BaseException as error:  # nothing may leave this process
            answer = f"{errno.EIO} {error!r}"
        os.write(writer, answer.encode()[:4000])
        os._exit(0)

    @property
    def is_root(self):
        """Root by number; see is_privileged for what that is worth."""
        return self.uid == 0

    @cached_property
    def is_privileged(self):
        """Whether we may make mount namespaces without a user namespace."""
        return bool(self.attempt(lambda: kernel.unshare("mnt")))

    @cached_property
    def user_namespace(self):
        """The attempt to be root in a user namespace of our own."""
        return self.attempt(kernel.enter_user_namespace)

    @cached_property
    def powers(self):
        """The attempt to use what such a namespace should give: Ubuntu's
        AppArmor rule lets it be made and then takes the capabilities."""
        def use():
            kernel.enter_user_namespace()
            kernel.unshare("mnt", "uts")
        return self.attempt(use)

    def attempt_inside(self, function):
        """Attempt it as root, or as an ordinary user in a user namespace."""
        if self.is_privileged:
            return self.attempt(function)

        def enter_and_do():
            kernel.enter_user_namespace()
            return function()
        return self.attempt(enter_and_do)
