"""Running skiff: to its end (run), in the background (start), in a root file system (Box)."""

import json
import os
import re
import secrets
import select
import shlex
import signal
import subprocess
import time

from . import census, kernel
from .teach import Current, expect, shorten, teach
from .wait import until


class Result:
    """How a run ended: .code (128+n for a signal, as a shell shows it), .out, .err."""

    def __init__(self, typed, code, out, err, pid=0):
        self.typed, self.pid = typed, pid
        self.code = 128 - code if code < 0 else code
        self.signalled = -code if code < 0 else 0
        Current.killed |= code < 0
        self.raw_out, self.out, self.err = (
            out,
            out.decode(errors="surrogateescape"),
            err.decode(errors="surrogateescape"),
        )
        Current.results.append(self)

    @property
    def ended(self):
        if self.signalled:
            return f"skiff itself died of {signal.Signals(self.signalled).name}"
        return f"it ended with {self.code}"

    @property
    def complaints(self):
        """Lines on standard error that are not notes."""
        return [
            line for line in self.err.splitlines() if line.strip() and not line.startswith("skiff: note:")
        ]

    def json(self, likely=""):
        """What a probe printed. A run that printed none failed: say how."""
        try:
            return json.loads(self.out)
        except ValueError:
            teach(
                f"We ran `{self.typed}`; a probe in the container should have printed what it sees.",
                f"It printed {shorten(self.out)}; {self.ended}."
                + (f" On standard error: {shorten(self.err.strip())}" if self.err.strip() else ""),
                likely=likely() if callable(likely) else likely,
            )

    def explained(self):
        """The object that --explain=json wrote on standard error."""
        found = re.search(r"^\{", self.err, re.M)
        try:
            return json.JSONDecoder().raw_decode(self.err[found.start() :])[0]
        except (AttributeError, ValueError):
            teach(
                f"We ran `{self.typed}`.",
                (
                    "--explain=json should have written one JSON object on standard error, which was:"
                    f" {shorten(self.err)}"
                ),
            )


class Background:
    """A skiff that runs while the test looks at it."""

    def __init__(self, process, typed):
        self.process, self.typed, self.pid = process, typed, process.pid
        self.result = None
        self._out = self._err = b""
        self._pidfd = os.pidfd_open(self.pid)
        self.killed = False  # by close()

    def line(self, seconds=5.0, likely=""):
        """The next line of its standard output: how a probe says that it is ready."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._out:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                self._no_line(f"No line came within {seconds:g} seconds.", likely)
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                self._no_line("Its standard output ended before that.", likely)
            self._out += data
        line, self._out = self._out.split(b"\n", 1)
        return line.decode(errors="surrogateescape")

    def _no_line(self, why, likely):
        self.process.kill()
        result = self.wait()
        teach(
            f"We ran `{self.typed}` and waited for the program in it to say that it is ready.",
            why
            + (f" skiff ended with {result.code}." if not result.signalled else "")
            + (f" On standard error: {shorten(result.err.strip())}" if result.err.strip() else ""),
            likely=likely() if callable(likely) else likely,
        )

    def json(self, seconds=5.0, likely=""):
        return json.loads(self.line(seconds, likely))

    def child(self, seconds=5.0):
        """The one child of skiff, by its PID on the host; None if there is none."""
        found = until(lambda: kernel.children(self.pid), seconds)
        return found[0] if found else None

    def command(self):
        """The process that runs the command: the child, or below --init the child's child. Call it after line()."""
        below = kernel.descendants(self.pid)
        return below[-1] if below else None

    def release(self):
        """End its standard input: the probes that wait end then."""
        self.process.stdin.close()
        self.process.stdin = None

    def finish(self):
        """End it in good order: the probe ends with its standard input, and the exit code is 0."""
        self.release()
        return expect(self.wait(), 0)

    def own_namespaces(self):
        """The namespaces in which the command differs from skiff."""
        mine, its = kernel.namespaces(self.pid), kernel.namespaces(self.command())
        return {kind for kind in mine if mine[kind] != its[kind]}

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def send(self, number):
        os.kill(self.pid, number)

    def wait(self, seconds=10.0):
        """Wait until skiff ends; a skiff that hangs is killed, and the test fails."""
        if self.result:
            return self.result
        ended = self._read_to_the_end(seconds)
        if not ended:
            self.process.kill()
            self._read_to_the_end(2)
        self.result = Result(self.typed, self.process.wait(), self._out, self._err, self.pid)
        if not ended:
            teach(
                f"We ran `{self.typed}`.",
                f"It had not ended after {seconds:g} seconds, so we killed it."
                + (f" On standard error: {shorten(self.result.err)}" if self.result.err.strip() else ""),
                likely=self.hang_reason,
            )
        return self.result

    def _read_to_the_end(self, seconds):
        """Read both outputs until skiff has ended. Not until their end: a process that was left behind may hold them open."""
        deadline = time.monotonic() + seconds
        streams = {one.fileno(): one for one in (self.process.stdout, self.process.stderr) if one}
        while True:
            left = max(0.0, deadline - time.monotonic())
            ready = select.select([self._pidfd, *streams], [], [], left)[0]
            for fd in [fd for fd in ready if fd in streams]:
                data = os.read(fd, 65536)
                if streams[fd] is self.process.stdout:
                    self._out += data
                else:
                    self._err += data
                if not data:
                    del streams[fd]
            if ready == [self._pidfd]:
                return True
            if not ready:
                return False

    hang_reason = ""

    def close(self):
        """End it, whatever state it is in."""
        if self.process.poll() is None:
            if self.process.stdin:
                try:
                    self.release()
                except BrokenPipeError:
                    pass
            if not until(lambda: self.process.poll() is not None, 0.3):
                self.killed = True
                self.process.kill()
                self.process.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                try:
                    stream.close()
                except BrokenPipeError:  # nobody read what we had said
                    pass


