"""Each ```console block of a lesson is run, and its output compared.

    ```console stage=02 user
    $ skiff run --rootfs $R id -u
    0
    $ skiff run --rootfs $R sh -c 'exit 7'
    (exit 7)
    ```

A line `> ` after a command continues it. All commands of a block run in
one shell, in a fresh directory; R is a copy of the default image. Words
after `console`: stage=NN (default: the lesson's own); root (default) or
user, as whom it runs.
"""

import os
import re
import shlex
import uuid
from dataclasses import dataclass

from . import machine
from .errors import ShopError
from .matching import find_mismatch
from .readme import read_blocks
from .terminal import paint, say
from .weave import lessons

EXIT = re.compile(r"^\(exit (\d+)\)$")


@dataclass
class Step:
    """One command, what it should print and its exit status."""
    index: int           # of its line in the block
    command: str
    expected: list
    status: int = 0


@dataclass
class Console:
    """One block, ready to run."""
    block: object
    stage: int
    who: str             # "root" or "user"
    steps: list

    @property
    def where(self):
        """file:line; also the name under which pytest shows it."""
        return str(self.block.where)


@dataclass
class Mismatch:
    """What a block shows and what really came."""
    where: str
    text: str


def parse_console(block, stage):
    """A fenced block as a Console; a wrong one is a ShopError."""
    who = "root"
    for word in block.info.split()[1:]:
        if re.fullmatch(r"stage=\d+", word):
            stage = int(word.split("=")[1])
        elif word in ("root", "user"):
            who = word
        else:
            raise ShopError(block.where, f"{word}: every console block runs;"
                            " there is no such word", "words are stage=NN,"
                            " root, user; what does not run is ```text")
    return Console(block, stage, who, parse_steps(block))


def parse_steps(block):
    """The commands of a block, each with its expected output."""
    steps, fresh = [], False
    for index, line in enumerate(block.lines):
        if line.startswith("$ "):
            steps.append(Step(index, line[2:], []))
            fresh = True
        elif not steps:
            raise ShopError(block.line(index), "a console block starts with"
                            " a command", "$ COMMAND")
        elif fresh and line.startswith("> "):
            steps[-1].command += "\n" + line[2:]
        else:
            fresh = False
            steps[-1].expected.append(line)
    for step in steps:
        finish(step)
    if not steps:
        raise ShopError(block.where, "this console block has no command",
                        "$ COMMAND")
    return steps


def finish(step):
    """Take blank lines off the end, and the exit status out."""
    while step.expected and not step.expected[-1].strip():
        step.expected.pop()
    found = EXIT.match(step.expected[-1]) if step.expected else None
    if found:
        step.status = int(found.group(1))
        step.expected.pop()


def list_blocks(tree, files=()):
    """All console blocks of the lessons (or of these files), in order."""
    found = []
    for path in lessons(tree, files):
        stage = next((chapter.number for chapter in tree.chapters
                      if chapter.directory == path.parent), last_stage(tree))
        found += [parse_console(block, stage)
                  for block in read_blocks(path, tree.shown(path))
                  if block.language == "console"]
    return found


def last_stage(tree):
    """A page that is no lesson means the whole runtime."""
    return max((chapter.number for chapter in tree.chapters
                if chapter.files), default=0)


def script_of(steps, mark):
    """One bash script; a line with the mark follows each command."""
    parts = []
    for index, step in enumerate(steps):
        parts.append(f"eval {shlex.quote(step.command)}")
        parts.append(f"printf '\\n%s %d %d\\n' {mark} {index} $?")
    return "\n".join(parts) + "\n"


def split_output(output, mark, count):
    """What each command printed, and its status; None if never reached."""
    results, rest = [], output
    for index in range(count):
        found = re.search(rf"\n{mark} {index} (\d+)\n", rest)
        if not found:
            return results + [(rest, None)] + [(None, None)] * (
                count - index - 1)
        results.append((rest[:found.start()], int(found.group(1))))
        rest = rest[found.end():]
    return results


def can_run(console):
    """Why this block cannot run here, or an empty text."""
    if os.geteuid() != 0 and console.who == "root":
        return "it needs root"
    return ""


def run_block(tree, console):
    """Run a block; a list of Mismatch, empty when the lesson is true."""
    skiff = machine.stage_skiff(tree, console.stage)
    as_user = console.who == "user" and os.geteuid() == 0
    mark = uuid.uuid4().hex
    with machine.bench(machine.NOBODY if as_user else None) as place:
        place.add_skiff(skiff)
        place.add_root(machine.image_root(tree))
        place.own()
        status, output = machine.run_script(
            place, script_of(console.steps, mark), 30,
            {"USER": "nobody", "LOGNAME": "nobody"} if as_user else None)
    results = split_output(output, mark, len(console.steps))
    return compare(console, results, status)


def compare(console, results, shell_status):
    """The first command that is not as shown, as a list."""
    for step, (printed, status) in zip(console.steps, results):
        where = console.block.line(step.index)
        if printed is None:
            return [Mismatch(where, f"$ {step.command}\n  never ran: the"
                             " shell had ended")]
        status = shell_status if status is None else status
        lines = [line.rstrip() for line in printed.splitlines()]
        while lines and not lines[-1]:
            lines.pop()
        miss = find_mismatch(step.expected, lines)
        if miss or status != step.status:
            return [Mismatch(where, explain(step, lines, status, miss))]
    return []


def explain(step, lines, status, miss):
    """A mismatch as text: the command, the line, the whole output."""
    text = [f"$ {step.command}"]
    if miss:
        wanted, found = miss
        text.append("  shown:   " + pick(step.expected, wanted))
        text.append("  printed: " + pick(lines, found))
    if status != step.status:
        text.append(f"  shown:   (exit {step.status})")
        text.append("  it took too long" if status is None
                    else f"  ended:   (exit {status})")
    text += ["  all it printed:"] + ["    " + line for line in lines[:40]]
    return "\n".join(text)


def pick(lines, index):
    """A line, or the end."""
    return lines[index] if index < len(lines) else "(nothing more)"


def main(tree, options):
    """Run all blocks, or those of the files named or of CH."""
    options.refuse_flags()
    files = options.files
    if "CH" in options.values:
        files = [str(options.chapter(tree).readme)]
    wrong = 0
    consoles = list_blocks(tree, files)
    for console in consoles:
        reason = can_run(console)
        found = [] if reason else run_block(tree, console)
        wrong += bool(reason or found)
        say(f"{console.where}: " + (paint("not run: " + reason, "yellow")
                                    if reason else paint("differs", "red")
                                    if found else paint("ok", "green")))
        for one in found:
            say(f"{one.where}\n{one.text}")
    if wrong:
        raise ShopError("console blocks", f"{wrong} of {len(consoles)} are"
                        " not as shown", status=1)
    say(f"console blocks: all as shown\n{len(consoles)} passed, 0 failed")
    return 0
