"""Dropping prefill reports: the same bytes come through however they were cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import EngineError
from stoker.routing.prefill import EVENT_BYTES_MAX, PrefillFilter

REPORT = b'data: {"choices":[],"prompt_progress":{"processed":1}}\n\n'
ANSWER = b'data: {"choices":[{"delta":{"content":"\\"prompt_progress\\""}}]}\n\ndata: [DONE]\n\n'


def passed(chunks: list[bytes]) -> bytes:
    """What a client gets: the first bytes that come through, then everything unfiltered."""
    sieve, through = PrefillFilter(), b""
    for index, chunk in enumerate(chunks):
        if through := sieve.feed(chunk):
            return through + b"".join(chunks[index + 1 :])
    return through + sieve.rest()


@given(st.integers(0, 4), st.lists(st.integers(0, 400), max_size=8))
def test_any_cut_of_the_same_stream_gives_the_same_bytes(reports: int, cuts: list[int]) -> None:
    stream = REPORT * reports + ANSWER
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in pairwise(edges)]
    assert passed(chunks) == ANSWER


def test_a_stream_of_reports_alone_gives_nothing() -> None:
    assert passed([REPORT, REPORT]) == b""


def test_what_ends_in_the_middle_of_an_event_is_not_kept_back() -> None:
    assert passed([REPORT, b"data: cut"]) == b"data: cut"


def test_an_event_without_an_end_is_refused_in_time() -> None:
    sieve = PrefillFilter()
    assert sieve.feed(b"x" * EVENT_BYTES_MAX) == b""
    with pytest.raises(EngineError, match="without an end"):
        sieve.feed(b"x")