class Skiff:
    """The binary under test, with state directories of its own."""

    def __init__(self, binary, stage, home):
        self.binary, self.stage, self.home = os.path.abspath(binary), stage, home
        self.run_dir, self.root_dir, self.tmp_dir = (
            os.path.join(home, name) for name in ("run", "lib", "tmp")
        )
        for directory in (self.run_dir, self.root_dir, self.tmp_dir):
            os.mkdir(directory)
        self.started = []
        self.short = {}

    def environment(self, extra=None):
        env = {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "HOME": self.home,
            "TERM": "xterm",
            "LANG": "C.UTF-8",
            "SKIFF_RUN": self.run_dir,
            "SKIFF_ROOT": self.root_dir,
            "SKIFF_CGROUP": kernel.CGROUP,
            "TMPDIR": self.tmp_dir,
        }
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                env[name] = os.environ[name]
        for name, value in (extra or {}).items():
            if value is None:
                env.pop(name, None)
            else:
                env[name] = value
        return env

    def typed(self, args):
        words = []
        for word in args:
            word = os.fsdecode(word)
            for long, short in self.short.items():
                word = word.replace(long, short)
            words.append(word if len(word) < 100 else word[:60] + "...")
        return shlex.join(["skiff", *words])

    def start(
        self,
        args,
        env=None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(),
        before=None,
        user=None,
        binary=None,
        wrapper=(),
        cwd="/",
    ):
        """Start skiff. `before` runs in the new process, in its own mount namespace; `user` is (uid, gid) to become."""

        def prepare():
            if os.geteuid() == 0:  # chapter 00 may be checked by an ordinary user
                kernel.unshare(kernel.CLONE_NEWNS)
            if before:
                before()
            if user:
                os.setgroups([])
                os.setresgid(user[1], user[1], user[1])
                os.setresuid(user[0], user[0], user[0])

        process = subprocess.Popen(
            [*wrapper, binary or self.binary, *args],
            env=self.environment(env),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=pass_fds,
            preexec_fn=prepare,
            cwd=cwd,
        )
        background = Background(process, self.typed(args))
        self.started.append(background)
        return background

    def run(self, args, timeout=10.0, input=b"", **how):
        """Run skiff to its end: a Result."""
        background = self.start(args, **how)
        if background.process.stdin:
            try:
                background.process.stdin.write(input)
                background.process.stdin.close()
            except BrokenPipeError:
                pass
            background.process.stdin = None
        result = background.wait(timeout)
        background.close()
        return result

    def ended_early(self):
        """How the last skiff that a test still looked at ended, where it has: a Result; else None."""
        last = next((one for one in reversed(self.started) if not one.result), None)
        if last and until(lambda: last.process.poll() is not None, 2):
            return last.wait(1)
        return None

    def close(self):
        for background in self.started:
            background.close()
        if any(background.killed for background in self.started):
            Current.killed = True
            # A test that failed half-way: what a killed skiff leaves is not what the test was about.
            for name in os.listdir(self.run_dir):
                census.remove_tree(os.path.join(self.run_dir, name))


