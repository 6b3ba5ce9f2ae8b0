"""Markers: what is read, and how a malformed one is refused."""

import pytest

from skiffshop.errors import ShopError
from skiffshop.markers import parse_regions, task_text


def refusal(text):
    with pytest.raises(ShopError) as caught:
        parse_regions(text.splitlines(), "x.c")
    return str(caught.value)


def test_regions_are_found_with_title_and_text():
    lines = ["int f(void)", "{", "\t/* TASK 3.2 host name", "\t * Set it.",
             "\t * Read: x(2) */", "\treturn 0;", "\t/* END 3.2 */", "}"]
    region, = parse_regions(lines, "x.c")
    assert (region.name, region.title) == ("3.2", "host name")
    assert lines[region.body:region.end] == ["\treturn 0;"]
    assert task_text(region.comment) == "Set it.\nRead: x(2)"


def test_a_title_may_close_its_comment():
    region, = parse_regions(["/* TASK 0.1 hello */", "/* END 0.1 */"], "x.c")
    assert region.title == "hello" and region.body == region.end == 1


def test_a_quote_may_stand_inside_of_a_task_and_around_one():
    lines = ["/* QUOTE all */", " /* TASK 1.1 a */", " /* QUOTE in */", "x",
             " /* END in */", " /* END 1.1 */", "/* END all */"]
    names = [region.name for region in parse_regions(lines, "x.c")]
    assert names == ["all", "1.1", "in"]


@pytest.mark.parametrize("text, says", [
    ("a\n/* TASK 3.2 x */\nb", "x.c:2: TASK 3.2 is never closed"),
    ("/* QUOTE q */\nb", "x.c:1: QUOTE q is never closed"),
    ("/* TASK 3.1 x */\n/* TASK 3.2 y */\n/* END 3.2 */\n/* END 3.1 */",
     "x.c:2: TASK 3.2 opens inside of TASK 3.1 (line 1)"),
    ("/* TASK 3.1 x */\n/* END 3.2 */", "x.c:2: END 3.2 closes TASK 3.1"),
    ("/* END 3.1 */", "x.c:1: END 3.1 closes nothing"),
    ("/* TASK three */", "x.c:1: this marker is malformed"),
    ("// TASK 3.1 x", "x.c:1: this marker is malformed"),
    ("/*QUOTE x */", "x.c:1: this marker is malformed"),
    ("/* TASK 3.1 */\n/* END 3.1 */", "x.c:1"),
    ("\n/* TASK 3.1 x\n * never closed", "x.c:2: this comment is never"),
    ("/* QUOTE a */\n/* TASK 3.1 x */\n/* END a */\n/* END 3.1 */",
     "x.c:3: END a closes TASK 3.1"),
])
def test_a_malformed_marker_is_named_with_its_place(text, says):
    assert says in refusal(text)
