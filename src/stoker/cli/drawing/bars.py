"""Bars of characters: how much of a whole its parts take; and the legends of drawings. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoker.cli.drawing.glyphs import UNICODE, Glyphs


def bar(parts: Sequence[int], whole: int, width: int, glyphs: Glyphs = UNICODE) -> str:
    """`parts`, each in its own glyph, of `whole`, in `width` characters.

    What is left of the whole is dots. Where the parts are more, all is scaled to their sum and the
    last glyph stands where the whole ends. A part that is there has one character at least.
    """
    total = sum(parts)
    longest = max(total, whole, 1)
    cells = [max(1, round(width * part / longest)) if part else 0 for part in parts]
    while sum(cells) > width:
        cells[cells.index(max(cells))] -= 1
    drawn = "".join(mark * count for mark, count in zip(glyphs.parts, cells, strict=False))
    drawn = drawn.ljust(width, glyphs.rest)
    if total > whole:
        at = min(width - 1, round(width * whole / longest))
        drawn = drawn[:at] + glyphs.end + drawn[at + 1 :]
    return drawn


def wrap_entries(entries: Sequence[str], width: int, between: str = "  ") -> Iterator[str]:
    """As many entries of a legend on a line as fit, each whole; one that is too long is cut."""
    line = ""
    for entry in entries:
        longer = f"{line}{between}{entry}" if line else entry
        if len(longer) > width and line:
            yield line[:width]
            longer = entry
        line = longer
    yield line[:width]
