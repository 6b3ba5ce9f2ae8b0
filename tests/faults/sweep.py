"""Runs skiff again and again under fault.c, each time with one system call that fails or one process that is killed."""

import json
import os
import signal
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

from harness import census, kernel

WORKERS = 2
SECONDS = 25
GONE = 2**22 + 1  # no process has this ID: PID_MAX_LIMIT
PROCESSES = ("skiff", "its child", "the third process", "the fourth process")
CRASHES = {128 + number for number in (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGPIPE)}


class Call:
    """One call site: the nth call of this name in this process of a run."""

    def __init__(self, process, name, nth, result, argument, path):
        self.process, self.name, self.nth = int(process), name, int(nth)
        self.result, self.argument, self.path = int(result), int(argument), path

    @property
    def target(self):
        return f"{self.process}:{self.name}:{self.nth}"

    def __str__(self):
        return f"{PROCESSES[min(self.process, 3)]}: {self.name} number {self.nth}" + (f" ({self.path})" if self.path != "-" else "")


class Outcome:
    """How one run ended: its exit code, standard error, and what fault.c reported."""

    def __init__(self, code, err, report):
        # newuidmap, which skiff runs, may live on and complain for itself.
        lines = err.decode(errors="replace").splitlines(keepends=True)
        self.code, self.err = code, "".join(line for line in lines if not line.startswith(("newuidmap: ", "newgidmap: ")))
        self.events = [line.split() for line in report.splitlines()]
        self.hit = any(event[0] == "hit" for event in self.events)
        self.hung = any(event[0] == "hang" for event in self.events)
        self.ends = {int(event[1]): int(event[2]) for event in self.events if event[0] == "end"}

    @property
    def ready(self):
        """skiff has heard from the child that the command starts: a message of one word."""
        return any(event[:3] == ["call", "0", "recvmsg"] and event[4] == "4" for event in self.events)

    @property
    def hit_the_undoing(self):
        """The call that was hit came after the one which had told skiff of its child's end. In the good run it may have
        been that one itself: a command that ends soon is found at the first look or at the second."""
        ended = told = False
        for event in self.events:
            if event[0] == "hit":
                return told
            ended |= event[:2] == ["end", "1"]
            told |= ended and event[:3] == ["call", "0", "waitid"]
        return False

    @property
    def crashed(self):
        """A process died of a signal that nobody had sent."""
        return any(code in CRASHES for code in self.ends.values())

    @property
    def one_clear_line(self):
        """`skiff: what was being done: why`, and no more than a hint."""
        lines = self.err.splitlines()
        return len(lines) in (1, 2) and lines[0].startswith("skiff: ") and ": " in lines[0][7:] and not lines[0].endswith(": Success") \
            and all(line.startswith("hint: ") for line in lines[1:])

    @property
    def only_notes(self):
        """It has told what went wrong besides the command: `skiff: note: ...`."""
        return all(line.startswith("skiff: note: ") for line in self.err.splitlines())

    def __str__(self):
        return f"exit {self.code}, stderr {self.err!r}" + (", it hung" if self.hung else "") + (", it crashed" if self.crashed else "")


def uses_of_dot(calls):
    """Each opening of ".", as skiff locks a directory and reads it: its index, and the calls up to its close(2)."""
    for i, call in enumerate(calls):
        if call.name == "openat" and call.path == "." and call.result >= 0:
            closed = next(j for j, other in enumerate(calls) if j > i and other.name == "close" and other.argument == call.result)
            yield i, [other for other in calls[i + 1:closed + 1] if other.argument == call.result]


