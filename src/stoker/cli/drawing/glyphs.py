"""The characters that drawings in a terminal are made of, and plain ones where those may not show.

No colours: what is drawn reads the same in a file, in a pipe and on any background.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of characters.

    A bar's `parts`, what is left (`rest`) and where the whole ends (`end`). A chart's two lines,
    each lying and upright, and the `band` around the first; its frame; the `even` point, the
    `interval` of it on the axis, what is `asked` and the `most`.
    """

    parts: tuple[str, ...] = ("█", "▓", "▒", "░")
    rest: str = "·"
    end: str = "│"
    here: tuple[str, str] = ("━", "┃")
    api: tuple[str, str] = ("╌", "╎")
    band: str = "░"
    upright: str = "│"
    upright_tick: str = "┤"
    corner: str = "└"
    lying: str = "─"
    lying_tick: str = "┬"
    interval: str = "═"
    even: str = "◆"
    asked: str = "▲"
    most: str = "▼"


UNICODE = Glyphs()
ASCII = Glyphs(
    parts=("#", "=", "+", "-"),
    rest=".",
    end="|",
    here=("#", "#"),
    api=("o", "o"),
    band=":",
    upright="|",
    upright_tick="+",
    corner="+",
    lying="-",
    lying_tick="+",
    interval="=",
    even="X",
    asked="^",
    most="v",
)


def choose_glyphs(encoding: str | None, terminal: str | None) -> Glyphs:
    """The set for an output of that encoding, on a terminal of that kind (`TERM`)."""
    plain = "utf" not in (encoding or "").lower() or terminal == "dumb"
    return ASCII if plain else UNICODE


def glyphs_of_output() -> Glyphs:
    """The set for standard output."""
    return choose_glyphs(getattr(sys.stdout, "encoding", None), os.environ.get("TERM"))
