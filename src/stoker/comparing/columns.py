"""Columns of text within a width: what has no room is left out, or goes below. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
NONE = "-"
_NAME_MAX = 24
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """One column: two lines of head, and a cell for each row. `weight` 0 is never left out."""

    head: tuple[str, str]
    cells: tuple[str, ...]
    weight: int = 0

    @property
    def width(self) -> int:
        """As wide as the widest of its words."""
        return max(map(len, (*self.head, *self.cells)))

    @property
    def empty(self) -> bool:
        """Whether no row has a figure."""
        return all(cell == NONE for cell in self.cells)

    @property
    def name(self) -> str:
        """Its head as one phrase."""
        return " ".join(part for part in self.head if part)


def fit(columns: Sequence[Column], width: int = WIDTH) -> tuple[list[Column], list[str]]:
    """Those of `columns` that fit in `width`, and the names of those left out, heaviest first."""
    kept, left_out = list(columns), []
    while total_width(kept) > width and any(one.weight for one in kept):
        heaviest = max(kept, key=lambda one: one.weight)
        kept.remove(heaviest)
        left_out.append(heaviest.name)
    return kept, left_out


def total_width(columns: Sequence[Column]) -> int:
    """How wide `columns` are beside each other."""
    return sum(one.width for one in columns) + len(_GAP) * (len(columns) - 1)


def lines_of(columns: Sequence[Column]) -> list[str]:
    """Two lines of head and the rows; the first column to the left, the others to the right."""
    first, *rest = ([*one.head, *one.cells] for one in columns)
    widths = [one.width for one in columns]
    lines = []
    for at, label in enumerate(first):
        cells = [texts[at].rjust(width) for texts, width in zip(rest, widths[1:], strict=True)]
        lines.append(_GAP.join([label.ljust(widths[0]), *cells]).rstrip())
    return lines


def blocks_of(first: Sequence[Column], columns: Sequence[Column], width: int = WIDTH) -> str:
    """As many tables below each other as it takes for all `columns` to fit beside `first`.

    Of each head only the second line is shown.
    """
    blocks: list[list[Column]] = [[]]
    for one in columns:
        if blocks[-1] and total_width([*first, *blocks[-1], one]) > width:
            blocks.append([])
        blocks[-1].append(one)
    return "\n\n".join("\n".join(lines_of([*first, *block])[1:]) for block in blocks)


def shortened(name: str) -> str:
    """A name of bounded length, cut in its middle."""
    if len(name) <= _NAME_MAX:
        return name
    half = _NAME_MAX // 2 - 1
    return f"{name[:half]}..{name[-half:]}"


def wrapped(*texts: str) -> list[str]:
    """Lines of at most `WIDTH` characters; each text begins a new one."""
    return [line for text in texts for line in textwrap.wrap(text, WIDTH) or [""]]
