"""How the files of a model that is split are named: NAME-00001-of-00003.gguf and so on. Pure.

The one place that knows. Case does not matter, and is kept. What the files hold is `parts`'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(
    r"(?P<stem>.*)-(?P<number>\d{5})(?P<of>-of-)(?P<count>\d{5})(?P<suffix>\.gguf)",
    re.IGNORECASE | re.DOTALL | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class SplitName:
    """The name of one file, or the address that ends with it; `number` counts from 1."""

    stem: str
    number: int
    count: int
    of: str = "-of-"
    suffix: str = ".gguf"

    @property
    def model(self) -> tuple[str, int]:
        """What the names of all files of one model share."""
        return self.stem, self.count

    @property
    def is_plain(self) -> bool:
        """Whether an engine finds the other files: it knows the name in small letters only."""
        return (self.of, self.suffix) == ("-of-", ".gguf")

    @property
    def names(self) -> list[str]:
        """The names of all files of the model, in their order; as many as `count` says."""
        numbers = range(1, self.count + 1)
        return [f"{self.stem}-{one:05}{self.of}{self.count:05}{self.suffix}" for one in numbers]


def split_name(name: str) -> SplitName | None:
    """`name` read as that of one file of a split model; None where it is named otherwise."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    return SplitName(
        match["stem"], int(match["number"]), int(match["count"]), match["of"], match["suffix"]
    )
