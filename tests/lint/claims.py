"""A comment is a claim: what it names exists, and a SECURITY comment names the test that tries the attack."""

import glob
import json
import os
import re

import tree as files

KINDS = ("SECURITY", "RACE", "ORDER", "KERNEL")
TESTS = re.compile(r"\btests?: ([^)]+)\)")
NAMED_FILE = re.compile(r"(?<![\w/.<-])((?:[\w-]+/)*[\w-]+\.(?:[chs]|py|sh|mk))\b(?!\()")
NAMED_FUNCTION = re.compile(r"\b([a-z_]\w*)\(\)")
MAN_PAGE = re.compile(r"\b([A-Za-z_][\w.-]*)\(([1-8])\)")
VAGUE = re.compile(r"\b(?:atomic(?:ally)?|(?<!-)safe(?:ly)?)\b(?!-)", re.IGNORECASE)


def all_comments(tree):
    for path in files.c_files(tree):
        for line, text in files.comments(files.read(tree, path)):
            yield path, line, text


def kinds_of(text):
    """The kinds that a comment is of: SECURITY at its start, or at the start of a sentence in it."""
    return [kind for kind in KINDS if re.search(rf"(?:^|[.:] |^\d\d ){kind}\b", text)]


def named_tests(text):
    """Pairs of test and title: (test: attacks/NAME), (test: unit/FILE, TITLE), (tests: ONE, ANOTHER/ONE)."""
    found = []
    for listed in TESTS.findall(text):
        for word in re.split(r",\s+", listed):
            if not found or "/" in word:
                found.append([word, None])
            else:
                found[-1][1] = word
    return found


def missing_test(tree, name, title):
    """Why the test that a comment names is not there, or None."""
    path = os.path.join(tree, "tests", name)
    there = glob.glob(glob.escape(path) + "*") if name.startswith("attacks/") else glob.glob(glob.escape(path))
    if not there:
        return f"there is no tests/{name}"
    if title:
        words = re.compile(r"[\s_]+".join(re.escape(word) for word in re.findall(r"\w+", title)), re.IGNORECASE)
        inside = [os.path.join(there[0], one) for one in os.listdir(there[0])] if os.path.isdir(there[0]) else there
        if not any(words.search(files.read(tree, one) or "") for one in inside if os.path.isfile(one)):
            return f"tests/{name} says nothing about \"{title}\""
    return None


def security_tests(tree):
    for path, line, text in all_comments(tree):
        if "SECURITY" not in kinds_of(text):
            continue
        named = named_tests(text)
        if not named:
            yield path, line, "SECURITY without its test: (test: attacks/NAME) or (test: unit/FILE, WORDS)"
        for name, title in named:
            why = missing_test(tree, name, title)
            if why:
                yield path, line, f"SECURITY names a test, but {why}"


def attacks_named(tree):
    """The other way round: each attack is the test of a SECURITY comment, or its description says why it is shown only."""
    named = {name for _, _, text in all_comments(tree) if "SECURITY" in kinds_of(text) for name, _ in named_tests(text)}
    for path in files.walk(tree):
        found = re.fullmatch(r"tests/(attacks/[^/]+)/(?:attack|shared)\.json", path)
        if not found or found[1] in named:
            continue
        try:
            reason = json.loads(files.read(tree, path) or "").get("shown_only", "")
        except ValueError:
            reason = ""
        if len(re.findall(r"\w+", str(reason))) < 3:
            yield path, 1, f"no SECURITY comment names {found[1]}, and no \"shown_only\" says why"


def comment_kinds(tree):
    for path, line, text in all_comments(tree):
        for kind in kinds_of(text):
            behind = re.split(rf"\b{kind}\b:?", text, maxsplit=1)[1]
            if len(re.findall(r"\w+", behind)) < 3:
                yield path, line, f"{kind} says no reason"


def identifiers(tree):
    found = set()
    for path in files.walk(tree):
        if path.endswith((".c", ".h")):
            found.update(re.findall(r"\w+", files.code(files.read(tree, path))))
    return found


def man_page_missing(name, section):
    """Whether a manual page is known not to exist: only where Linux's own pages are installed (manpages, manpages-dev)."""
    installed = all(glob.glob(f"/usr/share/man/man{number}/{page}.{number}*")
                    for page, number in (("clone", 2), ("exit", 3), ("namespaces", 7)))
    if not installed:
        return False
    return not glob.glob(f"/usr/share/man/man{section}/{glob.escape(name)}.{section}*")


# Pages that a manual may lack: programs and calls that are newer than it, or come with another package.
UNWRITTEN_PAGES = {"fsopen(2)", "fsconfig(2)", "fsmount(2)", "move_mount(2)", "open_tree(2)", "newuidmap(1)", "newgidmap(1)",
                   "subuid(5)", "subgid(5)", "uidmap(1)"}


def comment_names(tree):
    known = identifiers(tree)
    names = {os.path.basename(path) for path in files.walk(tree)}
    for path, line, text in all_comments(tree):
        for name in NAMED_FILE.findall(text):
            # ROOM.c, NAME.h: a pattern, not a name.
            if not re.search(r"[A-Z]{2}", name) and os.path.basename(name) not in names:
                yield path, line, f"the comment names {name}, which is not there"
            elif "/" in name and not any(os.path.exists(os.path.join(tree, start, name))
                                         for start in ("", "tests", os.path.dirname(path))) and not re.search(r"[A-Z]{2}", name):
                yield path, line, f"the comment names {name}, which is not there"
        for name in NAMED_FUNCTION.findall(text):
            if name not in known and "SYS_" + name not in known:
                yield path, line, f"the comment names {name}(), which is nowhere in the code"
        for name, section in MAN_PAGE.findall(text):
            page = f"{name}({section})"
            if page not in UNWRITTEN_PAGES and man_page_missing(name, section):
                yield path, line, f"the comment names {page}, which is no manual page"


def vague_words(tree):
    for path, line, text in all_comments(tree):
        if VAGUE.search(text) and "against" not in text:
            yield path, line, "\"safe\" or \"atomic\": against what?"
