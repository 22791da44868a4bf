"""Every source is asked once, a few at a time, and within its deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from stoker.core.model import ModelRef
from stoker.models.http import Http
from stoker.models.pulling import asking
from stoker.models.pulling.asking import ASKED_AT_ONCE_MAX, Asking
from stoker.models.pulling.freshness import State
from stoker.models.sources.base import Offer, Offered
from stoker.models.sources.reference import Reference
from stoker.models.storing.manifest import Layer, Manifest
from stoker.testing.clock import ManualClock
from support.local_registry import LocalRegistry, digest_of, local_registry
from support.plain_http import plain_http

GGUF = "application/vnd.docker.ai.gguf.v3"


@pytest.fixture
async def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LocalRegistry]:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    async with local_registry() as registry:
        registry.image("t", [registry.layer(GGUF, b"GGUF")])
        yield registry


def stored(name: str, source: str, data: bytes = b"GGUF") -> Manifest:
    layer = Layer(digest_of(data), len(data), "model", "m.gguf")
    return Manifest(ModelRef(name), source, (layer,), 0, {})


async def test_each_model_gets_the_answer_of_its_source(
    registry: LocalRegistry, tmp_path: Path
) -> None:
    here = tmp_path / "m.gguf"
    here.write_bytes(b"GGUF")
    place = f"oci:{registry.host}/n/m"
    old = digest_of(b"an older manifest")
    found = await Asking(plain_http).ask(
        [
            stored("same", f"{place}:t"),
            stored("old", f"{place}:t@{old}", b"GGUF old"),
            stored("gone", f"{place}:gone@{old}"),
            stored("down", "oci:127.0.0.1:1/n/m:t"),
            stored("here", str(here)),
            stored("lost", str(tmp_path / "lost.gguf")),
            stored("pinned", f"http://127.0.0.1:1/m.gguf#{digest_of(b'GGUF').replace(':', '=')}"),
            stored("odd", "hf:nothing"),
        ]
    )
    assert [(one.model, one.state) for one in found] == [
        ("same", State.CURRENT),
        ("old", State.NEWER),
        ("gone", State.GONE),
        ("down", State.UNKNOWN),
        ("here", State.LOCAL),
        ("lost", State.GONE),
        ("pinned", State.CURRENT),
        ("odd", State.UNKNOWN),
    ]
    assert found[1].new_digest == digest_of(b"GGUF")
    assert found[1].new_source == f"{place}:t@{digest_of(registry.manifests['t'])}"
    assert "owner/repo" in found[7].reason


async def test_a_place_that_two_names_came_from_is_asked_once(registry: LocalRegistry) -> None:
    source = f"oci:{registry.host}/n/m:t"
    found = await Asking(plain_http).ask([stored("a", source), stored("b", source)])
    assert [one.model for one in found] == ["a", "b"]
    assert len(registry.seen.paths) == 2


async def test_a_source_that_never_answers_is_given_up(registry: LocalRegistry) -> None:
    arrived = asyncio.Event()

    async def silent(_request: web.Request) -> web.StreamResponse:
        arrived.set()
        await asyncio.Event().wait()
        raise AssertionError

    registry.instead = silent
    clock = ManualClock()
    asked = Asking(plain_http, clock=clock, wait_s=7).ask(
        [stored("slow", f"oci:{registry.host}/n/m:t")]
    )
    task = asyncio.ensure_future(asked)
    await arrived.wait()
    await clock.advance(7)
    (found,) = await task
    assert (found.state, found.reason) == (State.UNKNOWN, "no answer within 7 s")


async def test_no_more_are_asked_at_once_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[asyncio.Event] = []
    most = 0

    class Slow:
        async def resolve(self, client: Http) -> Offer:
            nonlocal most
            gate = asyncio.Event()
            waiting.append(gate)
            most = max(most, len(waiting))
            await gate.wait()
            waiting.remove(gate)
            return Offer("oci:h.example/m", (Offered("m", 4, digest_of(b"GGUF")),))

    def slow(_reference: Reference) -> Slow:
        return Slow()

    monkeypatch.setattr(asking, "source_for", slow)
    manifests = [stored(f"m{number}", f"oci:h.example/m{number}") for number in range(10)]
    task = asyncio.ensure_future(Asking(plain_http, clock=ManualClock()).ask(manifests))
    while not task.done():
        for gate in waiting:
            gate.set()
        await asyncio.sleep(0)
    assert {one.state for one in await task} == {State.CURRENT}
    assert most == ASKED_AT_ONCE_MAX
