"""The models that a person may choose from, as a table below an error."""

from __future__ import annotations

from collections.abc import Sequence

from stoker.core.choices import Choice
from stoker.core.units import format_bytes

LINES_MAX = 40


def choice_lines(choices: Sequence[Choice]) -> list[str]:
    """One line for each choice, in their order; none where there are none."""
    shown = choices[:LINES_MAX]
    width = max((len(one.name) for one in shown), default=0)
    lines = [f"  {one.name:{width}}  {_size(one)}" for one in shown]
    more = len(choices) - len(shown)
    return [*lines, *([f"  and {more} more"] if more else [])]


def _size(one: Choice) -> str:
    size = "size not known" if one.size_bytes is None else format_bytes(one.size_bytes)
    return f"{size} in {one.files} files" if one.files > 1 else size
