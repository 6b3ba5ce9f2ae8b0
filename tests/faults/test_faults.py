"""Each system call of a run fails in turn, and each moment of a run is hit by SIGKILL.

Asked for: exit code 125 and one clear line (or success, where RULES say why the call does not matter); no crash, no
hang; nothing left behind, at the latest after the next run.
"""

import errno
import os

import pytest

from harness import kernel
from sweep import WORKERS, Place, Sweep

BUILD = os.environ.get("BUILD") or os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build")
USER = 60323
PR_SET_NAME, PR_CAPBSET_READ, PR_CAP_AMBIENT = 15, 23, 47  # prctl(2)

# With what a system call may well fail: two errors for each. EPERM is what a security policy says, ENOMEM the kernel.
ERRORS = {
    "openat": (errno.EMFILE, errno.EACCES), "openat2": (errno.EMFILE, errno.EACCES), "open": (errno.EMFILE, errno.EACCES),
    "mkdir": (errno.ENOSPC, errno.EROFS), "mkdirat": (errno.ENOSPC, errno.EROFS), "symlinkat": (errno.ENOSPC, errno.EROFS),
    "mknodat": (errno.ENOSPC, errno.EPERM), "renameat": (errno.ENOSPC, errno.EIO), "write": (errno.ENOSPC, errno.EIO),
    "read": (errno.EIO, errno.ENOMEM), "getdents64": (errno.EIO, errno.ENOMEM), "close": (errno.EIO, errno.EINTR),
    "unlinkat": (errno.EIO, errno.EROFS), "flock": (errno.ENOLCK, errno.EINTR), "clone3": (errno.EAGAIN, errno.ENOSPC),
    "execve": (errno.EACCES, errno.ENOMEM), "fsmount": (errno.EPERM, errno.ENOSPC), "sendmsg": (errno.ENOBUFS, errno.EPERM),
    "recvmsg": (errno.ENOMEM, errno.EMFILE), "unshare": (errno.ENOSPC, errno.EPERM), "waitid": (errno.EINVAL, errno.ENOMEM),
    "sethostname": (errno.EPERM, errno.ENAMETOOLONG), "move_mount": (errno.EPERM, errno.ENOSPC),
}
USUAL_ERRORS = (errno.EPERM, errno.ENOMEM)

# Calls that are left alone: the kernel never lets them fail, so the fault does not exist.
IMPOSSIBLE = (
    ("has no error numbers",
     lambda call, good: call.name in {"brk", "geteuid", "getuid", "getegid", "getgid", "getpid", "umask", "uname"}),
    ("are 0, 1 and 2 open? The only error is EBADF, and means no",
     lambda call, good: call.process == 0 and call.name == "fcntl" and call.argument in (0, 1, 2)),
    ("is a capability in the bounding set, in the ambient set? The only error is EINVAL, and means that there is none of this number",
     lambda call, good: call.name == "prctl" and call.argument in (PR_CAPBSET_READ, PR_CAP_AMBIENT)),
    ("the C library looks up a user's name, with whatever the machine's nsswitch.conf says",
     lambda call, good: good.in_user_lookup(call)),
    ("posix_spawn(3) resets the signals of the program that it starts",
     lambda call, good: good.is_spawned(call) and call.name in ("rt_sigaction", "rt_sigprocmask")),
    ("fork(3) tells the kernel where its list of locks is: the only error is a wrong size",
     lambda call, good: call.process > 0 and call.name == "set_robust_list"),
    ("the init asks for any child of its own: the only error is ECHILD",
     lambda call, good: call.process > 0 and call.name == "waitid"),
)

