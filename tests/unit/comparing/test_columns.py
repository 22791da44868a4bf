"""Columns keep to a width: the least important goes first, and whole tables go below."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.columns import Column, blocks_of, fit, shortened, total_width, wrapped

WORDS = st.text("abc", min_size=1, max_size=12)
COLUMNS = st.lists(
    st.builds(Column, st.tuples(WORDS, WORDS), st.tuples(WORDS, WORDS, WORDS), st.integers(0, 5)),
    min_size=1,
    max_size=12,
)


@given(COLUMNS, st.integers(1, 120))
def test_only_what_may_go_goes_and_only_as_long_as_it_must(
    columns: list[Column], width: int
) -> None:
    kept, left_out = fit(columns, width)
    rest = iter(columns)
    assert all(any(one == other for other in rest) for one in kept)  # in their order
    assert len(kept) + len(left_out) == len(columns)
    assert all(one in kept for one in columns if one.weight == 0)
    assert total_width(kept) <= width or all(one.weight == 0 for one in kept)


def test_the_heaviest_goes_first() -> None:
    columns = [Column(("", name), ("x" * 10,), at) for at, name in enumerate("abc")]
    assert fit(columns, 25)[1] == ["c"]
    assert fit(columns, 12)[1] == ["c", "b"]


@given(COLUMNS)
def test_every_column_is_in_some_block_and_no_block_is_too_wide(columns: list[Column]) -> None:
    first = Column(("", "name"), ("p", "q", "r"))
    text = blocks_of([first], columns, width=40)
    assert all(len(line) <= 40 for line in text.split("\n"))
    heads = [block.split("\n")[0].split() for block in text.split("\n\n")]
    assert [word for head in heads for word in head[1:]] == [one.head[1] for one in columns]


@given(st.text(max_size=200))
def test_a_name_is_bounded(name: str) -> None:
    assert len(shortened(name)) <= 24
    assert shortened(name) == name or len(name) > 24


def test_each_text_begins_a_line() -> None:
    assert wrapped("a", "", "b") == ["a", "", "b"]
