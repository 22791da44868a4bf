"""How much scratch memory one step of a model takes: the engine's allocator, played back.

The engine lays the results of a step's operations into one buffer, in the order in which they are
computed, and gives the place of each to others after its last use. What the buffer must hold at
most depends on that order and on gaps; so it is played, in bytes, on an outline of the step. Owns
the placing; which operations there are is `steps`'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

ALIGNMENT = 32


@dataclass(eq=False, slots=True)
class Result:
    """What one operation computes from `sources`; `size` in bytes.

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
    _children: int = field(default=0, init=False)
    _views: int = field(default=0, init=False)
    _at: int | None = field(default=None, init=False)


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
    """What the buffer must hold at most while `results` are computed in their order, in bytes.

    Inputs are placed first. Results are played once: their counts are used up.
    """
    space = Space()
    for one in results:
        if one.input:
            one._at = space.take(_aligned(one.size))
        if one.root is not None:
            one.root._views += 1
        for source in one.sources:
            source._children += 1
    for one in results:
        if not one.input:
            _place(one, space)
        for source in one.sources:
            source._children -= 1
            _free_if_done(source, space)
    return space.peak


def _aligned(size: int) -> int:
    return (size + ALIGNMENT - 1) & -ALIGNMENT


def _place(one: Result, space: Space) -> None:
    if one.kept or one.root is not None:
        return
    for source in one.sources if one.inplace else ():
        if _replaceable(one, source) and source._at is not None:
            one._at, source._at = source._at, None
            return
    one._at = space.take(_aligned(one.size))


def _replaceable(one: Result, source: Result) -> bool:
    """Whether `one` may take over the place of `source`, which it is the last to use."""
    last = source._children == 1 and not source._views
    return last and source.form == one.form and source.root is None and not source.output


def _free_if_done(source: Result, space: Space) -> None:
    if source._children or source._views:
        return
    owner = source if source.root is None else source.root
    if owner is not source:
        owner._views -= 1
    if not (owner._views or owner._children or owner.output or owner._at is None):
        space.give(owner._at, _aligned(owner.size))
        owner._at = None
