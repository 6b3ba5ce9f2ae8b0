"""Starters: generated, compared, never written over silently."""

import subprocess


def test_bodies_become_todos_and_quotes_vanish(shop):
    assert shop.alpha.read_text() == """\
/* alpha.c - chapter 01, your code: sums. */
#include "alpha.h"

int alpha_sum(int a, int b)
{
	/* TODO 1.1 sum
	 * Add both numbers.
	 * Read: units(7) */
	return TODO("1.1 sum");
	/* END 1.1 */
}

int alpha_twice(int a)
{
	/* TODO 1.2 twice
	 * Double it. */
	return TODO("1.2 twice");
	/* END 1.2 */
}
"""


def test_a_place_outside_of_a_function_is_left_empty(shop):
    text = shop.beta.read_text()
    assert "helper" not in text.replace("A helper of", "")
    assert text.count("/* TODO 2.1 minus") == 2
    assert text.count('TODO("2.1 minus")') == 1


def test_a_task_without_a_statement_is_refused(shop):
    path = shop.root / "solutions/02-beta/beta.c"
    path.write_text("/* TASK 2.1 x */\nint a;\n/* END 2.1 */\n")
    status, text = shop.run("starters")
    assert status == 2 and "beta.c:1: TASK 2.1 has no region inside" in text


def test_check_is_silent_when_all_fits(shop):
    assert shop.run("starters", "--check")[0] == 0


def test_check_shows_drift(shop):
    path = shop.root / "solutions/01-alpha/alpha.c"
    path.write_text(path.read_text().replace("Double it.", "Twice it."))
    status, text = shop.run("starters", "--check")
    assert status == 1
    assert "-\t * Double it. */" in text and "+\t * Twice it. */" in text
    assert "1 of 2 differ" in text


def test_check_notices_a_starter_that_is_missing(shop):
    shop.beta.unlink()
    assert shop.run("starters", "--check")[0] == 1


def test_check_tells_a_learners_work_from_drift(shop):
    def git(*words):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x",
                        "-C", str(shop.root), *words], check=True,
                       capture_output=True)

    git("init")
    git("add", "chapters")
    git("commit", "-m", "x")
    shop.solve("01-alpha/alpha.c")
    status, text = shop.run("starters", "--check")
    assert status == 0 and "your own work" in text
    solution = shop.root / "solutions/01-alpha/alpha.c"
    solution.write_text(solution.read_text().replace("Double", "Twice"))
    assert shop.run("starters", "--check")[0] == 1


def test_writing_keeps_what_a_learner_wrote(shop):
    shop.alpha.write_text("mine\n")
    status, text = shop.run("starters")
    kept, = (shop.root / "build/backup").iterdir()
    assert status == 0 and kept.read_text() == "mine\n" and kept.name in text
    assert "TODO" in shop.alpha.read_text()
