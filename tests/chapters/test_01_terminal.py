"""Chapter 01: the terminal goes to the container, and comes back."""

import contextlib
import os
import secrets
import signal

from harness import check, kernel, process_stat, task, until


def in_terminal(terminal, box, *command, opts=(), background=False):
    screen = terminal(box.args(command, opts), background)
    return screen, screen.report()


def test_container_has_the_terminal_while_it_runs(box, terminal):
    screen, started = in_terminal(terminal, box, "@terminal")
    seen = screen.json()
    command = kernel.children(started["pid"])[0]
    group = process_stat(command)["pgrp"]
    check(
        seen["tty"] == 1 and group == command != started["pid"],
        f"We ran `{screen.typed}` in a terminal.",
        f"skiff is {started['pid']}, the command {command}, in the process group {group}.",
        "The container has a process group of its own, so that ^C reaches it and not skiff.",
    )
    check(
        seen["foreground"] == seen["pgrp"] and screen.foreground() == group,
        f"We ran `{screen.typed}` in the foreground of a terminal.",
        f"The terminal's foreground group is {screen.foreground()}, the container's is {group}.",
        "Only the foreground group may read from the terminal (tcsetpgrp(3)): skiff hands it over.",
    )
    word = secrets.token_hex(4)
    screen.type(word + "\n")
    screen.read_until(f"got {word}")
    ended = screen.report()
    check(
        ended
        == {
            "event": "ended",
            "pid": started["pid"],
            "code": 0,
            "foreground": started["pid"],
            "same_modes": 1,
        },
        f"We ran `{screen.typed}` to its end in a terminal.",
        f"Afterwards the shell sees: {ended}; skiff's group is {started['pid']}.",
        "At the end skiff takes the terminal back.",
    )


def test_interrupt_key_reaches_the_container(box, terminal):
    screen, started = in_terminal(
        terminal, box, "sh", "-c", 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.01; done'
    )
    screen.read_until("ready")
    screen.type("\x03")
    screen.read_until("caught")
    ended = screen.report()
    check(
        ended["code"] == 5 and ended["foreground"] == started["pid"],
        f"We typed ^C while `{screen.typed}` ran.",
        f"It ended: {ended}.",
        "^C is a signal to the foreground group: the container handles it, skiff reports the exit code.",
    )


def test_interrupt_key_without_a_handler(box, terminal):
    screen, _ = in_terminal(terminal, box, "@hold", opts=box.no_pid_1())
    screen.read_until("ready")
    screen.type("\x03")
    ended = screen.report()
    check(
        ended["code"] == 130,
        f"We typed ^C while `{screen.typed}` ran.",
        f"It ended: {ended}.",
        "130 is 128 + SIGINT.",
    )


def test_interrupt_key_under_init(box, terminal):
    screen, _ = in_terminal(terminal, box, "@hold", opts=["--init"])
    screen.read_until("ready")
    screen.type("\x03")
    ended = screen.report()
    check(
        ended["code"] == 130,
        f"We typed ^C while `{screen.typed}` ran.",
        f"It ended: {ended}.",
        "130 is 128 + SIGINT.",
    )


@contextlib.contextmanager
def standing_still(*pids):
    """These processes are stopped, in this order. They go on in the reverse one, so that no parent sees that a child was stopped."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
        until(lambda: process_stat(pid)["state"] == "T")
    try:
        yield
    finally:
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


@task("1.6")
def test_interrupt_key_arrives_once(box, terminal):
    """The terminal sends ^C to init and command alike: they are one process group. An init that passes it on doubles it.

    Of two SIGINT that wait at the same time, one is kept (signal(7)): the init stands still until the command has had its own.
    """
    screen, started = in_terminal(terminal, box, "@catch", "100", opts=["--init"])
    screen.read_until("ready")
    init = kernel.children(started["pid"])[0]
    command = kernel.children(init)[0]
    with standing_still(started["shell"], started["pid"], init):
        screen.type("\x03")
        screen.read_until("2\r\n")
    until(lambda: kernel.settled(init))
    os.kill(command, signal.SIGUSR1)  # comes after whatever the init has sent
    more = screen.read_until("10\r\n").splitlines().count("2")
    os.kill(command, signal.SIGKILL)
    screen.report()
    check(
        not more,
        (
            f"We typed ^C while `{screen.typed}` ran, whose command handles SIGINT, and stopped its init until"
            " the command had got it."
        ),
        f"The command got SIGINT {1 + more} times.",
        "A key of the terminal is a signal to the whole foreground group; the kernel itself sends it.",
        "the init passes on what the command was sent already: si_code of such a signal is SI_KERNEL.",
    )


def test_terminal_modes_are_restored(box, terminal):
    screen, started = in_terminal(terminal, box, "@terminal", "raw")
    ended = screen.report()
    check(
        ended["code"] == 0 and ended["same_modes"] == 1 and ended["foreground"] == started["pid"],
        f"We ran `{screen.typed}`, which leaves the terminal in raw mode, without echo.",
        f"Afterwards: {ended}.",
        "skiff gives back the terminal as it was: the next command line must be readable.",
    )


def test_stopped_output_flows_again(box, terminal):
    """tcflow(3) stops the output of a terminal for everybody: --explain is what skiff itself prints there at the end."""
    screen = terminal(box.args(["@terminal", "stop"], globals=["--explain"]))
    screen.report()
    ended = screen.report()
    check(
        ended["event"] == "ended" and ended["code"] == 0,
        f"We ran `{screen.typed}`, which stops the output of the terminal, and ends.",
        f"Afterwards: {ended}.",
        "skiff gives back the terminal as it was: tcflow(3) with TCOON.",
    )
    screen.read_until("container_undo")


@task("1.3")
def test_suspend_key_stops_skiff_like_any_job(box, terminal):
    screen, started = in_terminal(terminal, box, "@terminal", opts=box.no_pid_1())
    screen.json()
    screen.type("\x1a")
    stopped = screen.report(
        likely="WSTOPPED was not asked for: the command stopped, and waitid(2) never told skiff."
    )
    check(
        stopped["event"] == "stopped" and stopped["same_modes"] == 1,
        f"We typed ^Z while `{screen.typed}` ran.",
        f"The shell sees: {stopped}.",
        "^Z stops the container; skiff then stops as well, so that the shell prompts again.",
        "WSTOPPED was not asked for, or CLD_STOPPED was taken for an end.",
    )
    os.kill(screen.job.pid if started["shell"] == screen.job.pid else started["shell"], signal.SIGUSR1)
    word = secrets.token_hex(4)
    command = kernel.children(started["pid"])[0]
    until(lambda: screen.foreground() == process_stat(command)["pgrp"])
    screen.type(word + "\n")
    screen.read_until(f"got {word}")
    check(
        screen.report()["code"] == 0,
        f"We stopped `{screen.typed}` with ^Z, and continued it as `fg` does.",
        "It did not end well.",
    )


def test_background_skiff_leaves_the_terminal_alone(box, terminal):
    screen, started = in_terminal(terminal, box, "sh", "-c", "exit 6", background=True)
    ended = screen.report()
    check(
        ended["event"] == "ended" and ended["code"] == 6 and ended["foreground"] == started["shell"],
        f"We ran `{screen.typed} &`: in the background of a terminal.",
        f"Afterwards the shell ({started['shell']}) sees: {ended}.",
        "A job in the background may not take the terminal from the shell.",
    )
