#!/usr/bin/python3
"""Checks the links of every Markdown file: what is relative exists, with its anchor; http(s) is well formed.

    links.py [TREE]"""

import os
import re
import sys
from urllib.parse import unquote, urlsplit

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tree as files  # noqa: E402

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
INLINE_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(\s*<?([^)\s>]*)>?(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)")
REFERENCE = re.compile(r"^ {0,3}\[([^\]]+)\]:\s*<?(\S+?)>?(?:\s|$)")
USED_REFERENCE = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]*)\]")
HTML = re.compile(r"<(?:a|img|source|link)\b[^>]*?\b(?:href|src|srcset)=[\"']([^\"']+)[\"']")
HTML_ANCHOR = re.compile(r"<\w+\b[^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")


def prose(text):
    """Pairs of line number and line, without code blocks and code spans."""
    fence = None
    for number, line in enumerate(text.splitlines(), 1):
        found = FENCE.match(line)
        if fence:
            if found and found.group(1).startswith(fence):
                fence = None
        elif found:
            fence = found.group(1)
        else:
            yield number, INLINE_CODE.sub(lambda code: "`" + " " * (len(code.group()) - 2) + "`", line)


def slug(heading):
    """The anchor that the usual renderers give a heading."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    text = re.sub(r"<[^>]+>", "", text).replace("`", "").replace("*", "").lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(text):
    found, seen, fence = set(HTML_ANCHOR.findall(text)), {}, None
    for line in text.splitlines():
        mark = FENCE.match(line)
        if mark:
            fence = None if fence and mark.group(1).startswith(fence) else fence or mark.group(1)
        heading = None if fence else HEADING.match(line)
        if heading:
            name = slug(heading.group(1))
            count = seen.get(name, 0)
            seen[name] = count + 1
            found.add(f"{name}-{count}" if count else name)
    return found


def targets(text):
    """Triples of line, target and complaint (of which one is None)."""
    defined, used = {}, []
    for number, line in prose(text):
        reference = REFERENCE.match(line)
        if reference:
            defined[reference.group(1).lower()] = True
            yield number, reference.group(2), None
            continue
        for target in LINK.findall(line) + HTML.findall(line):
            yield number, target, None
        used += [(number, (name or label).lower()) for label, name in USED_REFERENCE.findall(line)]
    for number, name in used:
        if name not in defined:
            yield number, None, f"[{name}] is defined nowhere"


def wrong_with(tree, path, target):
    """Why a link does not lead anywhere, or None."""
    parts = urlsplit(target)
    if parts.scheme in ("http", "https"):
        return None if re.fullmatch(r"[\w.-]+\.\w+(?::\d+)?|localhost(?::\d+)?", parts.netloc) else "is no proper address"
    if parts.scheme == "mailto":
        return None
    if parts.scheme or parts.netloc:
        return f"has the scheme {parts.scheme or '//'}, which is not for documents"
    if not target:
        return "is empty"
    if parts.path.startswith("/"):
        return "is absolute: it leads out of the tree"
    goal = os.path.normpath(os.path.join(os.path.dirname(path), unquote(parts.path))) if parts.path else path
    if goal.startswith(".."):
        return "leads out of the tree"
    if not os.path.exists(os.path.join(tree, goal)):
        return "leads to nothing"
    if parts.fragment and goal.endswith(".md") and unquote(parts.fragment) not in anchors(files.read(tree, goal)):
        return f"has no heading #{parts.fragment} at its end"
    return None


def findings(tree):
    for path in files.walk(tree):
        if path.endswith(".md"):
            for line, target, complaint in targets(files.read(tree, path)):
                why = complaint or wrong_with(tree, path, target)
                if why:
                    yield f"{path}:{line}: link: {target if target is not None else ''} {why}".replace(":  ", ": ")


def main(argv):
    tree = argv[1] if len(argv) > 1 else files.TREE
    found = list(findings(tree))
    count = sum(path.endswith(".md") for path in files.walk(tree))
    print("\n".join(found + [f"links: {count} documents, {len(found)} findings"]))
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