class GoodRun:
    """What a run without a fault does, in order; and which calls belong to which part of it."""

    def __init__(self, outcome):
        self.calls, self.position = [], {}
        ended = waited = None
        for i, event in enumerate(outcome.events):
            if event[0] == "call":
                call = Call(*event[1:])
                self.calls.append(call)
                self.position[call.target] = i
                if ended is not None and waited is None and call.process == 0 and call.name == "waitid":
                    waited = i
            elif event[:2] == ["end", "1"]:
                ended = i
        self.undo = waited
        executed = max((i for i, event in enumerate(outcome.events) if event[0] == "exec"), default=0)
        # A command that ends soon is found at the first look, before skiff reads what signal came; later it reads files.
        self.command_runs = next((self.position[call.target] for call in self.calls if call.process == 0 and call.name == "read"
                                  and executed < self.position[call.target] < self.undo), self.undo)
        ours = [call for call in self.calls if call.process == 0]
        self.sweeps = [(self.position[ours[i].target], self.position[used[-1].target]) for i, used in uses_of_dot(ours)
                       if any(call.name == "getdents64" for call in used)]
        self.renewed = next((self.position[call.target] for call in ours if call.name == "execveat"), -1)
        cache = next((i for i, call in enumerate(ours) if call.name == "openat" and call.path == "seccomp"), None)
        asked = cache and next(call for call in reversed(ours[:cache]) if call.name == "mkdir")
        closed = cache and next(call for call in ours[cache:] if call.name == "close" and call.argument == ours[cache].result)
        self.cache = (self.position[asked.target], self.position[closed.target]) if cache else (-1, -1)

    def in_undo(self, call):
        """After the command has ended."""
        return call.process == 0 and self.position[call.target] > self.undo

    def in_sweep(self, call):
        """While skiff looks for what killed ones have left."""
        return call.process == 0 and any(first <= self.position[call.target] <= last for first, last in self.sweeps)

    def is_spawned(self, call):
        """By a process of posix_spawn(3), which asks for each signal: those that skiff makes itself never do."""
        return call.process >= 2 and any(one.process == call.process and one.name == "rt_sigaction" for one in self.calls)

    def in_cache(self, call):
        """While skiff looks for a compiled system call filter."""
        return call.process == 0 and self.cache[0] <= self.position[call.target] <= self.cache[1]

    def in_sealing(self, call):
        """Before skiff executes itself anew."""
        return call.process == 0 and self.position[call.target] < self.renewed

    def is_first(self, call):
        """The first call of its name in its program: skiff may have executed itself anew."""
        return call.nth == 1 or call.process == 0 and self.position[call.target] > self.renewed and not any(
            one.name == call.name and self.renewed < self.position[one.target] < self.position[call.target]
            for one in self.calls if one.process == 0)

    def waits(self, call):
        """Before the command has ended: skiff is alive as long as it does."""
        return call.process == 0 and self.position[call.target] <= self.command_runs

    def is_of(self, call, *paths):
        """It opens one of the paths, or uses the descriptor that it was opened as."""
        if call.name == "openat":
            return call.path in paths
        opened = [one for one in self.calls if one.process == call.process and one.name == "openat" and one.result == call.argument
                  and self.position[one.target] < self.position[call.target]]
        return call.name in ("read", "newfstatat", "fstatfs", "lseek", "close", "write") and bool(opened) and opened[-1].path in paths

    def in_user_lookup(self, call):
        """getpwuid(3): from the first socket, to the name service cache, to the opening of /etc/subuid."""
        where = [self.position[one.target] for one in self.calls
                 if one.process == 0 and (one.name == "socket" or one.path == "/etc/subuid")]
        return call.process == 0 and len(where) > 1 and where[0] <= self.position[call.target] < where[-1]


