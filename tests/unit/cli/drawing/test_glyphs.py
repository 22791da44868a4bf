"""Drawings use plain characters wherever others might not show."""

from __future__ import annotations

from dataclasses import astuple
from itertools import chain

import pytest

from stoker.cli.drawing.glyphs import ASCII, UNICODE, Glyphs, choose_glyphs


@pytest.mark.parametrize(
    ("encoding", "terminal", "chosen"),
    [
        ("utf-8", "xterm-256color", UNICODE),
        ("UTF-8", None, UNICODE),
        ("utf8", "", UNICODE),
        ("utf-8", "dumb", ASCII),
        ("ascii", "xterm", ASCII),
        ("latin-1", None, ASCII),
        (None, "xterm", ASCII),
    ],
)
def test_the_encoding_and_the_terminal_decide(
    encoding: str | None, terminal: str | None, chosen: Glyphs
) -> None:
    assert choose_glyphs(encoding, terminal) is chosen


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_each_glyph_is_one_character_and_the_plain_ones_are_ascii(glyphs: Glyphs) -> None:
    every = list(chain.from_iterable(astuple(glyphs)))
    assert {len(one) for one in every} == {1}
    assert glyphs is UNICODE or all(one.isascii() for one in every)
