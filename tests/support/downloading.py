"""What tests of downloads share: small limits, and an ear for what is told."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TypeVar

from stoker.models.download.events import DownloadEvent
from stoker.models.download.limits import DownloadLimits

KIB = 1024
T = TypeVar("T")
# Small pieces, one connection unless a test wants more, no room kept free.
LIMITS = DownloadLimits(
    connections=1, piece_bytes_min=64 * KIB, piece_bytes_max=64 * KIB, spare_bytes=0, tries=3
)


@dataclass
class Ear:
    """Everything that was told."""

    events: list[DownloadEvent] = field(default_factory=list)
    _awaited: list[tuple[DownloadEvent, asyncio.Event]] = field(default_factory=list)

    def __call__(self, event: DownloadEvent) -> None:
        self.events.append(event)
        for awaited, heard in self._awaited:
            if awaited == event:
                heard.set()

    async def wait_for(self, event: DownloadEvent) -> None:
        """Return once `event` was told."""
        heard = asyncio.Event()
        self._awaited.append((event, heard))
        if event not in self.events:
            await heard.wait()

    def of(self, kind: type[T]) -> list[T]:
        """Those of one kind."""
        return [event for event in self.events if isinstance(event, kind)]
