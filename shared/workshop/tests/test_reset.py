"""reset and diff: back to the start, and beside the solution."""

import json


def backups(shop):
    return sorted((shop.root / "build/backup").glob("*"))


def test_reset_restores_and_keeps_a_backup(shop):
    starter = shop.alpha.read_text()
    shop.alpha.write_text("mine\n")
    status, text = shop.run("reset", "CH=1")
    kept, = backups(shop)
    assert status == 0 and shop.alpha.read_text() == starter
    assert kept.read_text() == "mine\n"
    assert f"build/backup/{kept.name}" in text


def test_two_resets_in_a_second_keep_both(shop):
    for text in ("one\n", "two\n"):
        shop.alpha.write_text(text)
        shop.run("reset", "CH=1")
    assert {path.read_text() for path in backups(shop)} == {"one\n", "two\n"}


def test_reset_of_one_task_leaves_the_others(shop):
    shop.solve("01-alpha/alpha.c")
    status, _ = shop.run("reset", "TASK=1.2")
    text = shop.alpha.read_text()
    assert status == 0 and 'TODO("1.2 twice")' in text
    assert "int sum = a + b;" in text and "TODO 1.1" not in text


def test_reset_of_all_places_of_a_task(shop):
    shop.solve("02-beta/beta.c")
    shop.run("reset", "TASK=2.1")
    text = shop.beta.read_text()
    assert "return -a" not in text and 'TODO("2.1 minus")' in text


def test_reset_of_a_task_whose_comments_are_gone(shop):
    shop.alpha.write_text("int x;\n")
    status, text = shop.run("reset", "TASK=1.2")
    assert status == 2 and "make reset CH=1" in text
    assert shop.alpha.read_text() == "int x;\n"


def test_reset_brings_back_a_deleted_file(shop):
    starter = shop.alpha.read_text()
    shop.alpha.unlink()
    assert shop.run("reset", "CH=1")[0] == 0
    assert shop.alpha.read_text() == starter


def test_reset_forgets_what_was_passed(shop):
    (shop.root / ".progress.json").write_text(json.dumps(
        {"tasks": {"1.1": "passed", "2.1": "passed"}}))
    shop.alpha.write_text("mine\n")
    shop.run("reset", "CH=1")
    kept = json.loads((shop.root / ".progress.json").read_text())
    assert kept["tasks"] == {"2.1": "passed"}


def test_reset_of_an_untouched_chapter_changes_nothing(shop):
    status, text = shop.run("reset", "CH=1")
    assert status == 0 and "nothing changed" in text and not backups(shop)


def test_diff_asks_before_it_spoils(shop):
    status, text = shop.run("diff", "CH=1")
    assert status == 1 and "make diff CH=1 FORCE=1" in text
    assert "return sum" not in text


def test_diff_shows_what_differs_and_nothing_else(shop):
    shop.solve("01-alpha/alpha.c")
    text = shop.alpha.read_text()
    shop.alpha.write_text(text.replace("2 * a", "a + a"))
    (shop.root / ".progress.json").write_text(json.dumps(
        {"tasks": {"1.1": "passed", "1.2": "passed"}}))
    (shop.root / "chapters/01-alpha/README.md").write_text(
        "# Alpha\n## Real ones\n- [bc](http://bc.org/x)\n  does sums.\n## Recap\nNo.\n")
    status, text = shop.run("diff", "CH=1")
    assert status == 0
    changed = [line for line in text.splitlines()
               if line.startswith(("+", "-"))
               and not line.startswith(("+++", "---"))]
    assert "-\treturn a + a;" in changed and "+\treturn 2 * a;" in changed
    assert len(changed) == 2
    assert "README.md:2" in text and "- bc does sums." in text
    assert "No." not in text


def test_diff_of_one_task(shop):
    _, text = shop.run("diff", "TASK=1.2", "FORCE=1")
    assert "+\treturn 2 * a;" in text and "return sum" not in text
