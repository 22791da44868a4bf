"""Which bytes of a file are here, which are missing, and in what pieces to ask for them. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from stoker.models.download.limits import DownloadLimits

Span = tuple[int, int]
_PIECES_PER_CONNECTION = 8


class Ranges:
    """A set of bytes, as half-open spans that neither overlap nor touch, in order."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.covered = 0
        for start, end in spans:
            self.add(start, end)

    def add(self, start: int, end: int) -> None:
        """Take in the bytes from `start` up to `end`; nothing where `end` is not beyond it."""
        if end <= start:
            return
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:  # joins what it overlaps or touches
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
            old = zip(self._starts[first:last], self._ends[first:last], strict=True)
            self.covered -= sum(one_end - one_start for one_start, one_end in old)
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]
        self.covered += end - start

    @property
    def prefix(self) -> int:
        """How many bytes are here from the file's beginning on, without a gap."""
        return self._ends[0] if self._starts and self._starts[0] == 0 else 0

    @property
    def end(self) -> int:
        """One beyond the last byte that is here."""
        return self._ends[-1] if self._ends else 0

    def gaps(self, size: int) -> Iterator[Span]:
        """The spans below `size` that are missing."""
        at = 0
        for start, end in self:
            if at < min(start, size):
                yield at, min(start, size)
            at = end
        if at < size:
            yield at, size

    def __iter__(self) -> Iterator[Span]:
        return zip(self._starts, self._ends, strict=True)


@dataclass(slots=True, order=True)
class Piece:
    """What one connection fetches: from `at`, which moves, up to `end`, None for all there is."""

    at: int
    end: int | None

    @property
    def is_done(self) -> bool:
        """Whether nothing of it is missing."""
        return self.end is not None and self.at >= self.end


def piece_bytes(size: int, limits: DownloadLimits) -> int:
    """How long a piece of a file of `size` bytes is: a few for each connection."""
    even = size // (limits.connections * _PIECES_PER_CONNECTION)
    return min(max(even, limits.piece_bytes_min), limits.piece_bytes_max)


def pieces(gaps: Iterable[Span], length: int) -> list[Piece]:
    """`gaps` in pieces of at most `length` bytes, in order."""
    return [
        Piece(at, min(at + length, end)) for start, end in gaps for at in range(start, end, length)
    ]


def wants_another(moved_bytes: int, seconds: float, active: int, limits: DownloadLimits) -> bool:
    """Whether one more connection may help: `active` of them brought `moved_bytes` meanwhile."""
    if active >= limits.connections:
        return False
    return moved_bytes < limits.fast_bytes_per_s * seconds * active