# Where a call fails and the run may succeed all the same: the reason, and which calls (call, error, the good run).
RULES = (
    ("close: the descriptor is gone, whatever close(2) says, and write(2) had its say",
     lambda call, error, good: call.name == "close"),
    ("the command has ended, and its exit code counts; what could not be removed is left to the next run",
     lambda call, error, good: good.in_undo(call)),
    ("sweeping up after others: left to the next run",
     lambda call, error, good: good.in_sweep(call)),
    ("only root of the first user namespace may write trusted.*, so overlayfs writes user.*: xattr(7)",
     lambda call, error, good: call.process == 0 and call.name == "fsetxattr" and call.path == "trusted.overlay.skiff"
     and error == errno.EPERM),
    ("who may not give files away has the root of the container's layer as their own",
     lambda call, error, good: call.process == 0 and call.name == "fchownat" and call.path == "diff" and error == errno.EPERM),
    ("no cgroup for us here, and no option needs one",
     lambda call, error, good: call.process == 0 and error in (errno.EPERM, errno.EACCES, errno.EROFS)
     and (call.name in ("fstatfs", "faccessat2")
          or call.path.startswith(("/sys/fs/cgroup", "/proc/self/cgroup", "skiff-test-", "worker")))),
    ("whether the container is paused can't be told, so it is taken for running",
     lambda call, error, good: call.process == 0 and good.is_of(call, "cgroup.freeze")),
    ("is there a terminal? There is none",
     lambda call, error, good: call.process == 0 and call.name == "ioctl"),
    ("malloc(3) takes a random number for itself; without one it goes on",
     lambda call, error, good: call.process == 0 and call.name == "getrandom" and good.is_first(call)),
    ("who may not make a read-only mount of skiff's program makes a sealed copy of it; and one more does no harm",
     lambda call, error, good: good.in_sealing(call) and call.name in ("open_tree", "mount_setattr")
     or call.process == 0 and (call.name == "fcntl" or call.name != "openat" and good.is_of(call, "/proc/self/exe"))),
    ("what the process is called is no more than a name",
     lambda call, error, good: call.process == 0 and call.name == "prctl" and call.argument == PR_SET_NAME),
    ("libcap asks which of its interfaces the kernel has",
     lambda call, error, good: call.process == 0 and call.name == "capget"),
    ("a filter that can't be taken from the cache is compiled",
     lambda call, error, good: good.in_cache(call)),
    ("without device rules the container may not make devices",
     lambda call, error, good: call.process == 0 and call.name == "bpf" and error == errno.EPERM),
    ("the JSON library seeds its tables; without /dev/urandom it takes the time",
     lambda call, error, good: good.is_of(call, "/dev/urandom")),
    ("who has no range of IDs gets a single one",
     lambda call, error, good: good.is_of(call, "/etc/subuid", "/etc/subgid")),
    ("setgroups(2) is forbidden where the user namespace has a single ID: user_namespaces(7)",
     lambda call, error, good: call.process > 0 and call.name == "setgroups" and error == errno.EPERM),
    ("a device that may not be made is bound from the host's /dev",
     lambda call, error, good: call.name == "mknodat" and error == errno.EPERM),
    ("posix_spawn(3) blocks signals for a moment, and frees the stack of the program that it has started",
     lambda call, error, good: call.process == 0 and (call.name == "munmap" or call.name == "rt_sigprocmask" and call.nth > 1)),
    ("the init waits for the next signal",
     lambda call, error, good: call.process > 0 and call.name == "rt_sigtimedwait"),
    ("the command under an init dies with that anyway: pid_namespaces(7)",
     lambda call, error, good: call.process == 2 and call.name == "prctl"),
    ("the next directory in PATH may have the command",
     lambda call, error, good: call.name == "execve" and error == errno.EACCES),
)


def rule_for(call, error, good):
    return next((reason for reason, holds in RULES if holds(call, error, good)), None)


class Scenario:
    """One command line. A command for `true` and one that waits. One that does much the
    same as `run` gets one error for each call instead of two: the whole is to take minutes."""

    def __init__(self, options, command="run", user=None, container=None, subuid=False, stale=False, like_run=False):
        self.options, self.command, self.user, self.container, self.subuid, self.stale = options, command, user, container, subuid, stale
        self.like_run = like_run

    def errors(self, call):
        """What the call fails with, one after the other."""
        both = ERRORS.get(call.name, USUAL_ERRORS)
        return (both[call.nth % 2],) if self.like_run else both

    def args(self, root, *words):
        target = ["--rootfs", root] if self.command == "run" else ["target"]
        return [self.command, *self.options, *target, *words]


MAPS = ["--uidmap", "0:100000:65536"]
SCENARIOS = {
    "run": Scenario([]),
    "options": Scenario(["--rm", "--name", "fault", "-w", "/dev/shm/made/here", "-h", "box", "--domainname", "example.org",
                         "--time-offset", "60", "-e", "A=B"], like_run=True),
    "init": Scenario(["--init"], like_run=True),
    "after-a-killed-one": Scenario([], stale=True, like_run=True),
    "no-pivot": Scenario(["--no-pivot"]),
    "user-namespace": Scenario(["--init", *MAPS]),
    "rootless": Scenario([], user=USER),
    "rootless-range": Scenario([], user=65534, subuid=True),
    "exec": Scenario([], command="exec", container=["--init"]),
    "exec-user-namespace": Scenario(["-w", "/tmp"], command="exec", container=["--init", *MAPS]),
    "exec-rootless": Scenario([], command="exec", user=USER, container=["--init"]),
    "share": Scenario(["--ipc", "container:target", "--network", "container:target", "--pid", "container:target",
                       "--uts", "host"], container=["--init"]),
}


