"""C in a lesson is quoted from the code, never typed twice.

    ```c quote=solutions/03-namespaces/namespaces.c#hostname
    ```

`make weave` fills in the region between QUOTE hostname and END hostname;
`#3.2` is a task's body (all its places), `#3.2/2` only the second place.
"""

import difflib
import re
import textwrap

from .errors import ShopError
from .markers import is_marker, read_regions
from .readme import parse_blocks
from .terminal import say

QUOTE = re.compile(r"\bquote=(\S+)")
BETWEEN = "/* ... */"


def quoted_lines(tree, block):
    """The lines that belong into this block."""
    target = QUOTE.search(block.info).group(1)
    name, _, region = target.partition("#")
    path = (tree.root / name).resolve()
    if not region:
        raise ShopError(block.where, f"the quote {target} names no region",
                        "write FILE#NAME or FILE#3.2")
    if tree.root not in path.parents or not path.is_file():
        raise ShopError(block.where, f"there is no file {name}",
                        "paths start at the top of the tree")
    return region_lines(path, tree.shown(path), region, block.where)


def region_lines(path, shown, wanted, where):
    """A region's code: dedented, without markers and TASK comments."""
    name, _, place = wanted.partition("/")
    regions = read_regions(path, shown)
    found = [one for one in regions if one.name == name]
    if place:
        found = found[int(place) - 1:int(place)] if place.isdigit() else []
    if not found:
        known = " ".join(sorted({one.name for one in regions}))
        raise ShopError(where, f"{shown} has no region {wanted}",
                        f"it has {known or 'none'}")
    lines = path.read_text(encoding="utf-8").splitlines()
    quoted = []
    for region in found:
        quoted += [BETWEEN] if quoted else []
        quoted += body_lines(lines, region, regions)
    return quoted


def body_lines(lines, region, regions):
    """One region's body, dedented, without the markers inside of it."""
    hidden = set()
    for other in regions:
        if other is not region and other.kind == "task":
            hidden.update(range(other.start, other.body))
    kept = [lines[index] for index in range(region.body, region.end)
            if index not in hidden and not is_marker(lines[index])]
    return textwrap.dedent("\n".join(kept)).strip("\n").split("\n")


def woven_text(tree, path):
    """A lesson's text with all its quotes as the code is now."""
    lines = path.read_text(encoding="utf-8").splitlines()
    blocks = parse_blocks(lines, tree.shown(path))
    for block in reversed(blocks):
        if block.language != "c":
            continue
        if not QUOTE.search(block.info):
            raise ShopError(block.where, "this C is typed, not quoted",
                            "```c quote=FILE#REGION, or ```text if it is no"
                            " code of ours")
        lines[block.start + 1:block.end] = [
            (block.indent + line).rstrip()
            for line in quoted_lines(tree, block)]
    return "\n".join(lines) + "\n"


def weave_file(tree, path, check):
    """Weave one lesson; True when it was not as it should be."""
    found = path.read_text(encoding="utf-8")
    wanted = woven_text(tree, path)
    if found == wanted:
        return False
    shown = str(tree.shown(path))
    if not check:
        path.write_text(wanted, encoding="utf-8")
        say(f"{shown}: woven")
        return True
    for line in difflib.unified_diff(found.splitlines(), wanted.splitlines(),
                                     shown, f"{shown} (woven)", lineterm=""):
        say(line)
    return True


def lessons(tree, files=()):
    """The front page and the lessons of all chapters, or the files named."""
    if files:
        return [tree.root / name for name in files]
    pages = [tree.root / "README.md",
             *(chapter.readme for chapter in tree.chapters)]
    return [path for path in pages if path.exists()]


def main(tree, options):
    """Weave all lessons, or compare with --check."""
    options.refuse_flags("--check")
    check = "--check" in options.flags
    paths = lessons(tree, options.files)
    changed = sum(weave_file(tree, path, check) for path in paths)
    if check and changed:
        raise ShopError("lessons", f"{changed} of {len(paths)} quote code"
                        " that has changed", "make weave", status=1)
    say(f"lessons: {len(paths)} files, "
        + ("no quote differs" if check else f"{changed} woven"))
    return 0
