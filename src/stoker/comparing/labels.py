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
_STEP = 17.0
_LEVELS = 9


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
    """A text in its box; `line` says that it lies so far off that a line must join it."""

    anchor: Anchor
    box: Box
    line: bool


def place(anchors: Sequence[Anchor], area: Box) -> list[Label]:
    """A label for each anchor, in their order; the first free place of a fixed list of places.

    One that finds no free place takes the first that lies within `area`.
    """
    taken = [one.box for one in anchors]
    labels = []
    for one in anchors:
        places = [label for label in _places(one) if label.box.within(area)] or [_beside(one)]
        free = (label for label in places if not any(label.box.overlaps(box) for box in taken))
        chosen = next(free, places[0])
        labels.append(chosen)
        box = chosen.box
        taken.append(Box(box.left - _APART, box.top, box.right + _APART, box.bottom))
    return labels


def width_of(text: str) -> float:
    """How wide `text` is, rather too wide than too narrow."""
    return _CHARACTER * len(text)


def _places(one: Anchor) -> Iterator[Label]:
    wide = width_of(one.text)
    yield _beside(one)
    yield Label(one, _box(one.x - _NEAR - wide, one.y - HEIGHT / 2, wide), line=False)
    for level in range(_LEVELS):
        off = _STEP * level
        for left in (one.x - wide / 2, one.x + 4, one.x - wide - 4):
            above = one.box.top - HEIGHT - 2 - off
            below = one.box.bottom + 2 + off
            yield Label(one, _box(left, above, wide), line=level > 0)
            yield Label(one, _box(left, below, wide), line=level > 0)


def _beside(one: Anchor) -> Label:
    return Label(one, _box(one.x + _NEAR, one.y - HEIGHT / 2, width_of(one.text)), line=False)


def _box(left: float, top: float, wide: float) -> Box:
    return Box(left, top, left + wide, top + HEIGHT)
