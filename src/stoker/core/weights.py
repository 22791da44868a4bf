"""What a model's weights are used for: it decides how often a step reads or multiplies them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """How a token uses a matrix."""

    BODY = "body"  # multiplied with every token
    EXPERT = "expert"  # one of several, of which each token is sent to a few
    OUTPUT = "output"  # multiplied only where the next token is asked for
    LOOKUP = "lookup"  # one row of it is read


@dataclass(frozen=True, slots=True)
class WeightUse:
    """All weights of one use and one number format together.

    Of a matrix that is both looked up in and multiplied for the output, once, as `OUTPUT`.
    """

    use: Use
    format: str
    elements: int
    size_bytes: int
