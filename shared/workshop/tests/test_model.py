"""Chapters and tasks as they are found on disk."""

import pytest

from conftest import put

from skiffshop.errors import ShopError


def test_tasks_come_from_the_solutions(shop):
    names = [task.name for chapter in shop.tree.chapters
             for task in chapter.tasks]
    assert names == ["1.1 sum", "1.2 twice", "2.1 minus"]


def test_task_ten_comes_after_task_nine(shop):
    path = shop.root / "solutions/01-alpha/alpha.c"
    path.write_text("".join(f"/* TASK 1.{n} t */\n/* END 1.{n} */\n"
                            for n in (10, 9, 2)))
    numbers = [task.number for task in shop.tree.chapter("1").tasks]
    assert numbers == ["1.2", "1.9", "1.10"]


def test_a_task_in_the_wrong_chapter_is_refused(shop):
    path = shop.root / "solutions/01-alpha/alpha.c"
    path.write_text(path.read_text().replace("1.2", "3.2"))
    status, text = shop.run("status")
    assert status == 2
    assert "alpha.c:19: TASK 3.2 stands in chapter 01-alpha" in text


def test_a_task_with_two_titles_is_refused(shop):
    path = shop.root / "solutions/02-beta/beta.c"
    path.write_text(path.read_text().replace("2.1 minus", "2.1 plus", 1))
    status, text = shop.run("starters")
    assert status == 2 and 'called "minus" here and "plus"' in text


@pytest.mark.parametrize("word", ["1", "01", "alpha", "01-alpha"])
def test_a_chapter_has_several_names(shop, word):
    assert shop.tree.chapter(word).label == "01-alpha"


def test_an_unknown_task_lists_the_known_ones(shop):
    with pytest.raises(ShopError) as caught:
        shop.tree.task("1.7")
    assert "1.1 1.2" in caught.value.hint


def test_a_todo_in_a_comment_is_not_an_unwritten_task(shop):
    text = shop.alpha.read_text()
    assert shop.tree.chapter("1").unwritten() == {"1.1", "1.2"}
    shop.alpha.write_text(
        text.replace('return TODO("1.1 sum");',
                     '// return TODO("1.1 sum");\n\treturn a + b;'))
    assert shop.tree.chapter("1").unwritten() == {"1.2"}


@pytest.mark.parametrize("command", [
    ["check"], ["check", "CH=9"], ["check", "TASK=1.9"], ["hint"],
    ["check", "CH=2", "TASK=1.1"], ["check", "TASK=x"], ["hint", "TASK=2.1",
                                                         "TIER=7"],
    ["check", "CHAPTER=1"], ["check", "CH=1", "--fast"], ["diff", "CH=x"],
    ["reset"], ["predict", "CH=1"], ["attack", "CH=1"], ["watch"]])
def test_a_mistake_gets_one_line_and_a_hint(shop, command):
    status, text = shop.run(*command)
    lines = text.splitlines()
    assert status == 2, text
    assert lines[0].startswith(f"make {command[0]}: ")
    assert lines[1].startswith("hint: ") and len(lines) == 2


def test_an_unknown_command_is_refused(shop):
    status, text = shop.run("dance")
    assert status == 2 and "no such command" in text


def test_a_chapter_that_is_to_come_is_no_typing_error(shop):
    put(shop.root / "shared/runtime/chapters.c",
        '{ "beta", &room_02 },\t{ "gamma", &room_03 },\n')
    for word in ("3", "03", "gamma", "03-gamma"):
        status, text = shop.run("check", f"CH={word}")
        assert status == 2 and "03-gamma: it is not built yet" in text
        assert "so far are 01 02" in text
    assert "no such chapter" in shop.run("check", "CH=4")[1]
    put(shop.root / "solutions/03-gamma/gamma.c", "int gamma;\n")
    assert "not built yet" not in shop.run("check", "CH=3")[1]
