"""Chapter 01: task 1.5: a signal for skiff is one for its container."""

import os
import random
import signal
import time

import pytest

from harness import check, expect, kernel, process_stat, task, teach, until

FORWARDED = [
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
    signal.SIGWINCH,
    signal.SIGTSTP,
    signal.SIGURG,
    signal.SIGPIPE,
    signal.SIGPWR,
    signal.SIGIO,
    36,
    64,
    signal.SIGTERM,
]
DEADLY = [
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGALRM,
    signal.SIGPIPE,
    signal.SIGTERM,
    40,
]


def names(numbers):
    return [
        signal.Signals(n).name if n in signal.Signals._value2member_map_ else f"signal {n}" for n in numbers
    ]


@task("1.5")
@pytest.mark.parametrize("kind", ["handled", "blocked"])
@pytest.mark.parametrize("init", [False, True], ids=["", "init"])
def test_every_signal_reaches_the_command(box, kind, init):
    job = box.start(
        "@catch",
        str(len(FORWARDED)),
        *(["blocked"] if kind == "blocked" else []),
        opts=["--init"] if init else [],
    )
    job.line()
    for number in FORWARDED:
        if job.process.poll() is not None:
            result = job.wait()
            teach(
                f"We sent {names([number])[0]} to `{job.typed}`.",
                f"{result.ended}.",
                "skiff ended before its container.",
                (
                    "a signal that skiff should forward has killed skiff itself, or skiff killed the"
                    " container although it would have noticed the signal: SigCgt and SigBlk of"
                    " /proc/PID/status say so."
                ),
            )
        job.send(number)
        got = job.line(
            likely=lambda: (
                "the signal was never sent on: pidfd_send_signal(2) with the container's pidfd."
                if job.result.signalled == signal.SIGKILL
                else (
                    "SIGKILL was sent without asking whether the command would have noticed the signal:"
                    " signal_is_dropped() says."
                )
            )
        )
        check(
            int(got) == number,
            f"We sent {names([number])[0]} to skiff, which ran `{job.typed}`.",
            f"The command got signal {got}.",
            "A signal for skiff is meant for what runs in it: the same signal is sent on.",
            "another number is sent than the one that came.",
        )
    expect(job.wait(), 0)


@task("1.5")
def test_signal_without_a_handler_ends_the_container(box):
    for number in DEADLY:
        held = box.hold()
        held.hang_reason = (
            "the signal was sent on and dropped, for PID 1 has no handler: ask signal_is_dropped(), and send"
            " SIGKILL where it says yes."
            if box.skiff.stage >= 3
            else "the signal was not sent on: pidfd_send_signal(2)."
        )
        held.send(number)
        result = held.wait(5)

        def likely():
            if result.code == 137:
                return (
                    "SIGKILL was sent in place of the signal, but the exit code is SIGKILL's: remember the"
                    " signal in c->sent_signal."
                )
            if result.signalled:
                return "the signal killed skiff itself: it was not blocked."
            return ""

        check(
            result.code == 128 + number and not result.signalled,
            (
                f"We sent {names([number])[0]} to skiff while it ran `{result.typed}`, a command without any"
                " handler."
            ),
            f"It should end with {128 + number}; {result.ended}.",
            "A signal for skiff ends its container as it would end the command: 128+n.",
            likely,
        )


@task("1.5")
def test_sigterm_is_not_lost_on_pid_1(box):
    """The kernel drops signals for a PID 1 that has no handler for them."""
    held = box.hold()
    child = held.child()
    held.send(signal.SIGTERM)
    if not until(lambda: held.process.poll() is not None):
        teach(
            f"We sent SIGTERM to skiff while it ran `{held.typed}`.",
            f"5 seconds later the command (PID {child} on the host) still runs.",
            (
                "kill -TERM of skiff always ends a container whose command does not handle SIGTERM. In a PID"
                " namespace the command is PID 1, and the kernel drops signals that PID 1 has no handler for."
            ),
            (
                "the signal was sent on and dropped: ask signal_is_dropped(), and send SIGKILL where it says"
                " yes."
                if box.skiff.stage >= 3
                else "the signal was not sent on: pidfd_send_signal(2)."
            ),
        )
    result = held.wait()
    check(
        result.code == 143,
        f"We sent SIGTERM to skiff while it ran `{result.typed}`.",
        f"It should end with 143; {result.ended}.",
        "143 is 128 + SIGTERM.",
        (
            "the exit code says SIGKILL, which skiff sent in SIGTERM's stead: c->sent_signal remembers which"
            " it was."
            if result.code == 137
            else ""
        ),
    )


