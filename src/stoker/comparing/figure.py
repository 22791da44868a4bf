"""One panel of a picture as SVG: axes, points with their intervals, names beside them.

Pure. What the points mean is `plot`'s, axes `scales`', places of names `labels`'. The classes in
the markup get their colours from whoever makes the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape

from stoker.comparing.labels import Anchor, Box, Label, place
from stoker.comparing.scales import Scale, linear_scale, log_scale

WIDTH, PANEL_HEIGHT = 760, 290
LEFT, RIGHT = 74, 24
_TOP, _BOTTOM = 64, 46


@dataclass(frozen=True, slots=True)
class Dot:
    """One candidate in one panel: its size in the axis's unit, and a value with its interval.

    The interval may reach below the axis.
    """

    name: str
    size: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Panel:
    """What one panel shows: its head, what its axis shows, its colour's class and its dots."""

    head: str
    axis: str
    kind: str
    dots: tuple[Dot, ...]
    log: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """One panel at its place: `top` is its upper edge; files' sizes lie along `sizes`."""

    panel: Panel
    top: int
    sizes: Scale

    @property
    def lower(self) -> int:
        """Where the axis of sizes lies."""
        return self.top + PANEL_HEIGHT - _BOTTOM

    @property
    def values(self) -> Scale:
        """The upright axis."""
        panel, upper = self.panel, self.top + _TOP
        highest = max(dot.high for dot in panel.dots)
        if panel.log:  # there is no zero: an interval that reaches it ends at the axis
            lowest = min(max(dot.low, dot.value / 3) for dot in panel.dots)
            return log_scale([lowest, highest], self.lower, upper)
        return linear_scale(min(dot.low for dot in panel.dots), highest, self.lower, upper)

    def anchors(self, names: Mapping[str, str]) -> list[Anchor]:
        """Where the dots lie, each with the name it is given."""
        values = self.values
        return [
            Anchor(
                names[dot.name],
                self.sizes.at(dot.size),
                values.at(dot.value),
                values.at(dot.high),
                values.at(max(dot.low, values.low)),
            )
            for dot in self.panel.dots
        ]

    def labels(self, names: Mapping[str, str]) -> list[Label]:
        """The names beside the dots."""
        area = Box(LEFT, self.top + _TOP - 22, WIDTH - 2, self.lower - 1)
        return place(self.anchors(names), area)

    def draw(self, names: Mapping[str, str], unit: str, chosen: str | None) -> Iterator[str]:
        """The parts of the picture; `chosen` gets a ring."""
        panel, lower = self.panel, self.lower
        yield text_at(LEFT, self.top + 26, panel.head, "head ink")
        yield text_at(LEFT, self.top + 44, panel.axis, "soft")
        yield from _axes(self.sizes, self.values, lower)
        yield text_at(WIDTH - RIGHT, lower + 36, f"file, {unit}", "soft", "end")
        for dot, anchor in zip(panel.dots, self.anchors(names), strict=True):
            yield _bar(anchor, panel.kind, lower)
            if dot.name == chosen:
                yield ring(anchor.x, anchor.y, 8)
        yield from map(_label, self.labels(names))


def _axes(sizes: Scale, values: Scale, lower: int) -> Iterator[str]:
    for tick in values.ticks:
        y = values.at(tick)
        yield _stroke("grid", LEFT, y, WIDTH - RIGHT, y)
        yield text_at(LEFT - 8, y + 4, f"{tick:g}", "soft", "end")
    for tick in sizes.ticks:
        x = sizes.at(tick)
        yield _stroke("axis", x, lower, x, lower + 5)
        yield text_at(x, lower + 19, f"{tick:g}", "soft", "middle")
    yield _stroke("axis", LEFT, lower, WIDTH - RIGHT, lower)


def _bar(one: Anchor, kind: str, lower: float) -> str:
    ends = [y for y in (one.high, one.low) if y < lower]  # none where it goes on below the axis
    caps = "".join(_stroke(kind, one.x - 4, y, one.x + 4, y) for y in ends)
    dot = f'<circle class="{kind}" cx="{one.x:.1f}" cy="{one.y:.1f}" r="4"/>'
    return _stroke(kind, one.x, one.high, one.x, one.low) + caps + dot


def ring(x: float, y: float, radius: int) -> str:
    """What marks the chosen one."""
    return f'<circle class="chosen" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>'


def _label(label: Label) -> str:
    middle = (label.box.left + label.box.right) / 2
    return text_at(middle, label.box.bottom - 4, label.anchor.text, "name ink", "middle")


def _stroke(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def text_at(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    """Words at a place; `anchor` says which end of them lies there."""
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
