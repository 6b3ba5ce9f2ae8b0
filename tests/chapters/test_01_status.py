"""Chapter 01: task 1.3: how the command ended."""

import os
import random
import resource
import signal

from harness import check, expect, kernel, process_stat, task, teach, until

TERMINATING = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 24, 25, 26, 27, 29, 30, 31, 34, 50, 64]
NOTHING_YET = "with WNOHANG, waitid(2) returns at once also when nothing has happened: si_pid is 0 then."


@task("1.3")
def test_exit_code_is_the_commands(box):
    codes = [0, 1, 255, *random.sample(range(2, 255), 5)]
    for code in codes:
        result = box.run("@die", str(code))
        expect(
            result,
            code,
            rule="The exit code of skiff is the exit code of the command.",
            likely=lambda: (
                "the whole status word was used: WEXITSTATUS of wait(2), or si_status of waitid(2), has the"
                " code."
                if result.code == code << 8 & 255 or result.code == 0
                else (
                    NOTHING_YET
                    if result.code == 128
                    else "the code of the wait call was used, or a constant."
                )
            ),
        )


@task("1.3")
def test_command_is_waited_for(box):
    """The command ends only when skiff has looked once, and has found nothing."""
    code = random.randint(10, 120)
    job = box.start("sh", "-c", f"echo ready; read line; exit {code}")
    job.line()
    until(lambda: kernel.settled(job.pid))
    job.release()
    result = job.wait()
    expect(
        result,
        code,
        rule="skiff ends when its command has ended.",
        likely=NOTHING_YET if result.code == 128 else "",
    )


def dying(box, number):
    """A command that dies of a signal. PID 1 of a PID namespace can't send one to itself, so later stages share the host's PIDs."""
    return box.run("@die", "-s", str(number), opts=["--pid=host"] if box.skiff.stage >= 3 else [])


@task("1.3")
def test_death_by_a_signal_is_128_and_its_number(box):
    for number in TERMINATING:
        result = dying(box, number)

        def likely():
            if result.signalled:
                return "skiff sent the signal to itself as well; it should exit with the code."
            if result.code == 128:
                return NOTHING_YET
            if result.code == number:
                return (
                    "si_status is the number of the signal when si_code is CLD_KILLED or CLD_DUMPED: add 128."
                )
            if number in (3, 4, 5, 6, 7, 8, 11, 24, 25, 31):
                return "this signal dumps core: si_code is CLD_DUMPED then, not CLD_KILLED."
            return (
                "a death by a signal is not an exit: look at si_code of waitid(2) (CLD_KILLED, CLD_DUMPED)."
            )

        check(
            result.code == 128 + number and not result.signalled,
            f"We ran a command that dies of signal {number} ({signal_name(number)}): `{result.typed}`.",
            f"It should end with {128 + number}; {result.ended}.",
            "128+n tells a shell that signal n ended the command.",
            likely,
        )


def signal_name(number):
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN+{number - 34}"


@task("1.3")
def test_core_dump_is_a_death_by_signal(box):
    def may_dump():
        # sudo sets the hard limit to 0, and root without CAP_SYS_RESOURCE can't raise it: no dump there, in the lab VM one.
        try:
            resource.setrlimit(resource.RLIMIT_CORE, (1 << 24, 1 << 24))
        except ValueError:
            pass

    # With the kernel's default core_pattern the dump is a file in the working directory.
    result = box.run("@die", "-f", "SEGV", opts=["-w", box.inside("/tmp")], before=may_dump)
    check(
        result.code == 139,
        f"We ran a command that touches memory which it does not have: `{result.typed}`.",
        f"It should end with 139 (128 + SIGSEGV); {result.ended}.",
        "A signal that dumps core ends the process as any other.",
        (
            NOTHING_YET
            if result.code == 128
            else "si_code is CLD_DUMPED here, not CLD_KILLED: both are deaths by a signal."
        ),
    )


