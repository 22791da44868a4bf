"""What a cage is asked to do, and what it says it did. Data only; `sandbox` does it.

Crosses the pipe between us and the child as one JSON line each way.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

CAGE_REPORT = "stoker:cage "


@dataclass(frozen=True, slots=True)
class CagePolicy:
    """The bounds of one child. Paths are absolute.

    `module` runs inside. `parent` is the process id that must still be our parent. `readable`
    may be read with all below it, `listable` only listed, `writable` also changed; nothing else
    exists for the child, and nothing may be executed. `open_files` bounds its descriptors.
    """

    module: str
    parent: int
    readable: tuple[str, ...]
    listable: tuple[str, ...]
    writable: tuple[str, ...]
    open_files: int

    def to_line(self) -> bytes:
        """The policy as one JSON line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> CagePolicy:
        """The policy that one JSON line holds.

        Raises:
            ValueError: `line` is not JSON.
            TypeError: a field is missing or unknown.
        """
        fields: dict[str, Any] = json.loads(line)
        for name in ("readable", "listable", "writable"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class Mechanism:
    """One means of the cage: whether it holds, and how, or why not."""

    name: str
    applied: bool
    detail: str


@dataclass(frozen=True, slots=True)
class CageReport:
    """What the child's cage is made of; what could not be applied is named, never left out."""

    mechanisms: tuple[Mechanism, ...]

    @property
    def missing(self) -> tuple[Mechanism, ...]:
        """The mechanisms that do not hold."""
        return tuple(one for one in self.mechanisms if not one.applied)

    def to_line(self) -> str:
        """The report as one line for the parent."""
        return CAGE_REPORT + json.dumps([asdict(one) for one in self.mechanisms])

    @classmethod
    def from_line(cls, line: str) -> CageReport | None:
        """The report that `line` of the child's output holds; None if it holds something else."""
        if not line.startswith(CAGE_REPORT):
            return None
        return cls(tuple(Mechanism(**one) for one in json.loads(line.removeprefix(CAGE_REPORT))))
