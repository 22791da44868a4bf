"""Spans of bytes behave as the sets of numbers that they stand for."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stoker.models.download.limits import DownloadLimits
from stoker.models.download.ranges import Ranges, piece_bytes, pieces, wants_another

SPANS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=12)
LIMITS = DownloadLimits()


def numbers(spans: list[tuple[int, int]]) -> set[int]:
    return {number for start, end in spans for number in range(start, end)}


@given(SPANS, st.integers(0, 40))
def test_ranges_are_sets(spans: list[tuple[int, int]], size: int) -> None:
    ranges = Ranges(spans)
    expected = numbers(spans)
    kept = list(ranges)
    assert numbers(kept) == expected
    assert ranges.covered == len(expected)
    assert ranges.end == max(expected, default=-1) + 1
    assert ranges.prefix == next(n for n in range(42) if n not in expected)
    assert numbers(list(ranges.gaps(size))) == set(range(size)) - expected
    assert kept == sorted(kept)
    assert all(end < start for (_, end), (start, _) in pairwise(kept))


@given(SPANS, st.integers(0, 40), st.integers(1, 9))
def test_pieces_are_the_gaps_in_order(spans: list[tuple[int, int]], size: int, length: int) -> None:
    gaps = list(Ranges(spans).gaps(size))
    cut = pieces(gaps, length)
    assert numbers([(one.at, one.end or 0) for one in cut]) == numbers(gaps)
    assert all(0 < (one.end or 0) - one.at <= length for one in cut)
    assert cut == sorted(cut)


def test_a_piece_is_neither_small_nor_large() -> None:
    assert piece_bytes(1, LIMITS) == LIMITS.piece_bytes_min
    assert piece_bytes(1 << 40, LIMITS) == LIMITS.piece_bytes_max
    middle = LIMITS.piece_bytes_min * LIMITS.connections * 16
    assert piece_bytes(middle, LIMITS) == 2 * LIMITS.piece_bytes_min


def test_another_connection_joins_where_those_there_are_slow() -> None:
    assert wants_another(0, 1.0, 1, LIMITS)
    assert not wants_another(LIMITS.fast_bytes_per_s, 1.0, 1, LIMITS)
    assert wants_another(LIMITS.fast_bytes_per_s, 1.0, 2, LIMITS)
    assert not wants_another(0, 1.0, LIMITS.connections, LIMITS)
