"""Chapter 01: task 1.6: the init of --init, and what waiting costs."""

import os
import random
import secrets
import signal

from harness import check, expect, kernel, process_stat, task, teach, until


@task("1.6")
def test_init_reaps_orphans(box):
    count = random.randint(4, 9)
    job = box.start("@orphans", str(count), opts=["--init"])
    job.line()

    def zombies():
        return [pid for pid in kernel.descendants(job.pid) if process_stat(pid)["state"] == "Z"]

    until(lambda: not zombies())
    left = zombies()
    reaper = process_stat(left[0])["ppid"] if left else 0
    check(
        not left,
        f"We ran `{job.typed}`: it leaves {count} orphans, which end at once.",
        f"{len(left)} zombies are left, children of PID {reaper} ({kernel.command_line(reaper)}).",
        (
            "An orphan becomes the child of PID 1 (or of a subreaper), who has to wait for it; else a zombie"
            " stays and takes a place in the process table."
        ),
        lambda: (
            "one SIGCHLD can stand for several ended children: wait in a loop until waitid(2) finds none."
            if 0 < len(left) < count
            else "the init waits for the command only: P_ALL takes any child."
        ),
    )
    job.release()
    expect(job.wait(), 0)


@task("1.6")
def test_init_reaps_all_that_one_signal_stands_for(box):
    """While a SIGCHLD is pending, a second one is not kept (signal(7)): we stop the init until all have ended."""
    count = random.randint(4, 9)
    job = box.start(
        "sh", "-c", f"echo ready; read line; exec {box.probe('orphans')} {count}", opts=["--init"]
    )
    job.line()
    init = job.child()

    def zombies():
        return [pid for pid in kernel.children(init) if process_stat(pid)["state"] == "Z"]

    os.kill(init, signal.SIGSTOP)
    job.say("go\n")
    job.line()
    all_ended = until(lambda: len(zombies()) == count)
    os.kill(init, signal.SIGCONT)
    until(lambda: not zombies())
    left = len(zombies())
    check(
        all_ended and not left,
        f"We ran `{job.typed}`, stopped its init while {count} orphans ended, and let it go on.",
        f"{left} zombies are left.",
        "Signals do not count: a SIGCHLD that comes while one is pending is lost.",
        "one SIGCHLD can stand for several ended children: wait in a loop until waitid(2) finds none.",
    )
    job.release()
    expect(job.wait(), 0)


@task("1.6")
def test_init_is_between_skiff_and_the_command(box):
    held = box.hold(opts=["--init"])
    below = kernel.descendants(held.pid)
    init = held.child()
    check(
        len(below) == 2 and process_stat(held.command())["ppid"] == init,
        f"We ran `{held.typed}` and looked at the processes.",
        f"Below skiff there are: {[(pid, kernel.command_line(pid)) for pid in below]}.",
        "--init puts a small init between: skiff, init, command.",
    )
    fds = os.listdir(f"/proc/{init}/fd")
    check(
        set(fds) <= {"0", "1", "2"},
        f"We ran `{held.typed}` and looked at init's descriptors.",
        f"It holds {sorted(fds, key=int)}.",
        "The init lives inside of the container as long as it runs: it holds nothing that leads out.",
    )
    held.release()
    expect(held.wait(), 0)


def test_init_tells_nothing_of_the_caller(box):
    """What it was started with is everybody's to read in the container: cmdline, and environ for root."""
    word, other = secrets.token_hex(8), secrets.token_hex(8)
    held = box.hold(opts=["--init", "-e", f"PASSWORD={word}"], env={"TOKEN": other})
    init = held.child()

    def words(name):
        with open(f"/proc/{init}/{name}", encoding="utf-8") as file:
            return file.read().replace("\0", " ").split()

    until(lambda: words("cmdline") == ["init"])  # the command's own words go when it has started
    for name, expected in (("cmdline", ["init"]), ("environ", [])):
        check(
            words(name) == expected,
            f"We ran `{held.typed}` and read /proc/{init}/{name}, which is /proc/1/{name} in the container.",
            f"It holds {words(name)}.",
            "The init is a copy of skiff: the caller's environment and options have to be wiped from it.",
        )
    held.finish()


@task("1.6")
def test_init_passes_the_status_on(box):
    code = random.randint(10, 120)
    expect(
        box.run("@die", str(code), opts=["--init"]),
        code,
        rule="The exit code is the command's, through its init.",
    )
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, 40):
        result = box.run("@die", "-s", str(int(number)), opts=["--init"])
        check(
            result.code == 128 + number,
            f"We ran `{result.typed}`.",
            f"It should end with {128 + number}; {result.ended}.",
            "128+n, through the init as without it.",
            "exit_code_of() makes an exit code of what waitid(2) found.",
        )
    expect(box.run("/no/such/command", opts=["--init"]), 127)


@task("1.6")
def test_init_waits_for_the_command_and_no_other(box):
    code = random.randint(10, 120)
    likely = "the init returned when any child had ended: compare its PID with the command's."
    job = box.start(
        "sh",
        "-c",
        f"(sh -c 'exit 3' &); (exit 4) & wait; echo ready; read line; exit {code}",
        opts=["--init"],
    )
    job.line(likely=likely)
    # The command ends when the orphan has ended and has been waited for: there are init and command, or no container any more.
    until(lambda: len(kernel.descendants(job.pid)) <= 2)
    job.release()
    expect(
        job.wait(),
        code,
        rule="The container ends with its command, not with the first orphan that ends.",
        likely=likely,
    )


@task("1.6")
def test_init_forwards_signals(box):
    held = box.hold(opts=["--init"])
    held.send(signal.SIGTERM)
    if not until(lambda: held.process.poll() is not None):
        teach(
            f"We sent SIGTERM to skiff while it ran `{held.typed}`.",
            "5 seconds later the container still runs.",
            "skiff sends the signal to the init, which passes it on to the command.",
            "the init takes the signal (sigwaitinfo(2)) and drops it: kill(2) the command with it.",
        )
    result = held.wait()
    check(
        result.code == 143,
        f"We sent SIGTERM to skiff while it ran `{result.typed}`.",
        f"It should end with 143; {result.ended}.",
        "143 is 128 + SIGTERM.",
    )


@task("1.6")
def test_init_ends_with_its_command_though_others_run(box):
    if box.skiff.stage >= 3:
        code = random.randint(10, 120)
        job = box.start("sh", "-c", f"(sleep 100 &); exit {code}", opts=["--init"])
        job.hang_reason = "the init waited until no child was left."
        expect(
            job.wait(5),
            code,
            rule=(
                "The container ends with its command: what else runs in its PID namespace is killed by the"
                " kernel."
            ),
        )


def test_waiting_processes_are_small(box):
    held = box.hold(opts=["--init"])
    for pid, what in ((held.pid, "the waiting skiff"), (held.child(), "the init")):
        size = kernel.pss_kib(pid)
        check(
            size < 1024,
            f"We ran `{held.typed}` and read Pss in /proc/{pid}/smaps_rollup ({what}).",
            f"It is {size} KiB.",
            "Each waiting process costs less than 1 MiB: a machine may run hundreds of containers.",
        )
    held.release()
    expect(held.wait(), 0)
