"""A learner's file with our bodies in place of what is not written yet.

Each task can then be checked by itself: it runs in a runtime in which all
the others are there. #line keeps the compiler's words and the TODO's own
message on the learner's lines.
"""

from .errors import ShopError
from .markers import parse_regions
from .model import read_text, strip_comments
from .ownership import give_back


def spliced_files(tree, chapter):
    """Write the chapter's files, completed, below build/; their paths."""
    place = tree.build / "learner" / "src" / chapter.label
    place.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in chapter.files:
        path = place / name
        path.write_text(spliced_text(tree, chapter, name), encoding="utf-8")
        give_back(path)
        paths.append(path)
    return paths


def spliced_text(tree, chapter, name):
    """One file, completed; as it is where its markers were lost."""
    path = chapter.directory / name
    shown = str(tree.shown(path))
    lines = read_text(path).splitlines()
    try:
        regions = parse_regions(lines, shown, ("TASK", "TODO"))
    except ShopError:
        regions = []
    written, index = [f'#line 1 "{shown}"'], 0
    for region, body in replacements(chapter, name, lines, regions):
        written += lines[index:region.body] + body
        written.append(f'#line {region.end + 1} "{shown}"')
        index = region.end
    return "\n".join(written + lines[index:]) + "\n"


def replacements(chapter, name, lines, regions):
    """(region of the learner's, lines of ours) for each that lacks a body.

    A region outside of functions has no TODO in the starter: it is empty.
    """
    ours = solution_bodies(chapter, name)
    seen = {}
    for region in regions:
        if region.kind != "task":
            continue
        place = seen[region.name] = seen.get(region.name, -1) + 1
        code = strip_comments("\n".join(lines[region.body:region.end]))
        lacks = "TODO(" in code or not code.strip()
        if lacks and place < len(ours.get(region.name, ())):
            yield region, ours[region.name][place]


def solution_bodies(chapter, name):
    """Our lines of each region, by the task's number, in their order."""
    lines = read_text(chapter.solution / name).splitlines()
    bodies = {}
    for region in parse_regions(lines, name):
        if region.kind == "task":
            bodies.setdefault(region.name, []).append(
                lines[region.body:region.end])
    return bodies
