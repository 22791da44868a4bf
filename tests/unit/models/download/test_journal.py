"""What is written down is read again, and nothing else is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.models.download.answers import Validators
from stoker.models.download.journal import BYTES_MAX, Journal
from stoker.models.download.ranges import Ranges

SPANS = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=9)
GOOD = Journal("https://h/a", 100, Validators('"x"', "then"), ((0, 10), (20, 100)))


@given(SPANS, st.text(max_size=20), st.text(max_size=20))
def test_a_journal_comes_back(spans: list[tuple[int, int]], source: str, etag: str) -> None:
    journal = Journal(source, 100, Validators(etag), tuple(Ranges(spans)))
    assert Journal.from_json(journal.to_json()) == journal


@pytest.mark.parametrize(
    "change",
    [
        *({"version": 2}, {"size_bytes": -1}, {"size_bytes": 1 << 60}, {"size_bytes": True}),
        *({"done": [[0, 101]]}, {"done": [[5, 5]]}, {"done": [[-1, 5]]}, {"done": [[1]]}),
        *({"done": 3}, {"done": [["0", "5"]]}, {"etag": None}, {"etag": "x" * 5000}, {"more": 1}),
    ],
)
def test_a_journal_that_cannot_be_right_counts_as_none(change: dict[str, object]) -> None:
    document = {**json.loads(GOOD.to_json()), **change}
    assert Journal.from_json(json.dumps(document).encode()) is None


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    assert Journal.from_json(data) is None


def test_a_long_journal_is_not_read() -> None:
    assert Journal.from_json(GOOD.to_json() + b" " * BYTES_MAX) is None
    assert Journal.from_json(b"[" * 100_000) is None


def test_spans_that_overlap_are_joined() -> None:
    document = {**json.loads(GOOD.to_json()), "done": [[5, 10], [0, 6]]}
    found = Journal.from_json(json.dumps(document).encode())
    assert found is not None
    assert found.done == ((0, 10),)