@task("1.3")
def test_command_killed_from_outside(box):
    held = box.hold()
    os.kill(held.child(), signal.SIGKILL)
    result = held.wait()
    check(
        result.code == 137,
        f"We ran `{result.typed}` and killed its command with SIGKILL from the host.",
        f"It should end with 137; {result.ended}.",
        "128+9: skiff reports the death of the command, whoever caused it.",
        "a death by a signal is not an exit: look at si_code of waitid(2).",
    )


@task("1.3")
def test_skiff_can_hear_while_it_waits(box):
    """A skiff that sleeps in waitid(2) does not read the signals that it should forward."""
    held = box.hold()
    command = held.command()

    def sleeps_in():
        if held.process.poll() is not None:
            return "none"
        number = kernel.read_proc(f"{held.pid}/syscall").split()[0]
        # A skiff that gives up waits, too, but for a command that it has killed: that one does not sleep.
        both_sleep = kernel.settled(held.pid) and process_stat(command)["state"] == "S"
        return number if number != "running" and both_sleep else None

    number = until(sleeps_in)
    check(
        number != str(kernel.waitid_number()),
        f"We ran `{held.typed}` and read in /proc/{held.pid}/syscall where skiff sleeps.",
        f"It sleeps in the system call number {number}, which is waitid(2).",
        "While the command runs, skiff waits for signals: SIGCHLD is one of them, and tells it when to look.",
        "waitid(2) was called without WNOHANG, so it does not return before the command has ended.",
    )
    held.release()
    expect(held.wait(), 0)


@task("1.3")
def test_kill_in_the_stead_of_a_signal(box):
    """PID 1 of a PID namespace drops SIGTERM, so skiff sends SIGKILL; people shall hear of the SIGTERM."""
    held = box.hold()
    held.send(signal.SIGTERM)
    result = held.wait()
    check(
        result.code == 143,
        f"We sent SIGTERM to skiff while it ran `{result.typed}`.",
        f"It should end with 143; {result.ended}.",
        "143 is 128 + SIGTERM: the signal that was meant, also where skiff had to send SIGKILL in its stead.",
        (
            "the exit code is SIGKILL's: where SIGKILL ended the container, c->sent_signal says in whose"
            " stead."
            if result.code == 137
            else ""
        ),
    )


@task("1.3")
def test_skiff_waits_for_the_command_only(box):
    """A grandchild that ends with another code must not be taken for the command."""
    code = random.randint(10, 120)
    result = box.run("sh", "-c", f"(exit 3) & wait; sh -c 'exit 4'; exit {code}")
    expect(result, code, rule="skiff waits for the child that it made, and for nobody else.")


@task("1.3")
def test_zombie_is_waited_for(box):
    held = box.hold()
    child = held.child()
    held.release()
    held.wait()
    check(
        not until(lambda: os.path.exists(f"/proc/{child}"), 0),
        f"We ran `{held.typed}` to its end.",
        (
            f"PID {child}, the command, is still there, as"
            f" {process_stat(child) if os.path.exists(f'/proc/{child}') else ''}."
        ),
        "A process that ended stays as a zombie until its parent has waited for it.",
        "waitid(2) was called with WNOWAIT, or poll(2) on the pidfd alone.",
    )


def test_a_stopped_command_is_not_an_ended_one(box):
    held = box.hold()
    child = held.command()
    os.kill(child, signal.SIGSTOP)
    if not until(lambda: process_stat(child)["state"] == "T"):
        teach(
            f"We ran `{held.typed}` and stopped the command with SIGSTOP.",
            f"It is in state {process_stat(child)['state']}.",
        )
    os.kill(child, signal.SIGCONT)
    until(lambda: process_stat(child)["state"] == "S")
    if process_stat(held.pid)["state"] == "T":
        os.kill(held.pid, signal.SIGCONT)
    held.release()
    expect(held.wait(), 0, rule="A stop is not an end: skiff goes on waiting.")
