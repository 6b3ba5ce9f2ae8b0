"""The tree itself: nothing has drifted, and every lesson tells the truth."""

import os

import pytest

from skiffshop import consoles, questions, starters, weave
from skiffshop.attack import defending_chapter, list_attacks
from skiffshop.cli import find_tree
from skiffshop.hint import TIERS, parse_hints

TREE = find_tree()
CHAPTERS = TREE.chapters
BLOCKS = consoles.list_blocks(TREE)


def of_chapters(function):
    return pytest.mark.parametrize(
        "chapter", CHAPTERS, ids=lambda chapter: chapter.label)(function)


def predictions():
    """Each question of each chapter, with a name."""
    for chapter in CHAPTERS:
        path = chapter.directory / "predict.json"
        if path.exists():
            found = questions.read_questions(path, TREE.shown(path))
            for number, one in enumerate(found, 1):
                yield pytest.param(one, id=f"{chapter.label}-{number}")


@of_chapters
def test_the_starters_are_as_the_solutions_say(chapter):
    starters.check_statements(chapter)
    for name in chapter.files:
        assert "\n".join(starters.drift(chapter, name)) == ""


@of_chapters
def test_the_lesson_quotes_the_code_as_it_is(chapter):
    assert chapter.readme.exists(), "a chapter needs a README.md"
    found = chapter.readme.read_text(encoding="utf-8")
    assert found == weave.woven_text(TREE, chapter.readme)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_a_console_block_shows_what_comes(block):
    if os.geteuid() != 0:
        pytest.fail("this test needs root: sudo make test")
    found = consoles.run_block(TREE, block)
    assert not found, "\n".join(f"{one.where}\n{one.text}" for one in found)


@of_chapters
def test_each_task_has_its_hints(chapter):
    path = chapter.directory / "hints.md"
    assert path.exists(), "a chapter needs a hints.md"
    hints = parse_hints(path.read_text(encoding="utf-8"))
    for task in chapter.tasks:
        for tier in TIERS:
            assert hints.get(task.number, {}).get(tier.lower()), (
                f"{path.name}: {task.number} has no \"### {tier}\"")
    known = {task.number for task in chapter.tasks}
    assert set(hints) == known, "hints.md and the tasks differ"


@of_chapters
def test_there_are_predictions(chapter):
    path = chapter.directory / "predict.json"
    assert questions.read_questions(path, TREE.shown(path))


@pytest.mark.parametrize("one", predictions())
def test_a_prediction_has_an_answer_on_this_machine(one):
    answer = questions.find_answer(TREE, one)
    assert not one.choices or answer in one.choices


def test_each_attack_names_a_task_that_exists_or_given_code():
    found = list_attacks(TREE)
    assert found
    for attack in found:
        chapter = defending_chapter(TREE, attack)
        assert TREE.chapter(str(attack.data["chapter"])) in CHAPTERS
        assert chapter.number <= attack.data["after"]["stage"]
