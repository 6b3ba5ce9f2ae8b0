"""Run the mutants: common mistakes, each of which a stage test must catch.

    tests/mutants/run [--build DIR] [--text] [CH=3] [NAME...]

A mutant is caught when, on a runtime with that mistake in it, a test of the
mutant's own task fails with the mutant's words among the failures that
`make check` shows. It is an error when the mutant lives, when the tests
hang, when another text comes, or when the unmutated runtime fails.
"""

import argparse
import os
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from mutant import BadMutant, read_mutant
from workbench import Hangs, NoVerdict, Workbench

HERE = Path(__file__).resolve().parent
AT_LEAST = 5          # mutants a chapter
BASE_SECONDS = 240    # for all tests of a chapter, unmutated


@dataclass
class Outcome:
    """What became of one mutant, or of one check of the collection."""
    name: str
    good: bool
    word: str
    more: str = ""
    text: str = ""


def read_all(bench):
    """All mutants, by name, and the files that are none."""
    mutants, bad = [], []
    for path in sorted(HERE.glob("[0-9][0-9]/*.mutant")):
        name = f"{path.parent.name}/{path.stem}"
        try:
            mutant = read_mutant(path)
            bench.mutate(mutant)
            mutants.append(mutant)
        except (BadMutant, ValueError) as problem:
            bad.append(Outcome(name, False, "NO MUTANT", str(problem)))
    return mutants, bad


def coverage(bench, mutants):
    """Has each chapter enough of them, and each task at least one?"""
    for chapter in bench.tree.chapters:
        if not chapter.tasks:
            continue
        mine = [one for one in mutants if one.chapter == chapter.number]
        bare = [task.name for task in chapter.tasks
                if task.number not in {one.task for one in mine}]
        enough = len(mine) >= AT_LEAST and not bare
        yield Outcome(chapter.label, enough, "ok" if enough else "TOO FEW",
                      f"{len(mine)} mutants (at least {AT_LEAST})"
                      + (f"; none for {', '.join(bare)}" if bare else
                         ", every task has one"))


class Baseline:
    """The unmutated runtimes: which tests fail without any mistake."""

    def __init__(self, bench, pool, mutants):
        wanted = sorted({(one.chapter, one.stage) for one in mutants})
        self.runs = {pair: pool.submit(
            bench.test, bench.stage(pair[1]), *pair, seconds=BASE_SECONDS)
            for pair in wanted}

    def problem(self, mutant):
        """Why this mutant's task cannot be judged, or "" if it can."""
        found = self.runs[mutant.chapter, mutant.stage].result()
        mine = [test for test, tasks in found["tests"].items()
                if mutant.task in tasks]
        if not mine:
            return f"no test belongs to task {mutant.task}"
        for failure in found["failures"]:
            if failure["test"] in mine:
                return ("the solution itself fails "
                        f"{short(failure['test'])}\n{failure['text']}")
        return ""


def short(test):
    """The name of a test without its file."""
    return test.rsplit("::", 1)[-1]


def judge(bench, baseline, mutant):
    """Build and test one mutant."""
    started = time.monotonic()
    try:
        problem = baseline.problem(mutant)
        if problem:
            return Outcome(mutant.name, False, "NO VERDICT", problem)
        found = bench.test(bench.make(mutant), mutant.chapter, mutant.stage,
                           mutant.task, mutant.says)
    except BadMutant as problem:
        return Outcome(mutant.name, False, "NO MUTANT", str(problem))
    except Hangs as problem:
        return Outcome(mutant.name, False, "HANGS", str(problem))
    except NoVerdict as problem:
        return Outcome(mutant.name, False, "NO VERDICT", str(problem))
    return verdict(mutant, found, time.monotonic() - started)


def verdict(mutant, found, seconds):
    """Lived, caught with other words, or caught."""
    failures = found["failures"]
    if not failures:
        return Outcome(mutant.name, False, "LIVES",
                       f"all {len(found['tests'])} tests of {mutant.task}"
                       f" pass: {mutant.about}")
    said = [one for one in failures if one["says"]]
    if not said:
        texts = "\n".join(f"{short(one['test'])}:\n{one['text']}"
                          for one in failures)
        return Outcome(mutant.name, False, "OTHER WORDS",
                       f"{mutant.task} fails, but says nowhere"
                       f" \"{mutant.says}\"", texts)
    return Outcome(mutant.name, True, "caught",
                   f"{mutant.task}  {short(said[0]['test'])}"
                   f"  {seconds:.1f} s", said[0]["text"])


def headline(outcome):
    """The line of one outcome: its word, its name, and the first line of the rest."""
    return f"{outcome.word:<11} {outcome.name:<34} {outcome.more.partition(chr(10))[0]}"


def show(outcome, texts):
    """One line; what is wrong is told whole."""
    print(headline(outcome), flush=True)
    rest = outcome.more.partition("\n")[2]
    body = "\n".join(part for part in (
        rest, outcome.text if texts or not outcome.good else "") if part)
    if body:
        print(textwrap.indent(body, "    | "), flush=True)


def recall(outcomes):
    """What failed once more: the last lines of a long log."""
    for outcome in outcomes:
        if not outcome.good:
            show(outcome, False)


def choose(mutants, words):
    """The mutants that were asked for."""
    chapters = [int(word[3:]) for word in words if word.startswith("CH=")]
    names = [word for word in words if not word.startswith("CH=")]
    return [one for one in mutants
            if (not chapters or one.chapter in chapters)
            and (not names or any(name in (one.name, one.path.stem, one.task)
                                  for name in names))]


def main(words):
    """0 if every mutant was caught."""
    parser = argparse.ArgumentParser(usage=__doc__, add_help=True)
    parser.add_argument("--build", default=os.environ.get("BUILD", "build"))
    parser.add_argument("--text", action="store_true")
    parser.add_argument("only", nargs="*")
    options = parser.parse_args(words)
    if os.geteuid() != 0:
        print("mutants: the stage tests need root: sudo make mutants",
              file=sys.stderr)
        return 1
    if os.getsid(0) == 0:  # it began outside of our PID namespace; 00/session-id prints its number
        os.setsid()
    started = time.monotonic()
    bench = Workbench(options.build)
    mutants, outcomes = read_all(bench)
    outcomes += coverage(bench, mutants)
    chosen = choose(mutants, options.only)
    for outcome in outcomes:
        show(outcome, options.text)
    if not chosen:
        print(f"mutants: none is called {' '.join(options.only)}",
              file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        baseline = Baseline(bench, pool, chosen)
        for outcome in pool.map(lambda one: judge(bench, baseline, one),
                                chosen):
            show(outcome, options.text)
            outcomes.append(outcome)
    failed = sum(not one.good for one in outcomes)
    if failed:
        print(f"\nnot as they should be, {failed} of {len(outcomes)}:")
        recall(outcomes)
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{len(outcomes) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NoVerdict as told:
        print(f"mutants: {told}", file=sys.stderr)
        sys.exit(1)