@task("1.5")
def test_ignored_signal_does_not_kill(box):
    code = random.randint(10, 100)
    job = box.start("sh", "-c", f'trap "" TERM; echo ready; read line; exit {code}')
    job.line()
    job.send(signal.SIGTERM)
    until(lambda: kernel.settled(job.pid))
    job.say("go on\n")
    expect(
        job.wait(),
        code,
        rule="A command that ignores SIGTERM (trap '' TERM) goes on.",
        likely="SIGKILL was sent without asking whether the command ignores the signal: SigIgn.",
    )


@task("1.5")
def test_harmless_signals_do_not_kill(box):
    held = box.hold()
    for number in (signal.SIGWINCH, signal.SIGCONT, signal.SIGURG):
        held.send(number)
    until(lambda: kernel.settled(held.pid))
    check(
        held.process.poll() is None and process_stat(held.command())["state"] in "SR",
        f"We sent SIGWINCH, SIGCONT and SIGURG to skiff while it ran `{held.typed}`.",
        "The command ended or stopped.",
        (
            "The default action of these is to do nothing (signal(7)); a resized window must not end a"
            " container."
        ),
        "every signal that PID 1 drops was turned into SIGKILL.",
    )
    held.release()
    expect(held.wait(), 0)


@task("1.5")
def test_stop_and_continue(box):
    held = box.hold(opts=box.no_pid_1())
    command = held.command()
    held.send(signal.SIGTSTP)
    check(
        until(lambda: process_stat(command)["state"] == "T"),
        f"We sent SIGTSTP to skiff while it ran `{held.typed}`.",
        f"The command is in state {process_stat(command)['state']}, not T (stopped).",
        "SIGTSTP is forwarded like any other.",
    )
    if process_stat(held.pid)["state"] == "T":
        os.kill(held.pid, signal.SIGCONT)
    held.send(signal.SIGCONT)
    check(
        until(lambda: process_stat(command)["state"] in "SR"),
        f"We sent SIGCONT to skiff while it ran `{held.typed}`, whose command was stopped.",
        f"The command is in state {process_stat(command)['state']}.",
        "SIGCONT is forwarded, too: it is the way back from a stop.",
    )
    held.release()
    expect(held.wait(), 0)


@task("1.5")
def test_signal_in_the_first_moment_is_not_lost(box):
    """From its first instruction to its last, a SIGTERM ends skiff and its container, and leaves nothing (the census looks)."""
    for _ in range(12):
        job = box.start("@hold")
        delay = random.random() * 0.004
        begin = time.monotonic()
        while time.monotonic() - begin < delay:
            pass
        job.send(signal.SIGTERM)
        result = job.wait(5)
        check(
            result.code == 143,
            f"We ran `{result.typed}` and sent SIGTERM {delay * 1000:.1f} ms after its start.",
            f"It should end with 143; {result.ended}.",
            "A signal that comes before the command runs counts, too.",
            "the signal was sent on when the child had not started yet, and forgotten then.",
        )


def test_killed_skiff_takes_its_container_along(box):
    for opts in ([], ["--init"]):
        held = box.hold(opts=opts)
        below = kernel.descendants(held.pid)
        held.send(signal.SIGKILL)
        held.wait()
        check(
            until(
                lambda: not any(
                    os.path.exists(f"/proc/{pid}") and process_stat(pid)["state"] != "Z" for pid in below
                )
            ),
            f"We ran `{held.typed}` and killed skiff with SIGKILL.",
            "Of the container these still run: "
            + ", ".join(
                f"{pid} {kernel.command_line(pid)}" for pid in below if os.path.exists(f"/proc/{pid}")
            ),
            (
                "Nobody is left who could stop it: a container dies with its skiff (PR_SET_PDEATHSIG in"
                " prctl(2))."
            ),
        )
    expect(box.run("@die", "0"), 0)
    left = [
        name
        for part in os.listdir(box.skiff.run_dir)
        for name in os.listdir(os.path.join(box.skiff.run_dir, part))
    ]
    check(
        not left,
        "We killed two skiffs with SIGKILL and then ran another container.",
        f"State of the dead ones is left in $SKIFF_RUN: {left}",
        "The next skiff sweeps what a killed one left.",
    )
