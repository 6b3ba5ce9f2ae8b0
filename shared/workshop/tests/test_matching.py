"""What a console block shows against what was printed."""

import pytest

from skiffshop.matching import find_mismatch, line_matches


@pytest.mark.parametrize("expected, printed", [
    ([], []),
    (["a"], ["a"]),
    (["a  "], ["a"]),
    (["pid …"], ["pid 7"]),
    (["…:…"], ["a:b:c"]),
    (["..."], []),
    (["..."], ["x", "y"]),
    (["a", "...", "z"], ["a", "z"]),
    (["a", "...", "z"], ["a", "b", "z", "z"]),
    (["...", "m", "..."], ["a", "m", "b"]),
    (["...", "m", "...", "m"], ["m", "x", "m"]),
    (["a.c [x]* (1)"], ["a.c [x]* (1)"]),
])
def test_it_fits(expected, printed):
    assert find_mismatch(expected, printed) is None


@pytest.mark.parametrize("expected, printed, miss", [
    (["a"], [], (0, 0)),
    ([], ["a"], (0, 0)),
    (["a"], ["b"], (0, 0)),
    (["a"], ["a", "b"], (1, 1)),
    (["a", "b"], ["a", "c"], (1, 1)),
    (["pid …"], ["pid"], (0, 0)),
    (["a.c"], ["abc"], (0, 0)),
    (["a", "...", "z"], ["a", "b"], (2, 1)),
    (["a", "...", "m", "...", "z"], ["a", "b", "z"], (2, 3)),
    (["a", "...", "a"], ["a"], (2, 1)),
    (["....."], ["x"], (0, 0)),
])
def test_it_does_not_fit(expected, printed, miss):
    assert find_mismatch(expected, printed) == miss


def test_the_pattern_covers_the_whole_line():
    assert not line_matches("b", "abc")
    assert line_matches("…b…", "abc")
