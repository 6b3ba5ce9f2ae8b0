"""make hint TASK=3.2: a question, the man page, the steps, the solution.

The first three stand in the chapter's hints.md:

    ## 3.2 hostname
    ### Question
    ### Man page
    ### Steps

The fourth is cut out of the solution.
"""

import re

from .errors import ShopError
from .markers import task_text
from .progress import Progress
from .prose import flow
from .terminal import paint, say
from .weave import region_lines

TIERS = ("Question", "Man page", "Steps")
LAST = len(TIERS) + 1
TASK = re.compile(r"^##\s+(\d+\.\d+)\b")
TIER = re.compile(r"^###\s+(.*?)\s*$")


def parse_hints(text):
    """{"3.2": {"question": text, ...}} from a hints.md."""
    hints, number, tier, fenced = {}, None, None, False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        task = None if fenced else TASK.match(line)
        title = None if fenced else TIER.match(line)
        if task:
            number, tier = task.group(1), None
            hints.setdefault(number, {})
        elif title and number:
            tier = title.group(1).lower()
            hints[number][tier] = []
        elif number and tier:
            hints[number][tier].append(line)
    return {number: {tier: "\n".join(lines).strip()
                     for tier, lines in tiers.items()}
            for number, tiers in hints.items()}


def hint_text(tree, chapter, task, tier):
    """The words of one tier."""
    if tier == LAST:
        return solution_text(chapter, task)
    path = chapter.directory / "hints.md"
    shown = tree.shown(path)
    if not path.exists():
        raise ShopError(str(shown), "there is no such file",
                        f"the solution is always there: make hint"
                        f" TASK={task.number} TIER={LAST}")
    name = TIERS[tier - 1]
    tiers = parse_hints(path.read_text(encoding="utf-8"))
    text = tiers.get(task.number, {}).get(name.lower(), "")
    if not text:
        raise ShopError(str(shown), f'task {task.number} has no "### {name}"',
                        f"the next one: make hint TASK={task.number}"
                        f" TIER={tier + 1}")
    return flow(text)


def solution_text(chapter, task):
    """What the task asks, and our answer: each place, as it is compiled."""
    parts = []
    for place, region in enumerate(task.regions, 1):
        same_file = [one for one in task.regions if one.path == region.path]
        wanted = f"{task.number}/{same_file.index(region) + 1}"
        lines = region_lines(chapter.solution / region.path.name,
                             region.path, wanted, region.where)
        title = f"{region.path}:{region.body + 1}"
        text = task_text(region.comment)
        parts.append("\n".join([paint(title, "cyan"), *flow_comment(text), ""]
                               + [line.expandtabs(4) for line in lines]))
    return "\n\n".join(parts)


def flow_comment(text):
    """A comment's words filled to the screen; "Read:" starts a line."""
    return flow(re.sub(r"(?m)^Read:", r"\nRead:", text)).replace(
        "\n\nRead:", "\nRead:").splitlines()


def choose_tier(options, progress, task):
    """The tiers to show now, as a list of numbers."""
    if options.is_on("ALL"):
        return list(range(1, LAST + 1))
    word = options.values.get("TIER")
    if word:
        if word not in [str(tier) for tier in range(1, LAST + 1)]:
            raise ShopError(f"TIER={word}", f"tiers are 1 to {LAST}",
                            f"make hint TASK={task.number} TIER={LAST} is"
                            " the solution")
        return [int(word)]
    seen = progress.hints.get(task.number, 0)
    return [seen + 1] if seen < LAST else []


def show(tree, chapter, task, tier):
    """One tier with its heading."""
    name = (*TIERS, "Solution")[tier - 1]
    text = hint_text(tree, chapter, task, tier)
    say(paint(f"{task.name}: hint {tier} of {LAST}, {name.lower()}", "bold"))
    for line in text.splitlines():
        say("  " + line if line else "")
    say()


def main(tree, options):
    """Show the next tier and remember it; nothing is ever locked."""
    options.refuse_flags()
    chapter, task = options.task(tree)
    progress = Progress(tree)
    tiers = choose_tier(options, progress, task)
    for tier in tiers:
        show(tree, chapter, task, tier)
        progress.hints[task.number] = max(
            tier, progress.hints.get(task.number, 0))
    if tiers:
        progress.save()
    if not tiers or tiers[-1] == LAST:
        say(f"There are no more hints for {task.number}."
            f" All again: make hint TASK={task.number} ALL=1")
        say(f"Your code beside ours: make diff TASK={task.number}")
    else:
        say(f"still stuck? make hint TASK={task.number}"
            + (f" TIER={tiers[-1] + 1}" if "TIER" in options.values else ""))
    return 0