class Box:
    """A fresh root file system, and the ways to run something in it."""

    def __init__(self, skiff, root, probes):
        self.skiff, self.root, self.probes = skiff, root, probes
        skiff.short.update({root: "R"})

    def inside(self, path):
        """The path of a file of the root as the container sees it: on stage 1 the root is not entered."""
        return path if self.skiff.stage >= 2 else self.root + path

    def path(self, inside):
        """The path on the host of a file of the root."""
        return self.root + inside

    def written(self, inside, person=None):
        """The path on the host of what the newest container has written: from chapter 05 on, in a layer of its own."""
        if self.skiff.stage < 5:
            return self.path(inside)
        return os.path.join(self.store(person), "diff" + inside)

    def store(self, person=None):
        """Where skiff keeps the newest container: of root, or of an ordinary user."""
        top = person.data_dir if person else self.skiff.root_dir
        return max(
            (entry for place in ("containers", "temporary") for entry in os.scandir(os.path.join(top, place))),
            key=lambda entry: os.stat(os.path.join(entry.path, "diff")).st_ctime_ns,
        ).path

    def probe(self, name):
        return self.inside("/probe/" + name)

    def args(self, command, opts=(), globals=()):
        words = (
            [self.probe(command[0][1:]) if command and command[0][:1] == "@" else command[0], *command[1:]]
            if command
            else []
        )
        return [*globals, "run", *opts, "--rootfs", self.root, *words]

    def run(self, *command, opts=(), globals=(), **how):
        """skiff run OPTS --rootfs R COMMAND. A command "@name" is a probe."""
        return self.skiff.run(self.args(command, opts, globals), **how)

    def start(self, *command, opts=(), globals=(), **how):
        return self.skiff.start(self.args(command, opts, globals), **how)

    def look(self, *command, opts=(), likely="", **how):
        """Run a probe and return what it saw (it prints JSON)."""
        return self.run(*command, opts=opts, **how).json(likely)

    def stacked(self, layers, *command, opts=()):
        """skiff run with these layers on top of the image; the last one is the topmost."""
        words = [word for one in layers for word in ("--rootfs", one)]
        return self.skiff.run(["run", "--rm", *opts, "--rootfs", self.root, *words, *command])

    def hold(self, opts=(), likely="", **how):
        """Start a container that waits with default signal actions until it is killed or its standard input ends."""
        background = self.start("@hold", opts=opts, **how)
        background.line(likely=likely)
        return background

    def named(self, *opts, **how):
        """A container with a name that waits: (name, Background)."""
        name = "c-" + secrets.token_hex(4)
        return name, self.hold(opts=["--name", name, *opts], **how)

    def container_id(self):
        """The ID of the one container that runs."""
        return os.listdir(os.path.join(self.skiff.run_dir, "containers"))[0]

    def exec(self, name, *command, opts=(), **how):
        """skiff exec OPTS NAME COMMAND, to its end."""
        return self.skiff.run(["exec", *opts, name, *command], **how)

    def exec_hold(self, name, *opts, **how):
        """skiff exec of a command that waits."""
        inside = self.skiff.start(["exec", *opts, name, "/probe/hold"], **how)
        inside.line(
            likely=(
                "join() each namespace with setns(2), and the mount namespace last: the container's / comes"
                " with it."
            )
        )
        return inside

    def no_pid_1(self):
        """Options with which the command is no PID 1, which has rules of its own for signals."""
        return ["--pid=host"] if self.skiff.stage >= 3 else []
