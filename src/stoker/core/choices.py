"""One of several models that a person has to choose from, as an error carries it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Choice:
    """A model of a source: `name` is what names it there alone.

    `size_bytes` are those of all files that would be fetched, None where one is not told; `files`
    is how many these are.
    """

    name: str
    quantization: str
    size_bytes: int | None
    files: int = 1
