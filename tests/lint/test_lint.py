"""Every rule of the gate, with a violation planted for it: a rule that finds nothing is no rule."""

import os
import re
import shlex
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import house  # noqa: E402
import links  # noqa: E402
import tree as files  # noqa: E402

# Words that the house rules look for are put together here, or this file would be full of findings.
SKIP, OR_TRUE, PLACE = "sk" + "ip", "|| tr" + "ue", "/wo" + "rk/main"
LONG_BODY = "\tg();\n" * 60

# Rule -> {what is planted: files}. Each must be found, by that rule.
PLANTED = {
    "file-length": {
        "451 lines of C": {"shared/lib/a.c": "int a;\n" * 451},
        "a long script": {"tests/run": "#!/bin/sh\n" + "true\n" * 450},
    },
    "function-length": {
        "62 lines": {"shared/lib/a.c": "int f(int a)\n{\n" + LONG_BODY + "}\n"},
        "a static one in a solution": {"solutions/01-x/x.c": "static void *f(void)\n{\n" + LONG_BODY + "}\n"},
    },
    "function-parameters": {
        "six": {"shared/lib/a.c": "int f(int a, int b, int c, int d, int e,\n      int g)\n{\n\treturn 0;\n}\n"},
        "six, one a function": {"shared/lib/a.c": "int f(int (*a)(int, int), int b, int c, int d, int e, int g)\n{\n}\n"},
    },
    "header-comments": {
        "no comment": {"shared/runtime/a.h": "#define A\n\nint f(void);\n"},
        "in a contract": {"chapters/01-x/x.h": "/* x.h */\n#define X\n\nvoid x_undo(struct container *c);\n"},
        "an inline function": {"shared/lib/a.h": "/* about f */\nint f(void);\n\nstatic inline int g(void)\n{\n}\n"},
    },
    "security-test": {
        "none named": {"shared/lib/a.c": "/* SECURITY: nobody can do this. */\n"},
        "no such attack": {"shared/lib/a.c": "/* SECURITY: x\n * (test: attacks/01-nothing). */\n"},
        "no such file": {"shared/lib/a.c": "/* About it.\n *\n * SECURITY: x (test: unit/test_nothing.c, all of it). */\n"},
        "a file that says nothing of it": {"shared/lib/a.c": "/* SECURITY: x (test: unit/test_a.c, closed stdin). */\n",
                                           "tests/unit/test_a.c": "void test_open_stdin(void);\n"},
        "a directory that says nothing of it": {"shared/lib/a.c": "/* SECURITY: x (test: faults, EPERM). */\n", "tests/faults/x": "EIO\n"},
        "the second of two": {"shared/lib/a.c": "/* SECURITY: x (tests: attacks/a, attacks/b). */\n", "tests/attacks/a/run": ""},
    },
    "attacks-named": {
        "by nobody": {"tests/attacks/a/attack.json": "{}", "tests/attacks/a/run": ""},
        "shown without a reason": {"tests/attacks/a/attack.json": '{"shown_only": "yes"}', "tests/attacks/a/run": ""},
        "by a comment of another kind": {"shared/lib/a.c": "/* RACE: it may be lost (test: attacks/a). */\n",
                                         "tests/attacks/a/shared.json": "{}"},
    },
    "comment-kinds": {
        "no reason": {"shared/lib/a.c": "/* RACE: none */\n"},
        "order without why": {"solutions/01-x/x.c": "/* ORDER */\n"},
    },
    "comment-names": {
        "a function that is gone": {"shared/lib/a.c": "/* See old_name(). */\nint new_name;\n"},
        "a file that is gone": {"shared/lib/a.c": "/* As in gone.h. */\n"},
        "a path that is gone": {"shared/lib/a.c": "/* As in shared/cli/a.c. */\n"},
    },
    "vague-words": {
        "safe": {"shared/lib/a.c": "/* This is safe. */\n"},
        "atomic": {"shared/lib/a.c": "/* Written atomically. */\n"},
    },
    "python-style": {
        "a long line": {"a.py": "x = '" + "x" * 140 + "'\n"},
        "a space at the end": {"a.py": "x = 1 \n"},
        "a tab": {"a.py": "if 1:\n\tx = 1\n"},
        "found by its first line": {"tests/run": "#!/usr/bin/env python3\nx = 1 \n"},
    },
    "machine-paths": {
        "in C": {"shared/lib/a.c": f'const char *a = "{PLACE}/x";\n'},
        "in a document": {"README.md": f"Type `cd {PLACE}`.\n"},
        "a home": {"Makefile": "X = /home" + "/anna/skiff\n"},
    },
    "forbidden-words": {
        "in a document": {"README.md": "Made by the Frobnicator, with love.\n"},
    },
    "swallowed-failures": {
        "in a script": {"tests/run": f"#!/bin/sh\nrm x {OR_TRUE}\n"},
        "in make": {"Makefile": f"all:\n\trm x {OR_TRUE}\n"},
        "by a colon": {"a.sh": "rm x |" + "| :\n"},
    },
    "skipped-tests": {
        "in the test": {"tests/test_a.py": f"pytest.{SKIP}('not today')\n"},
        "by a mark": {"tests/test_a.py": f"@pytest.mark.{SKIP}if(True)\n"},
        "by an import": {"tests/test_a.py": f"pytest.importor{SKIP}('x')\n"},
        "expected to fail": {"tests/test_a.py": "@pytest.mark.x" + "fail\n"},
        "in cmocka": {"tests/unit/test_a.c": f"\t{SKIP}();\n"},
    },
}

