"""How pages lay out text: paragraphs of a width, sections of marked lines, capitals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator


def section(title: str, lines: Iterable[str], width: int) -> Iterator[str]:
    """A title and its lines, each wrapped and marked; nothing where there are none."""
    told = [line for line in lines if line]
    if told:
        yield ""
        yield title
        for line in told:
            yield from wrapped(line, width, "  - ", "    ")


def wrapped(text: str, width: int, first: str = "", later: str = "") -> list[str]:
    """`text` in lines of at most `width`, the first and the later ones with what leads them."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
    )


def capital(text: str) -> str:
    """`text` with a capital at its beginning."""
    return text[:1].upper() + text[1:]
