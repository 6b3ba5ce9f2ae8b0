"""Chapter 05: `skiff commit` of a container that runs."""

import os
import secrets
import signal

import pytest

from harness import check, expect, kernel, until

FILES = 4000  # so that the copy takes a while


def busy(box, *opts):
    """A container with many files in its layer: its name, it itself, its cgroup."""
    name = "c-" + secrets.token_hex(4)
    script = f"mkdir /srv/many; cd /srv/many; i=0; while [ $i -lt {FILES} ]; do : > $i; i=$((i+1)); done; echo on; read line"
    os.makedirs(box.path("/srv"), exist_ok=True)
    held = box.start("sh", "-c", script, opts=["--name", name, *opts])
    held.line(60)
    return name, held, kernel.cgroup_of(held.command())


def is_frozen(cgroup):
    return kernel.cgroup_read(cgroup, "cgroup.freeze") == "1"


def unfinished(home):
    return [one for one in os.listdir(home) if one.startswith(".skiff-commit-")]


class Halfway:
    """A commit whose helper stands still in the middle of its work."""

    def __init__(self, box, home, name, *opts):
        for attempt in range(20):
            self.made = f"{home}/made{attempt}"
            self.running = box.skiff.start(["commit", *opts, name, self.made])
            self.pid = self.running.process.pid
            self.helper = None
            if until(lambda: unfinished(home) or self.running.process.poll() is not None, 20) and self._stop():
                return
            expect(self.running.wait(30), 0)  # it was faster than we are
        raise AssertionError("no commit could be caught at its work")

    def _stop(self):
        children = kernel.read_proc(f"{self.pid}/task/{self.pid}/children").split() if self.running.process.poll() is None else []
        if not children:
            return False
        self.helper = int(children[0])
        try:
            os.kill(self.helper, signal.SIGSTOP)
            until(lambda: kernel.process_status(self.helper)["State"].startswith("T"), 5)
        except OSError:
            return False
        return not os.path.exists(self.made)

    def go_on(self):
        os.kill(self.helper, signal.SIGCONT)
        return self.running.wait(60)


@pytest.mark.parametrize("opts, pauses", [([], True), (["--pause=false"], False), (["--no-pause"], False), (["-p"], True)])
def test_commit_pauses(box, home, opts, pauses):
    name, held, cgroup = busy(box)
    half = Halfway(box, home, name, *opts)
    seen, pausing = is_frozen(cgroup), box.skiff.run(["pause", name])
    if not pauses:
        expect(box.skiff.run(["unpause", name]), 0)
    result = expect(half.go_on(), 0, half.made + "\n")
    check(
        seen == pauses,
        f"We ran `{result.typed}` and read cgroup.freeze of the container meanwhile.",
        f"The container was {'' if seen else 'not '}frozen.",
        "A layer is what the container had in one moment, unless that is not wanted.",
    )
    check(
        pausing.code == (1 if pauses else 0) and (not pauses or "being committed" in pausing.err),
        f"We ran `{pausing.typed}` meanwhile.",
        f"{pausing.ended}: {pausing.err!r}",
        "Nobody is told that a container is paused which goes on in a moment.",
    )
    check(not is_frozen(cgroup), f"We ran `{result.typed}`.", "The container is still frozen.", "It goes on when the copy is made.")
    check(
        len(os.listdir(half.made + "/srv/many")) == FILES and not unfinished(home),
        f"We ran `{result.typed}`.",
        f"The layer has {len(os.listdir(half.made + '/srv/many'))} of {FILES} files. In the directory above: {os.listdir(home)}.",
    )
    held.say("\n")
    expect(held.wait(10), 0)


def test_paused_container_stays_paused(box, home):
    name, held, cgroup = busy(box)
    expect(box.skiff.run(["pause", name]), 0)
    result = expect(box.skiff.run(["commit", name, home + "/made"]), 0)
    check(is_frozen(cgroup), f"We paused the container and ran `{result.typed}`.", "It is not paused any more.",
          "Who has paused a container says when it goes on.")
    expect(box.skiff.run(["unpause", name]), 0)
    held.say("\n")
    expect(held.wait(10), 0)


def test_two_commits(box, home):
    """The second waits until the first lets the container go on."""
    name, held, cgroup = busy(box)
    half = Halfway(box, home, name)
    second = box.skiff.start(["commit", name, home + "/second"])
    until(lambda: second.process.poll() is not None, 0.3)
    check(second.process.poll() is None, "We committed a container that is being committed.", "The second did not wait.")
    expect(half.go_on(), 0)
    expect(second.wait(30), 0, home + "/second\n")
    check(not is_frozen(cgroup), "Two commits have ended.", "The container is still frozen.")
    held.say("\n")
    expect(held.wait(10), 0)


@pytest.mark.parametrize("numbers", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP], [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]])
def test_interrupted(box, home, numbers):
    name, held, cgroup = busy(box)
    half = Halfway(box, home, name)
    for number in numbers:
        half.running.send(number)
    result = half.running.wait(30)
    did = f"We sent `{result.typed}` {len(numbers)} signals, {int(numbers[0])} first."
    check(result.code in [128 + number for number in numbers] and "ended by a signal" in result.err and len(result.complaints) == 1,
          did, f"{result.ended}: {result.err!r}.", "One line says why it ended.")
    check(not is_frozen(cgroup), did, "The container is still frozen.")
    left = [*unfinished(home), *(["the layer"] if os.path.exists(half.made) else [])]
    check(not left, did, f"It left {left}.", "What is not finished is not left.")
    held.say("\n")
    expect(held.wait(10), 0)


@pytest.mark.parametrize("opts, kill", [([], ["rm", "-f"]), (["--rm"], ["kill"])])
def test_removed_meanwhile(box, home, opts, kill):
    """Half of the files are no layer."""
    name, held, _ = busy(box, *opts)
    half = Halfway(box, home, name)
    expect(box.skiff.run([*kill, name]), 0)
    expect(held.wait(20), 137)
    result = half.go_on()
    did = f"We ran `{result.typed}`, and meanwhile `skiff {' '.join(kill)} {name}`."
    check(result.code == 125 and "removed meanwhile" in result.err, did, f"{result.ended}: {result.err!r}",
          "A container that went away under the copy is told of.")
    check(not unfinished(home) and not os.path.exists(half.made), did, f"It left {os.listdir(home)}.")


def test_let_go_meanwhile(box, home):
    """Whoever writes to cgroup.freeze: commit ends."""
    name, held, cgroup = busy(box)
    for _ in range(10):
        committing = box.skiff.start(["commit", name, home + "/made-" + secrets.token_hex(4)])
        while committing.process.poll() is None:
            with open(os.path.join(kernel.cgroup_path(cgroup), "cgroup.freeze"), "w", encoding="ascii") as freeze:
                freeze.write("0")
        result = committing.wait(5)
        check(result.code == 0 or "let it go on" in result.err, "We unfroze the container as fast as we could.",
              f"{result.ended}: {result.err!r}")
    check(not unfinished(home), "We unfroze the container as fast as we could.", f"It left {unfinished(home)}.")
    held.say("\n")
    expect(held.wait(10), 0)
