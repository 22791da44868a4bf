"""Numbers and lists as a kernel writes them; whatever else a file holds does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.machine.system_files import (
    TEXT_BYTES_MAX,
    parse_count,
    parse_list,
    parse_rows,
    read_count,
    read_text,
)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0-3,8", {0, 1, 2, 3, 8}),
        ("5\n", {5}),
        ("", set()),
        ("3-1", set()),
        ("x,2,-4", {2}),
        ("0-99999999999", set()),
    ],
)
def test_lists_are_read_and_nonsense_is_left_out(text: str, numbers: set[int]) -> None:
    assert parse_list(text) == numbers


@given(st.sets(st.integers(0, 300)))
def test_every_set_of_numbers_survives_being_written_as_a_list(numbers: set[int]) -> None:
    assert parse_list(",".join(str(one) for one in numbers)) == numbers


@given(st.text())
def test_no_text_breaks_a_parser(text: str) -> None:
    parse_list(text)
    parse_rows(text)
    count = parse_count(text)
    assert count is None or count >= 0


@pytest.mark.parametrize("text", ["", "-1", "²", "1.5", "max", "9" * 21])
def test_only_digits_are_a_count(text: str) -> None:
    assert parse_count(text) is None


def test_the_first_row_of_a_key_counts() -> None:
    assert parse_rows("a : 1\nb\na: 2\nc:d: e") == {"a": "1", "c": "d: e"}


def test_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    assert read_text(tmp_path) == ""
    assert read_text(tmp_path / "none") == ""
    assert read_text(Path("nul\0")) == ""
    assert read_count(tmp_path / "none") is None


def test_no_more_than_the_bound_is_read(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"\xff" + b"x" * TEXT_BYTES_MAX)
    assert len(read_text(tmp_path / "large")) == TEXT_BYTES_MAX
