"""What a download tells while it goes on. Data only; who shows it decides how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moved:
    """How many bytes of the model are here, of how many; told for each piece that comes."""

    done_bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class Retrying:
    """Something failed that may pass: it is tried again in `wait_s` seconds."""

    reason: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class StartedOver:
    """What had come of a file is of no use any more."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Another process fetches the same file: we wait for it."""

    name: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A file is not whole, and `kept_bytes` of it stay: the same pull goes on from there."""

    name: str
    kept_bytes: int


DownloadEvent = Moved | Retrying | StartedOver | Waiting | Kept
Told = Callable[[DownloadEvent], None]


def told_nobody(_event: DownloadEvent) -> None:
    """Nothing: nobody listens."""
