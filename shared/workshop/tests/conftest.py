"""A small workshop of two chapters, made anew for each test."""

import os
import sys
from pathlib import Path

import pytest

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from skiffshop.cli import main as shop_main  # noqa: E402
from skiffshop.model import Tree  # noqa: E402

FIRST = """\
/* alpha.c - chapter 01: sums. */
#include "alpha.h"

/* QUOTE sum */
int alpha_sum(int a, int b)
{
	/* TASK 1.1 sum
	 * Add both numbers.
	 * Read: units(7) */
	int sum = a + b;

	return sum;
	/* END 1.1 */
}
/* END sum */

int alpha_twice(int a)
{
	/* TASK 1.2 twice
	 * Double it. */
	/* QUOTE double */
	return 2 * a;
	/* END double */
	/* END 1.2 */
}
"""

SECOND = """\
/* beta.c - chapter 02: differences. */
#include "alpha.h"

/* TASK 2.1 minus
 * A helper of your own, perhaps. */
static int helper(int a)
{
	return -a;
}
/* END 2.1 */

int beta_minus(int a, int b)
{
	/* TASK 2.1 minus
	 * Take b from a. */
	return a + helper(b);
	/* END 2.1 */
}
"""

HINTS = """\
# Hints

## 2.1 minus
### Question
What is the opposite of adding?
### Man page
expr(1)
### Steps
1. Negate.
2. Add.

```
## 9.9 not a heading
```
"""

CONFTEST = """\
def pytest_addoption(parser):
    parser.addoption("--skiff")
    parser.addoption("--stage", type=int)

def pytest_configure(config):
    config.addinivalue_line("markers", "task(number): a task")
"""

TESTS = """\
import pathlib
import subprocess

import pytest

def skiff(request, *words):
    done = subprocess.run([request.config.option.skiff, *words],
                          capture_output=True, text=True)
    assert done.returncode != 125, done.stderr
    return done.stdout.strip()

@pytest.mark.task("1.1")
def test_sum(request):
    if skiff(request, "sum", "2", "3") != "5":
        pytest.fail("1.1 sum: wrong\\n  We added 2 and 3.")

@pytest.mark.task("1.2")
def test_twice(request):
    assert skiff(request, "twice", "4") == "8", "It should print 8."

def test_whole(request):
    pathlib.Path("whole-ran").write_text("")
"""

MAKEFILE = """\
BUILD ?= build
learner:
	@mkdir -p $(BUILD)/learner
	$(CC) -Itests -o $(BUILD)/learner/skiff tests/main.c $(ROOMS)
probes:
	@mkdir -p $(BUILD)/probes
define skiff
@mkdir -p $(dir $@)
@printf '#!/bin/sh\\necho skiff "$$@"\\n' > $@; chmod +x $@
endef
$(BUILD)/skiff:
	$(skiff)
$(BUILD)/stage-%/skiff:
	$(skiff)
"""

MAIN = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alpha.h"

int main(int argc, char **argv)
{
	int a = argc > 2 ? atoi(argv[2]) : 0, b = argc > 3 ? atoi(argv[3]) : 0;

	printf("%d\n", strcmp(argv[1], "sum") ? alpha_twice(a) : alpha_sum(a, b));
	return 0;
}
"""

HEADER = r"""
#include <stdio.h>
#include <stdlib.h>
int alpha_sum(int a, int b);
int alpha_twice(int a);
int beta_minus(int a, int b);
#define TODO(name) (fprintf(stderr, "skiff: task %.3s (%s) is not written yet: x.c:1\n", \
			    name, name + 4), exit(125), 0)
"""


def put(path, text):
    """Write a file and the directories above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


class Shop:
    """The sample tree, and the commands on it."""

    def __init__(self, root, capfd):
        self.root = root
        self.capfd = capfd
        self.alpha = root / "chapters/01-alpha/alpha.c"
        self.beta = root / "chapters/02-beta/beta.c"

    @property
    def tree(self):
        return Tree(self.root, "build")

    def run(self, *words):
        """A command's exit status and all that it printed."""
        self.capfd.readouterr()
        status = shop_main(list(words), self.tree)
        out, err = self.capfd.readouterr()
        return status, out + err

    def solve(self, *names):
        """Copy solutions over the starters."""
        for name in names or ("01-alpha/alpha.c", "02-beta/beta.c"):
            text = (self.root / "solutions" / name).read_text()
            (self.root / "chapters" / name).write_text(text)


@pytest.fixture
def shop(tmp_path, capfd, monkeypatch):
    for key in ("CH", "TASK", "TIER", "ALL", "FORCE", "ANSWERS", "BUILD",
                "SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(key, raising=False)
    root = tmp_path / "tree"
    put(root / "solutions/01-alpha/alpha.c", FIRST)
    put(root / "solutions/02-beta/beta.c", SECOND)
    put(root / "chapters/01-alpha/README.md", "# Alpha\n")
    put(root / "chapters/02-beta/README.md", "# Beta\n")
    put(root / "chapters/02-beta/hints.md", HINTS)
    put(root / "tests/chapters/conftest.py", CONFTEST)
    put(root / "tests/chapters/test_01_alpha.py", TESTS)
    put(root / "tests/main.c", MAIN)
    put(root / "tests/alpha.h", HEADER)
    put(root / "Makefile", MAKEFILE)
    put(root / "build/images/busybox/rootfs/etc/motd", "hello\n")
    made = Shop(root, capfd)
    assert made.run("starters")[0] == 0
    return made


@pytest.fixture
def as_root():
    if os.geteuid() != 0:
        pytest.fail("this test needs root: sudo make test")