# What looks like a violation and is none.
SOUND = {
    "shared/lib/a.c": "/* a.c - sound.\n *\n * SECURITY: an attack (test: unit/test_a.c, closed stdin). */\n"
                      "int f(int (*a)(int, int), int b, int c, int d, int e)\n{\n\tg();\n}\n"
                      "/* RACE: the parent may die before the call; f() sees that. ORDER matters little here, today. */\n"
                      "/* Safe against a reader that comes too early; see a.h, clone3(2). */\n",
    "shared/lib/a.h": "/* Does it, returns 0. */\nint f(int (*a)(int, int), int b, int c, int d, int e);\n\nint g(void); /* the other */\n",
    "chapters/01-x/x.c": "/* RACE: no */ a learner's file, as they like it; old_name() */\n",
    "shared/lib/b.c": "/* SECURITY: somebody gets out (test: attacks/named). */\n",
    "tests/attacks/named/attack.json": "{}",
    "tests/attacks/shown/attack.json": '{"shown_only": "for a good reason"}',
    "tests/unit/test_a.c": "static void test_closed_stdin(void **state)\n{\n}\n",
    "tests/run": f"#!/bin/sh\nkill $pid {OR_TRUE}\nattack {OR_TRUE} # house: it is meant to fail\n",
    "a.py": "text = '''\n\tint tab_in_a_string;\n'''\n",
    "LICENSE": "words\n" * 1000,
    "build/a.py": "not ours \n",
}


@pytest.fixture
def plant(tmp_path, monkeypatch):
    """Writes files into an otherwise empty tree and returns its path."""
    monkeypatch.setenv("HOUSE_WORDS", "frobnicator, gizmo")

    def write(contents):
        for name, text in contents.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return str(tmp_path)
    return write


def test_every_rule_has_a_planted_violation():
    assert set(PLANTED) == set(house.RULES)


@pytest.mark.parametrize("rule,planted", [(rule, planted) for rule, cases in PLANTED.items() for planted in cases])
def test_a_planted_violation_is_found(plant, rule, planted):
    found = house.findings(plant(PLANTED[rule][planted]), rule)
    assert len(found) == 1, f"{rule} should find one thing: {found}"


@pytest.mark.parametrize("rule", house.RULES)
def test_what_is_sound_is_left_alone(plant, rule):
    assert house.findings(plant(SOUND), rule) == []


def test_a_page_that_is_in_no_manual(plant, monkeypatch):
    tree = plant({"shared/lib/a.c": "/* See frobnicate(2) and read(2). */\n"})
    monkeypatch.setattr(house.claims, "man_page_missing", lambda name, section: name == "frobnicate")
    assert [line.split(": ")[2] for line in house.findings(tree, "comment-names")] == \
        ["the comment names frobnicate(2), which is no manual page"]


def test_the_program_says_so_by_its_exit_status(plant):
    program = [sys.executable, os.path.join(HERE, "house.py")]
    assert subprocess.run([*program, plant(SOUND)], capture_output=True).returncode == 0
    tree = plant(PLANTED["vague-words"]["safe"])
    ran = subprocess.run([*program, tree], capture_output=True, text=True)
    assert ran.returncode == 1 and "shared/lib/a.c:1: vague-words:" in ran.stdout


# --- links ------------------------------------------------------------------------------------------

DOCUMENT = "# First things\n\n## The `code` of it\n\n## Twice\n\n## Twice\n\n<a id=\"here\"></a>\n"
BAD_LINKS = {
    "to nothing": "[a](gone.md)",
    "an image": "![a](gone.svg)",
    "an anchor of another file": "[a](other.md#gone)",
    "an anchor of its own": "[a](#gone)",
    "a third of two headings": "[a](other.md#twice-2)",
    "out of the tree": "[a](../../etc/passwd)",
    "absolute": "[a](/other.md)",
    "no address": "[a](https://)",
    "empty": "[a]()",
    "a reference": "[a][b]\n\n[b]: gone.md",
    "a reference that is not defined": "[a][b]",
    "in HTML": '<img src="gone.svg">',
    "with a title": '[a](gone.md "title")',
    "an image as a link": "[![x](other.md)](gone.md)",
}
GOOD_LINKS = ["[a](other.md)", "[a](other.md#first-things)", "[a](other.md#the-code-of-it)", "[a](other.md#twice-1)",
              "[a](#top)", "[a](other.md#here)", "[a](sub/)", "[a](https://example.org/x#y)", "`[a](gone.md)`",
              "```\n[a](gone.md)\n```", "[a][b]\n\n[b]: other.md", "`a[0][1]`", "[a](mailto:a@example.org)"]


