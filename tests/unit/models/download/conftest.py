"""A part in a store's folder, a client whose waits take no time, and what was told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stoker.models.download.client import HttpClient
from stoker.models.download.fetching import Fetched, fetch
from stoker.models.download.limits import Timing
from stoker.models.download.part import Part
from stoker.models.download.target import Wanted
from support.downloading import LIMITS, Ear


@pytest.fixture
def told() -> Ear:
    return Ear()


@pytest.fixture
def timing() -> Timing:
    """Without jitter there is no wait before another try."""
    return Timing(random=lambda: 0.0)


@pytest.fixture
async def client(timing: Timing, told: Ear) -> AsyncIterator[HttpClient]:
    async with HttpClient(limits=LIMITS, timing=timing, told=told) as opened:
        yield opened


@pytest.fixture
def make_part(tmp_path: Path) -> Iterator[Callable[[], Part]]:
    made: list[Part] = []

    def make() -> Part:
        made.append(Part(tmp_path / "parts", "key", "here"))
        return made[-1]

    yield make
    for part in made:
        part.close()


@pytest.fixture
def part(make_part: Callable[[], Part]) -> Part:
    return make_part()


Fetch = Callable[..., Awaitable[Fetched]]


@pytest.fixture
def fetched(client: HttpClient, part: Part, told: Ear) -> Fetch:
    """`await fetched(url, digest=..., size_bytes=...)`."""

    async def run(url: str, *, into: Part | None = None, **more: Any) -> Fetched:
        return await fetch(client, Wanted("m.gguf", url, **more), into or part, told)

    return run