@pytest.fixture(params=SCENARIOS)
def scenario(request):
    return SCENARIOS[request.param]


@pytest.fixture
def subuid(scenario, home):
    """Give the user a range of IDs: a file of our own over /etc/subuid, in the mount namespace of the tests."""
    files = ("/etc/subuid", "/etc/subgid") if scenario.subuid else ()
    for path in files:
        if not os.path.exists(path):
            pytest.fail(f"{path} is missing: install the package uidmap")
        own = os.path.join(home, os.path.basename(path))
        with open(own, "w", encoding="ascii") as file:
            file.write(f"{scenario.user}:200000:65536\n")
        kernel.mount(own, path, None, kernel.MS_BIND)
    yield
    for path in files:
        kernel.umount(path)


@pytest.fixture
def sweep(scenario, home, rootfs, subuid):
    """Workers, each with a place of its own, and the command line that ends at once."""
    programs = (os.path.join(BUILD, "faults", "fault"), os.path.join(BUILD, "skiff"))
    for program in programs:
        assert os.access(program, os.X_OK), f"{program} is not built: make build fault"
    places = [Place(programs, os.path.join(home, f"worker{i}"), scenario.user) for i in range(WORKERS)]
    try:
        for place in places:
            if scenario.container is not None:
                place.start_container(["run", "--rm", *scenario.container, "--name", "target", "--rootfs", rootfs, "/probe/hold"])
        yield Sweep(places, scenario.args(rootfs, "true"), scenario.stale)
    finally:
        ends = [place.close() for place in places]
    assert not any(ends), "the container that `skiff exec` entered did not survive"
    for place in places:
        place.kept = set()
        assert not place.left(), f"left behind at the end: {place.left()}"


def possible(call, good):
    return not any(holds(call, good) for _, holds in IMPOSSIBLE)


def report(sweep, jobs):
    """Every job was done, and no problem found."""
    assert sweep.done == len(jobs)
    if sweep.problems:
        text = "\n".join(sorted(sweep.problems))
        raise AssertionError(f"{len(sweep.problems)} of {len(jobs)} faults were not mastered:\n{text}")


def test_each_call_fails(sweep, scenario):
    good = sweep.good_run()

    def judge(call, error, outcome):
        reason = rule_for(call, error, good)
        refused = outcome.code in ((125, 126) if call.name == "execve" else (125,)) and outcome.one_clear_line
        succeeded = outcome.code == 0 and (not outcome.err and reason or outcome.only_notes and (good.in_undo(call)
                                                                                                 or outcome.hit_the_undoing))
        return None if refused or succeeded else str(outcome)

    def attempt(place, call, error):
        return sweep.attempt(place, sweep.args, call, ["-e", str(error)], good.in_undo(call), lambda outcome: judge(call, error, outcome),
                             f"{call} fails with {errno.errorcode[error]}")

    jobs = [(call, error) for call in good.calls if possible(call, good) for error in scenario.errors(call)]
    sweep.each(jobs, attempt)
    report(sweep, jobs)


def test_skiff_is_killed_at_each_moment(sweep, scenario, rootfs):
    """The container dies with skiff (fault.c waits for all processes), and the next run cleans up."""
    good = sweep.good_run()
    waiting = scenario.args(rootfs, "/probe/hold")

    def judge(outcome):
        return None if outcome.code == 137 and not outcome.err else str(outcome)

    def attempt(place, call, args):
        return sweep.attempt(place, args, call, ["-k"], True, judge, f"{call}: SIGKILL")

    jobs = [(call, waiting if good.waits(call) else sweep.args) for call in good.calls if call.process == 0 and possible(call, good)]
    sweep.each(jobs, attempt)
    report(sweep, jobs)


def test_the_child_is_killed_at_each_moment(sweep):
    """skiff notices, and says so; from READY on it is the command that was killed: 137."""
    good = sweep.good_run()

    def judge(outcome):
        failed = outcome.code == 125 and outcome.one_clear_line
        killed = outcome.code == 137 and not outcome.err and outcome.ready
        return None if failed or killed else str(outcome)

    def attempt(place, call):
        return sweep.attempt(place, sweep.args, call, ["-k"], False, judge, f"{call}: SIGKILL")

    jobs = [(call,) for call in good.calls if call.process > 0 and possible(call, good)]
    sweep.each(jobs, attempt)
    report(sweep, jobs)
