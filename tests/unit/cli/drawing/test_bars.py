"""A bar is as wide as it may be, whatever its parts; what is there is seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stoker.cli.drawing.bars import bar
from stoker.cli.drawing.glyphs import ASCII, UNICODE

SIZES = st.integers(0, 1 << 40)


def test_parts_and_what_is_left() -> None:
    assert bar((10, 20, 0, 10), 80, 16, ASCII) == "##====--........"


def test_where_there_is_too_little_the_end_is_marked() -> None:
    assert bar((10, 10, 0, 0), 10, 8, ASCII) == "####|==="


@given(st.lists(SIZES, min_size=1, max_size=4), SIZES, st.integers(8, 200))
def test_it_is_always_as_wide(parts: list[int], whole: int, width: int) -> None:
    drawn = bar(parts, whole, width, UNICODE)
    assert len(drawn) == width
    hidden = {mark for mark, part in zip(UNICODE.parts, parts, strict=False) if part} - set(drawn)
    assert len(hidden) <= 1  # the mark of the end may lie on a part of one character
