"""Where labels go so that they cover no point, no bar and no other label. Pure geometry.

Lengths are in the plot's own units; y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

HEIGHT = 15.0
_CHARACTER = 7.4  # a wide guess at 12 units of a sans-serif font
_NEAR = 14.0
_RADIUS = 9.0  # of the ring that a point may have
_APART = 8.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its edges."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether they share more than an edge."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def within(self, other: Box) -> bool:
        """Whether nothing of it lies outside of `other`."""
        beside = self.left >= other.left and self.right <= other.right
        return beside and self.top >= other.top and self.bottom <= other.bottom


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point that wants a label, and the bar through it from `low` (below) up to `high`."""

    text: str
    x: float
    y: float
    high: float
    low: float

    @property
    def box(self) -> Box:
        """What no label may cover."""
        top, bottom = min(self.high, self.y - _RADIUS), max(self.low, self.y + _RADIUS)
        return Box(self.x - _RADIUS, top, self.x + _RADIUS, bottom)


@dataclass(frozen=True, slots=True)
class Label:
    """A text in its box; `covers` says that there was no room, so that it covers something."""

    anchor: Anchor
    box: Box
    covers: bool = False


def place(anchors: Sequence[Anchor], area: Box) -> list[Label]:
    """A label for each anchor, in their order; the first free place beside, above or below it.

    One that finds no free place takes the first that lies within `area`.
    """
    taken = [one.box for one in anchors]
    labels = []
    for one in anchors:
        places = [box for box in _places(one) if box.within(area)] or [next(_places(one))]
        free = (box for box in places if not any(box.overlaps(other) for other in taken))
        box = next(free, None)
        labels.append(Label(one, box or places[0], covers=box is None))
        taken.append(_with_room(labels[-1].box))
    return labels


def width_of(text: str) -> float:
    """How wide `text` is, rather too wide than too narrow."""
    return _CHARACTER * len(text)


def _places(one: Anchor) -> Iterator[Box]:
    wide = width_of(one.text)
    yield _box(one.x + _NEAR, one.y - HEIGHT / 2, wide)
    yield _box(one.x - _NEAR - wide, one.y - HEIGHT / 2, wide)
    for left in (one.x - wide / 2, one.x + 4, one.x - wide - 4):
        yield _box(left, one.box.top - HEIGHT - 2, wide)
        yield _box(left, one.box.bottom + 2, wide)


def _with_room(box: Box) -> Box:
    return Box(box.left - _APART, box.top, box.right + _APART, box.bottom)


def _box(left: float, top: float, wide: float) -> Box:
    return Box(left, top, left + wide, top + HEIGHT)