class Place:
    """A worker's own state directories, so that what is left can be told from what others leave."""

    def __init__(self, programs, directory, user=None):
        self.fault, self.skiff = programs
        self.user, self.report = user, os.path.join(directory, "report")
        self.run_dir, self.lib_dir = os.path.join(directory, "run"), os.path.join(directory, "lib")
        self.container = None
        for path in (directory, self.run_dir, self.lib_dir, os.path.join(directory, "tmp")):
            os.mkdir(path)
            os.chmod(path, 0o755)
            if user is not None:
                os.chown(path, user, user)
        self.cgroup = f"{kernel.CGROUP}/{os.path.basename(directory)}"
        self.env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": directory, "TMPDIR": os.path.join(directory, "tmp"),
                    "SKIFF_RUN": self.run_dir, "SKIFF_ROOT": self.lib_dir,
                    "SKIFF_CGROUP": self.cgroup}
        self.kept = set()

    def plant_stale(self):
        """What a skiff leaves that was killed: the state of a container whose process is gone."""
        directory = os.path.join(self.run_dir, "containers", "0" * 64)
        os.makedirs(directory, exist_ok=True)
        os.makedirs(os.path.join(self.lib_dir, "names"), mode=0o700, exist_ok=True)
        with open(os.path.join(directory, "state.json"), "w", encoding="ascii") as file:
            json.dump({"id": "0" * 64, "name": "stale", "pid": GONE, "startTime": 1, "namespaces": []}, file)
        link = os.path.join(self.lib_dir, "names", "stale")
        if not os.path.islink(link):
            os.symlink("0" * 64, link)

    def start_container(self, args):
        """A container for `skiff exec`, which lasts until close()."""
        self.container = subprocess.Popen([self.skiff, *args], env=self.env, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          user=self.user, group=self.user, extra_groups=None if self.user is None else [])
        assert self.container.stdout.readline(), "the container for `skiff exec` did not start"
        self.kept = set(self.left())

    def close(self):
        """End the container; what it ended with. Its cgroup is gone by then; the one above goes with the place."""
        try:
            return self.end_container()
        finally:
            kernel.remove_cgroup(kernel.cgroup_path(self.cgroup))

    def end_container(self):
        """End the container; what it ended with."""
        if not self.container:
            return 0
        self.container.stdin.close()
        self.container.stdout.close()
        return self.container.wait(SECONDS)

    def run(self, args, *how):
        """Run skiff under fault.c. Its standard input stays open until it has ended."""
        user = [] if self.user is None else ["-u", str(self.user)]
        process = subprocess.Popen([self.fault, *user, "-o", self.report, *how, self.skiff, *args], env=self.env, cwd="/",
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        timer = threading.Timer(SECONDS, process.kill)
        timer.start()
        try:
            process.stdout.read()
            err = process.stderr.read()
            code = process.wait()
        finally:
            timer.cancel()
            for stream in (process.stdin, process.stdout, process.stderr):
                stream.close()
        with open(self.report, encoding="ascii") as file:
            return Outcome(code, err, file.read())

    def left(self):
        """What is there and was not before: state, names, layers that nobody keeps, cgroups."""
        entries = census.run_entries(self.run_dir)
        for kind in ("names", "temporary"):
            directory = os.path.join(self.lib_dir, kind)
            if os.path.isdir(directory):
                entries += [f"{kind}/{name}" for name in os.listdir(directory)]
        entries += [path for path in kernel.cgroups_of_tests() if f"/{self.cgroup}/" in path]
        return [entry for entry in entries if entry not in self.kept]


class Sweep:
    """All faults of one command line."""

    def __init__(self, places, args, stale=False):
        self.places, self.args, self.stale, self.free = places, args, stale, list(places)
        self.mounts = kernel.read_proc("self/mountinfo")
        self.problems, self.done, self.lock = [], 0, threading.Lock()

    def good_run(self):
        """What happens without a fault. The second run counts: the first one makes what is missing."""
        for _ in range(2):
            if self.stale:
                self.places[0].plant_stale()
            outcome = self.places[0].run(self.args)
            assert outcome.code == 0 and not outcome.err, f"a run without any fault: {outcome}"
        return GoodRun(outcome)

    def each(self, jobs, judge):
        """judge(place, *job) for every job, on all workers; it returns a problem or None."""
        def work(job):
            with self.lock:
                place = self.free.pop()
            try:
                problem = judge(place, *job)
            finally:
                with self.lock:
                    self.free.append(place)
            with self.lock:
                self.done += 1
                if problem:
                    self.problems.append(problem)

        with ThreadPoolExecutor(len(self.places)) as pool:
            list(pool.map(work, jobs))

    def attempt(self, place, args, call, how, may_leave_state, judge, what):
        """One run with a fault; None, or what was wrong with it. A call that was not reached is tried again: the two
        processes have no fixed order."""
        for _ in range(5):
            if self.stale:
                place.plant_stale()
            outcome = place.run(args, "-t", call.target, *how)
            if outcome.hit or outcome.hung:
                break
        if not outcome.hit and not outcome.hung:
            problem = f"was never reached: {outcome}"
        elif outcome.hung or outcome.crashed:
            problem = str(outcome)
        else:
            problem = judge(outcome)
        left = self.aftermath(place, may_leave_state or self.stale)
        return f"{what}: {problem or left}" if problem or left else None

    def aftermath(self, place, may_leave_state):
        """None, or what is left on the host. State of a run that was killed may wait for the next run, but no longer."""
        left = place.left()
        problem = f"left behind: {left}" if left and not may_leave_state else None
        if left:
            outcome = place.run(self.args)
            if outcome.code != 0 or outcome.err:
                return f"the next run: {outcome}"
            if place.left():
                return f"left behind, by the next run, too: {place.left()}"
        if kernel.read_proc("self/mountinfo") != self.mounts:
            return "mounts are left on the host"
        return problem