@pytest.mark.parametrize("case", BAD_LINKS)
def test_a_bad_link_is_found(plant, case):
    tree = plant({"a.md": "# Top\n\n" + BAD_LINKS[case] + "\n", "other.md": DOCUMENT})
    assert len(list(links.findings(tree))) == 1, list(links.findings(tree))


def test_good_links_are_left_alone(plant):
    tree = plant({"a.md": "# Top\n\n" + "\n\n".join(GOOD_LINKS) + "\n", "other.md": DOCUMENT, "sub/x": ""})
    assert list(links.findings(tree)) == []


# --- the other tools, as the gate calls them ----------------------------------------------------------

def run(*command, cwd=files.TREE):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True)


def flags():
    printed = run("make", "--no-print-directory", "-s", "lint-flags")
    assert printed.returncode == 0, printed.stderr
    return shlex.split(printed.stdout)


WARNED = {
    "a loss of bits": "unsigned char f(int a);\nunsigned char f(int a)\n{\n\treturn a;\n}\n",
    "a shadow": "int f(int a);\nint f(int a)\n{\n\tif (a) {\n\t\tint a = 1;\n\t\treturn a;\n\t}\n\treturn 0;\n}\n",
    "a missing prototype": "int f(void)\n{\n\treturn 0;\n}\n",
    "a result that is not looked at": "#include \"strv.h\"\nvoid f(struct strv *v);\n"
                                      "void f(struct strv *v)\n{\n\tstrv_append(v, \"\");\n}\n",
}


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("case", WARNED)
def test_the_compilers_warn(tmp_path, compiler, case):
    (tmp_path / "a.c").write_text(WARNED[case])
    ran = run(compiler, *flags(), "-c", "-o", "/dev/null", str(tmp_path / "a.c"))
    assert ran.returncode != 0 and "error" in ran.stderr
    (tmp_path / "a.c").write_text("int f(int a);\nint f(int a)\n{\n\treturn a;\n}\n")
    assert run(compiler, *flags(), "-c", "-o", "/dev/null", str(tmp_path / "a.c")).returncode == 0


def test_clang_format_finds_spaces(tmp_path):
    for text, status in (("int f(void)\n{\n    return 0;\n}\n", 1), ("int f(void)\n{\n\treturn 0;\n}\n", 0)):
        (tmp_path / "a.c").write_text(text)
        ran = run("clang-format", f"--style=file:{files.TREE}/.clang-format", "--dry-run", "-Werror", str(tmp_path / "a.c"))
        assert ran.returncode == status, ran.stderr


TIDIED = {
    "readability-function-size": "void f(int *a)\n{\n" + "\t++*a;\n" * 61 + "}\n",
    "clang-analyzer-core.NullDereference": "int f(void)\n{\n\tint *a = 0;\n\treturn *a;\n}\n",
    "bugprone-sizeof-expression": "#include <string.h>\nvoid f(char *a)\n{\n\tmemset(a, 0, sizeof(sizeof(a)));\n}\n",
    "misc-redundant-expression": "int f(int a)\n{\n\treturn a == 1 || a == 1;\n}\n",
}


@pytest.mark.parametrize("check", TIDIED)
def test_clang_tidy_finds(tmp_path, check):
    (tmp_path / "a.c").write_text(TIDIED[check])
    ran = run("clang-tidy", "--quiet", f"--config-file={files.TREE}/.clang-tidy", str(tmp_path / "a.c"), "--", "-std=gnu17")
    assert ran.returncode != 0 and check in ran.stdout, ran.stdout


def test_shellcheck_finds_an_unquoted_variable(tmp_path):
    (tmp_path / "a").write_text("#!/bin/sh\nrm $1\n")
    (tmp_path / "b").write_text("no script\n")
    listed = run(sys.executable, os.path.join(HERE, "list.py"), "shell", str(tmp_path))
    assert listed.stdout.split() == ["a"]
    ran = run("shellcheck", "-x", "a", cwd=tmp_path)
    assert ran.returncode != 0 and "SC2086" in ran.stdout


def test_python_that_does_not_compile(tmp_path):
    for text, status in (("x = (\n", 1), ("x = 1\n", 0), ("x = '\\d'\n", 1)):
        (tmp_path / "a.py").write_text(text)
        assert run(sys.executable, os.path.join(HERE, "compile.py"), str(tmp_path / "a.py")).returncode == status
    assert not (tmp_path / "__pycache__").exists()


def test_the_gate_calls_every_part():
    with open(os.path.join(HERE, "lint.mk"), encoding="utf-8") as file:
        text = file.read()
    targets = re.search(r"^lint_targets := (.*)$", text, re.MULTILINE).group(1).split()
    for target in targets:
        assert re.search(rf"^(?:.* )?{re.escape(target)}(?: .*)?:", text, re.MULTILINE), target
    assert {"lint-gcc", "lint-clang", "lint-format", "lint-tidy", "lint-shell", "lint-python", "lint-links", "lint-house"} <= set(targets)
