"""Lists written as running text, because a hundred short strings read better without quotes."""

from __future__ import annotations


def words(text: str) -> list[str]:
    """The words of a text, split at white space."""
    return text.split()


def options(text: str) -> list[str]:
    """The wordings of a text, split at its bars."""
    return text.split("|")
