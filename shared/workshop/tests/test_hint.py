"""Hints: four tiers, none locked, none written twice."""

import json

import pytest


def test_each_call_goes_one_further(shop):
    says = ["opposite of adding", "expr(1)", "1. Negate.",
            "return a + helper(b);", "no more hints for 2.1"]
    for number, words in enumerate(says, 1):
        status, text = shop.run("hint", "TASK=2.1")
        assert status == 0 and words in text
        if number < 5:
            assert f"hint {number} of 4" in text
    assert "make diff TASK=2.1\n" in text
    assert shop.run("diff", "TASK=2.1")[0] == 0   # as the hint says
    assert shop.run("diff", "TASK=1.1")[0] == 1   # not of a task unread
    kept = json.loads((shop.root / ".progress.json").read_text())
    assert kept["hints"] == {"2.1": 4}


def test_the_fourth_shows_each_place_and_the_explanation(shop):
    _, text = shop.run("hint", "TASK=2.1", "TIER=4")
    assert "solutions/02-beta/beta.c:6" in text
    assert "return -a;" in text and "return a + helper(b);" in text
    assert "Take b from a." in text
    assert "TASK 2.1" not in text and "END" not in text
    assert "no more hints" in text


def test_any_tier_at_any_time(shop):
    assert "expr(1)" in shop.run("hint", "TASK=2.1", "TIER=2")[1]
    assert "Negate" in shop.run("hint", "TASK=2.1")[1]


def test_all_at_once(shop):
    _, text = shop.run("hint", "TASK=2.1", "ALL=1")
    for tier in range(1, 5):
        assert f"hint {tier} of 4" in text


def test_a_heading_in_a_fence_is_text(shop):
    _, text = shop.run("hint", "TASK=2.1", "TIER=3")
    assert "    ## 9.9 not a heading" in text


def test_a_missing_hint_is_no_dead_end(shop):
    status, text = shop.run("hint", "TASK=1.1")
    assert status == 2 and "TASK=1.1 TIER=4" in text
    status, text = shop.run("hint", "TASK=1.1", "TIER=4")
    assert status == 0 and "return sum;" in text


@pytest.mark.parametrize("tier", range(1, 5))
def test_hints_fit_the_screen(shop, tier):
    path = shop.root / "chapters/02-beta/hints.md"
    path.write_text(path.read_text().replace("What is", "What " * 60 + "is"))
    _, text = shop.run("hint", "TASK=2.1", f"TIER={tier}")
    assert max(map(len, text.splitlines())) <= 80
