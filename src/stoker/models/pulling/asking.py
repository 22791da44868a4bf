"""Asks the sources of stored models what they have now; what that means is `freshness`'s.

A few are asked at a time, each within its deadline, and each place once, however many names of the
store came from it. One that fails fails alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial

from stoker.core.clock import Clock, SystemClock, within
from stoker.core.errors import StokerError
from stoker.models.http import Http
from stoker.models.pulling.freshness import (
    Freshness,
    compared,
    failed,
    on_this_disk,
    pinned,
    unknown,
)
from stoker.models.sources.base import Offer
from stoker.models.sources.opening import source_for
from stoker.models.sources.path import PathSource
from stoker.models.sources.reference import (
    PathReference,
    Reference,
    WebReference,
    loosened,
    parse_reference,
)
from stoker.models.sources.web import parts_of
from stoker.models.storing.manifest import Manifest

ASKED_AT_ONCE_MAX = 4
WAIT_S = 30.0
OpenClient = Callable[[], AbstractAsyncContextManager[Http]]
Meaning = Callable[[Manifest], Freshness]


class Asking:
    """Asks, with a client of its own for each source: `open_client` gives one for a block."""

    def __init__(
        self, open_client: OpenClient, *, clock: Clock | None = None, wait_s: float = WAIT_S
    ) -> None:
        self._open_client = open_client
        self._clock = clock or SystemClock()
        self._wait_s = wait_s
        self._turns = asyncio.Semaphore(ASKED_AT_ONCE_MAX)

    async def ask(self, manifests: Sequence[Manifest]) -> list[Freshness]:
        """How each of `manifests` stands to what its source has now, in their order."""
        sources = list(dict.fromkeys(manifest.source for manifest in manifests))
        meanings = await asyncio.gather(*(self._meaning(source) for source in sources))
        by_source = dict(zip(sources, meanings, strict=True))
        return [by_source[manifest.source](manifest) for manifest in manifests]

    async def _meaning(self, source: str) -> Meaning:
        """What is known of a model once its `source` has been asked."""
        try:
            reference = loosened(parse_reference(source))
        except StokerError as error:
            return partial(unknown, reason=error.message)
        if isinstance(reference, PathReference):
            return await asyncio.to_thread(_looked_at, reference)
        if _names_all(parse_reference(source)):
            return pinned
        async with self._turns:
            return await self._asked(reference)

    async def _asked(self, reference: Reference) -> Meaning:
        try:
            offer = await within(self._clock, self._wait_s, self._resolved(reference))
        except TimeoutError:
            return partial(unknown, reason=f"no answer within {self._wait_s:g} s")
        except StokerError as error:
            return partial(failed, error=error)
        return partial(compared, offer=offer)

    async def _resolved(self, reference: Reference) -> Offer:
        async with self._open_client() as client:
            return await source_for(reference).resolve(client)


def _looked_at(reference: PathReference) -> Meaning:
    try:
        return partial(on_this_disk, offer=PathSource(reference).look())
    except StokerError as error:
        return partial(failed, error=error)


def _names_all(reference: Reference) -> bool:
    """Whether an address says the digest of the one file that it stands for."""
    if not isinstance(reference, WebReference) or reference.digest is None:
        return False
    return len(list(parts_of(reference.url))) == 1
