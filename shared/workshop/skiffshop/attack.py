"""make attack CH=2: each escape, before the task that stops it and after.

tests/attacks/NN-name/attack.json says which; its `run` makes the attempt
and prints the word in CANARY_FILE only if it got out.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from . import machine
from .errors import ShopError
from .rooms import build_learner, choose_rooms
from .terminal import fold, paint, say
from .verdicts import SAYS_UNWRITTEN

SECONDS = 30
LAB_MARK = Path("/run/lab")
GIVEN = "given"  # stops_at: no task, but code that every chapter is given
COLUMNS = {"escaped": "red", "stopped": "green"}


@dataclass
class Attack:
    """One directory below tests/attacks."""
    directory: Path
    data: dict

    @property
    def program(self):
        """What makes the attempt."""
        return self.directory / "run"


@dataclass
class Try:
    """One attempt against one runtime."""
    who: str
    state: str
    evidence: str = ""


def list_attacks(tree):
    """All attacks, each with its description checked."""
    found = []
    for path in sorted((tree.root / "tests" / "attacks").glob(
            "*/attack.json")):
        shown = str(tree.shown(path))
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            data["chapter"] = int(data["chapter"])
            for key in ("title", "stops_at", "explains", "before", "after"):
                data[key]
        except (ValueError, KeyError, TypeError) as error:
            raise ShopError(shown, f"not an attack: {error}") from None
        attack = Attack(path.parent, data)
        if not os.access(attack.program, os.X_OK):
            raise ShopError(shown, "there is no executable `run` beside it")
        found.append(attack)
    return found


def read_attacks(tree, chapter):
    """The attacks of a chapter."""
    found = [attack for attack in list_attacks(tree)
             if attack.data["chapter"] == chapter.number]
    if not found:
        raise ShopError(f"chapter {chapter.label}", "it has no attacks",
                        "see tests/attacks/")
    return found


def attempt(tree, attack, who, skiff, arguments):
    """Run the attack once, on a bench with a canary of its own."""
    word = "canary-" + secrets.token_hex(8)
    with machine.bench() as place:
        place.add_skiff(skiff)
        place.add_root(machine.image_root(tree))
        place.canary.write_text(word + "\n", encoding="utf-8")
        status, output = machine.run_script(
            place, f'exec "{attack.program}"\n', SECONDS,
            {"SKIFF": str(place.bin / "skiff"), "BUILD": str(tree.build),
             "CANARY_FILE": str(place.canary),
             "SKIFF_ARGS": " ".join(arguments)})
    return verdict(who, word, status, output)


def verdict(who, word, status, output):
    """Escaped if the word came out; else what it was stopped by."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    for line in lines:
        if word in line:
            return Try(who, "escaped", line)
    unwritten = SAYS_UNWRITTEN.search(output)
    if unwritten:
        return Try(who, "not written yet", unwritten.group())
    if status is None:
        return Try(who, "no answer", f"no end after {SECONDS} s")
    return Try(who, "stopped", lines[-1] if lines else f"exit {status}")


def learners(tree, attack, chapter):
    """The same on the learner's code, as far as it is written."""
    number = str(attack.data["stops_at"])
    if number != GIVEN and number in chapter.unwritten():
        return Try("yours", "not written yet", f"task {number} stops it")
    built, _ = build_learner(tree, choose_rooms(
        tree, chapter, attack.data["chapter"]))
    if not built:
        return Try("yours", "does not compile",
                   f"make check CH={chapter.number} says why")
    return attempt(tree, attack, "yours", tree.build / "learner" / "skiff",
                   attack.data["after"].get("args", []))


def weak_skiff(tree, attack):
    """Our own runtime with the one mistake of the attack's weak.mutant."""
    name = attack.directory.name
    goal = f"{machine.build(tree)}/weak/{name}/skiff"
    return machine.need(tree, goal, tree.build / "weak" / name / "skiff",
                        f"the weak skiff of {name}")


def mistake(attack):
    """What is wrong with the weak runtime, in its author's words."""
    path = attack.directory / "weak.mutant"
    if not attack.data["before"].get("weak") or not path.exists():
        return ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("about:"):
            return line.partition(":")[2].strip()
    return "see " + path.name


def defending_chapter(tree, attack):
    """The chapter of the task that stops it; its own, if given code does."""
    if attack.data["stops_at"] == GIVEN:
        return tree.chapter(str(attack.data["chapter"]))
    chapter, _ = tree.task(str(attack.data["stops_at"]))
    return chapter


def run_attack(tree, attack):
    """Before, after and the learner's own."""
    tries = []
    for who in ("before", "after"):
        stage = attack.data[who]
        skiff = (weak_skiff(tree, attack) if stage.get("weak")
                 else machine.stage_skiff(tree, int(stage["stage"])))
        tries.append(attempt(tree, attack, who, skiff,
                             stage.get("args", [])))
    chapter = defending_chapter(tree, attack)
    tries.append(learners(tree, attack, chapter))
    return tries


def show(attack, tries):
    """Three columns, then the evidence for each."""
    data = attack.data
    title = data["title"] + (f" ({data['cve']})" if data.get("cve") else "")
    say(paint(fold(title), "bold"))
    say(fold(data["explains"], "  "))
    if mistake(attack):
        say(fold(f"before: our code with one mistake: {mistake(attack)}",
                 "  "))
    say()
    say("  " + "".join(f"{one.who:<20}" for one in tries).rstrip())
    say(("  " + "".join(paint(f"{one.state:<20}", COLUMNS.get(one.state, ""))
                        for one in tries)).rstrip())
    for one in tries:
        say(fold(f"{one.who}: {one.evidence}", "    "))
    say("  stopped by code that is given\n" if data["stops_at"] == GIVEN
        else f"  stopped by task {data['stops_at']}\n")


def is_as_promised(tries):
    """It worked before, and nobody who should stop it lets it through."""
    before, after, mine = tries
    return (before.state == "escaped" and after.state == "stopped"
            and mine.state in ("stopped", "not written yet"))


def in_lab():
    """True inside the lab VM, where nothing can be hurt."""
    return LAB_MARK.exists()


def main(tree, options):
    """Run all attacks of a chapter; 0 when each ends as promised."""
    options.refuse_flags()
    chapter = options.chapter(tree)
    attacks = read_attacks(tree, chapter)
    if os.geteuid() != 0:
        raise ShopError("attacks", "they start containers as root",
                        f"sudo make attack CH={chapter.number}, or make vm")
    good = True
    elsewhere = [attack for attack in attacks
                 if attack.data.get("needs_vm") and not in_lab()]
    for attack in attacks:
        if attack in elsewhere:
            continue
        tries = run_attack(tree, attack)
        show(attack, tries)
        good = good and is_as_promised(tries)
    if elsewhere:
        say(f"Not tried, {len(elsewhere)} of {len(attacks)}: they could hurt"
            " this machine, so they run in the lab VM only:")
        for attack in elsewhere:
            say(f"  {attack.data['title']}")
        say(f"  make vm-run CMD='make attack CH={chapter.number}'"
            "    builds skiff in there: some minutes")
    return 0 if good else 1
