"""Chapter 05: `skiff commit` of a container that runs."""

import os
import secrets
import signal

import pytest

from harness import check, expect, kernel, until

FILES = 3000  # so that the copy takes a while


def busy(box):
    """A container with many files in its layer: its name, it itself, its cgroup."""
    name = "c-" + secrets.token_hex(4)
    script = f"mkdir /srv/many; cd /srv/many; i=0; while [ $i -lt {FILES} ]; do echo $i > $i; i=$((i+1)); done; echo on; read line"
    os.makedirs(box.path("/srv"), exist_ok=True)
    held = box.start("sh", "-c", script, opts=["--name", name])
    held.line(30)
    return name, held, kernel.cgroup_of(held.command())


def is_frozen(cgroup):
    return kernel.cgroup_read(cgroup, "cgroup.freeze") == "1"


@pytest.mark.parametrize("opts, pauses", [([], True), (["--pause=false"], False), (["--no-pause"], False), (["-p"], True)])
def test_commit_pauses(box, home, opts, pauses):
    name, held, cgroup = busy(box)
    made = home + "/made"
    committing = box.skiff.start(["commit", *opts, name, made])
    seen = until(lambda: is_frozen(cgroup) or committing.process.poll() is not None, 20) and is_frozen(cgroup)
    result = expect(committing.wait(30), 0, made + "\n")
    check(
        seen == pauses,
        f"We ran `{result.typed}` and read cgroup.freeze of the container until it had ended.",
        f"The container was {'' if seen else 'never '}frozen.",
        "A layer is what the container had in one moment, unless that is not wanted.",
    )
    check(not is_frozen(cgroup), f"We ran `{result.typed}`.", "The container is still frozen.", "It goes on when the copy is made.")
    check(len(os.listdir(made + "/srv/many")) == FILES, f"We ran `{result.typed}`.", "Files are missing in the layer.")
    check(os.listdir(home).count("made") == 1 and not [one for one in os.listdir(home) if one.startswith(".skiff")],
          f"We ran `{result.typed}`.", f"In the directory above are now {os.listdir(home)}.")
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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted(box, home, number):
    name, held, cgroup = busy(box)
    committing = box.skiff.start(["commit", name, home + "/made"])
    until(lambda: is_frozen(cgroup) and [one for one in os.listdir(home) if one.startswith(".skiff-commit-")], 20)
    committing.send(number)
    result = expect(committing.wait(10), 128 + number)
    check("ended by a signal" in result.err and len(result.complaints) == 1, f"We sent `{result.typed}` signal {int(number)}.",
          f"It said {result.err!r}.", "One line says why it ended.")
    check(not is_frozen(cgroup), f"We sent `{result.typed}` signal {int(number)}.", "The container is still frozen.")
    left = [one for one in os.listdir(home) if "commit" in one or one == "made"]
    check(not left, f"We sent `{result.typed}` signal {int(number)}.", f"It left {left}.", "What is not finished is not left.")
    held.say("\n")
    expect(held.wait(10), 0)
