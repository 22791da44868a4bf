"""How much scratch memory one step of a model takes: the engine's allocator, played back.

The engine lays the results of a step's operations into one buffer, in the order in which they are
computed, and gives the place of each to others after its last use. What the buffer must hold at
most depends on that order and on gaps; so it is played, in bytes, on an outline of the step. Owns
the placing; which operations there are is `step`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 32


@dataclass(frozen=True, eq=False, slots=True)
class Result:
    """What one operation computes from `sources`; `size` in bytes, as the engine lays it out.

    With a `root` it is another look at the root's bytes. `inplace` may write over a source of the
    same `form`. What is `kept` lies outside the buffer; an `input` lies in it from the start, an
    `output` to the end.
    """

    size: int
    form: object = None
    sources: tuple[Result, ...] = ()
    root: Result | None = None
    inplace: bool = False
    kept: bool = False
    input: bool = False
    output: bool = False


class Space:
    """One endless buffer; `peak` is the end of the furthest byte that was ever taken."""

    def __init__(self) -> None:
        self.peak = 0
        self._end = 0  # from here on, all is free
        self._gaps: dict[int, int] = {}  # begin and size of each; none touches another

    def take(self, size: int) -> int:
        """The begin of `size` bytes: in the smallest gap that holds them, or at the end."""
        fitting = [(room, -at) for at, room in self._gaps.items() if room >= size]
        if fitting:
            room, behind = min(fitting)
            at = -behind
            del self._gaps[at]
            if room > size:
                self._gaps[at + size] = room - size
        else:
            at, self._end = self._end, self._end + size
        self.peak = max(self.peak, at + size)
        return at

    def give(self, at: int, size: int) -> None:
        """Free `size` bytes from `at` on, joined with the free ones beside them."""
        for begin, room in list(self._gaps.items()) if size else ():
            if begin + room == at:
                del self._gaps[begin]
                at, size = begin, room + size
            elif at + size == begin:
                size += self._gaps.pop(begin)
        if at + size == self._end:
            self._end = at
        elif size:
            self._gaps[at] = size


def peak_bytes(results: Sequence[Result]) -> int:
    """What the buffer must hold at most while `results` are computed in their order, in bytes."""
    played = _Play(results)
    for one in results:
        played.compute(one)
    return played.space.peak


class _Play:
    """Where the results lie, and who still needs them."""

    def __init__(self, results: Sequence[Result]) -> None:
        self.space = Space()
        self._at: dict[Result, int] = {}
        self._children = Counter(source for one in results for source in one.sources)
        self._views = Counter(one.root for one in results if one.root is not None)
        for one in results:
            if one.input:
                self._at[one] = self.space.take(one.size)

    def compute(self, one: Result) -> None:
        """Place `one`, then free what it was the last to use."""
        if not (one.input or one.kept or one.root is not None):
            self._place(one)
        for source in one.sources:
            self._children[source] -= 1
            if not self._needed(source):
                self._free(source)

    def _place(self, one: Result) -> None:
        for source in one.sources if one.inplace else ():
            if self._replaceable(one, source):
                self._at[one] = self._at.pop(source)
                return
        self._at[one] = self.space.take(one.size)

    def _replaceable(self, one: Result, source: Result) -> bool:
        """Whether `one` may take over the place of `source`, which it is the last to use."""
        last = self._children[source] == 1 and not self._views[source]
        own = source in self._at and not source.output
        return last and own and source.form == one.form

    def _free(self, source: Result) -> None:
        owner = source
        if source.root is not None:
            owner = source.root
            self._views[owner] -= 1
        if owner in self._at and not owner.output and not self._needed(owner):
            self.space.give(self._at.pop(owner), owner.size)

    def _needed(self, one: Result) -> bool:
        return bool(self._children[one] or self._views[one])


def aligned(size: int) -> int:
    """`size` as the engine lays it out, in bytes."""
    return (size + ALIGNMENT - 1) & -ALIGNMENT
