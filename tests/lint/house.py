#!/usr/bin/python3
"""The rules of the house that no compiler knows. Prints PATH:LINE: RULE: what is wrong; 1 if anything is.

    house.py [TREE]

A line that breaks a rule for a good reason says which: `# house: the reason`, in the line itself.
HOUSE_WORDS, a list of words separated by commas, adds words that must not be anywhere in the tree."""

import io
import os
import re
import sys
import tokenize

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import claims  # noqa: E402
import tree as files  # noqa: E402

FILE_LINES, FUNCTION_LINES, PARAMETERS, PYTHON_COLUMNS = 450, 60, 5, 140
# Said in two halves, so that this file does not find itself.
# To kill or wait for what may have ended by itself is no failure.
SWALLOWED = re.compile(r"^(?!.*\b(?:kill|wait)\b[^|;&]*\|\|).*\|\|\s*(?:" + "true" + r"|:)(?=\s|$|[;)\"'])")
SKIPPED = re.compile(r"pytest\.(?:" + "skip" + r"|importor" + "skip" + r"|x" + r"fail)\b|mark\.(?:" + "skip" + r"|" + "skip" + r"if|x"
                     + r"fail)\b|unittest\." + "skip" + r"|\bself\." + "skip" + r"Test\b|^\s*" + "skip" + r"\(\);")
EXCUSED = re.compile(r"(?:#|/\*|//) house: \w+(?:\W+\w+){2}")
MACHINE = re.compile(r"(?<![\w.}~$)/-])/(?:wo" + r"rk|workspace|builds|github|Users/\w+|home/(?!\w*[*$<{]|user\b|you\b|vagrant\b)\w+)/")


def sources(tree):
    for path in files.walk(tree):
        if files.is_learners(path) or os.path.basename(path).startswith("LICENSE"):
            continue
        text = files.read(tree, path)
        if text is not None:
            yield path, text


def lines_matching(tree, pattern, text_of_finding, wanted=lambda path, text: True):
    for path, text in sources(tree):
        if wanted(path, text):
            for number, line in enumerate(text.splitlines(), 1):
                if pattern.search(line) and not EXCUSED.search(line):
                    yield path, number, text_of_finding


def file_length(tree):
    for path, text in sources(tree):
        is_code = path.endswith((".c", ".h", ".py", ".sh", ".mk")) or files.interpreter(text)
        if is_code and text.count("\n") > FILE_LINES:
            yield path, text.count("\n"), f"{text.count(chr(10))} lines; a file has at most {FILE_LINES}"


def function_length(tree):
    for path in files.c_files(tree):
        for line, name, _, length in files.functions(files.read(tree, path)):
            if length > FUNCTION_LINES:
                yield path, line, f"{name}() has {length} lines; a function has at most {FUNCTION_LINES}"


def function_parameters(tree):
    for path in files.c_files(tree):
        for line, name, parameters, _ in files.functions(files.read(tree, path)):
            if parameters > PARAMETERS:
                yield path, line, f"{name}() takes {parameters} parameters; at most {PARAMETERS}"


def header_comments(tree):
    """Every function that a public header declares is explained right above it, or in its line."""
    public = re.compile(r"shared/(runtime|lib|cli)/[^/]+\.h|chapters/[^/]+/[^/]+\.h")
    starts = re.compile(r"^(?!typedef|#|\}|return|extern)[a-z][\w \t*]*?\b\**(\w+)\(")
    for path in files.c_files(tree):
        if not public.fullmatch(path):
            continue
        lines = files.read(tree, path).splitlines()
        for number, line in enumerate(lines):
            found = starts.match(line)
            # kernel.h says in its head what all of its sys_ functions are.
            if not found or (path.endswith("kernel.h") and found.group(1).startswith("sys_")):
                continue
            above = lines[number - 1].strip() if number else ""
            documented = above.endswith("*/") or "/*" in line
            continued = above.endswith(";") and number > 1  # a group below one comment
            if not documented and not continued:
                yield path, number + 1, f"{found.group(1)}() has no comment that says what it does and returns"


def python_style(tree):
    for path in files.python_files(tree):
        for number, line in enumerate(files.read(tree, path).splitlines(), 1):
            if len(line) > PYTHON_COLUMNS:
                yield path, number, f"{len(line)} columns; at most {PYTHON_COLUMNS}"
            if line != line.rstrip():
                yield path, number, "space at the end of the line"
        for token in tokenize.generate_tokens(io.StringIO(files.read(tree, path)).readline):
            if token.type == tokenize.INDENT and "\t" in token.string:
                yield path, token.start[0], "indented by a tab; Python here has four spaces"


def machine_paths(tree):
    yield from lines_matching(tree, MACHINE, "a path of the machine on which this was written")


def forbidden_words(tree):
    words = [word.strip() for word in os.environ.get("HOUSE_WORDS", "").split(",") if word.strip()]
    if words:
        pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b", re.IGNORECASE)
        yield from lines_matching(tree, pattern, "a word of HOUSE_WORDS")


def swallowed_failures(tree):
    def is_command(path, text):
        return path.endswith((".sh", ".mk", "Makefile", ".py")) or bool(files.interpreter(text))
    yield from lines_matching(tree, SWALLOWED, "a failure is swallowed: say which one is expected, and why", is_command)


def skipped_tests(tree):
    yield from lines_matching(tree, SKIPPED, "a test that is skipped: fail, or run it in the lab VM",
                              lambda path, _: path.endswith((".py", ".c")))


RULES = {
    "file-length": file_length,
    "function-length": function_length,
    "function-parameters": function_parameters,
    "header-comments": header_comments,
    "security-test": claims.security_tests,
    "attacks-named": claims.attacks_named,
    "comment-kinds": claims.comment_kinds,
    "comment-names": claims.comment_names,
    "vague-words": claims.vague_words,
    "python-style": python_style,
    "machine-paths": machine_paths,
    "forbidden-words": forbidden_words,
    "swallowed-failures": swallowed_failures,
    "skipped-tests": skipped_tests,
}


def findings(tree, rule):
    return [f"{path}:{line}: {rule}: {text}" for path, line, text in RULES[rule](tree)]


def main(argv):
    tree = argv[1] if len(argv) > 1 else files.TREE
    found = [line for rule in RULES for line in findings(tree, rule)]
    print("\n".join(sorted(found) + [f"house: {len(RULES)} rules, {len(found)} findings"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
