"""Workers with the stub engine: started by `start`, always ended, gates and control calls."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stoker.core.clock import Clock
from stoker.core.model import ModelRef
from stoker.core.request import Kind, Message, Request, Role, Sampling
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.limits import WorkerLimits
from stoker.workers.worker import Worker

MakeWorker = Callable[..., Worker]


@pytest.fixture
async def make_worker(tmp_path: Path) -> AsyncIterator[MakeWorker]:
    made: list[Worker] = []

    def make(
        behaviour: StubBehaviour | None = None,
        *,
        engine: StubEngine | None = None,
        plan: Any = None,
        clock: Clock | None = None,
        limits: WorkerLimits | None = None,
    ) -> Worker:
        more = {"clock": clock} if clock is not None else {}
        worker = Worker(
            plan or stub_plan(),
            engine or StubEngine(behaviour or StubBehaviour()),
            directory=tmp_path / "workers",
            limits=limits or WorkerLimits(),
            **more,
        )
        made.append(worker)
        return worker

    yield make
    for worker in made:
        with contextlib.suppress(ProcessLookupError):
            await worker.stop(drain_s=0)
    assert not list((tmp_path / "workers").glob("*"))


@pytest.fixture
def ask() -> Callable[..., Request]:
    def make(text: str = "hello you", **sampling: Any) -> Request:
        return Request(
            id="1",
            model=ModelRef("stub"),
            kind=Kind.CHAT,
            messages=(Message(Role.USER, text),),
            sampling=Sampling(**sampling),
        )

    return make


@pytest.fixture
def control() -> Callable[..., Awaitable[Any]]:
    """Ask the stub itself, past the worker: `await control(worker, "/stub/slots?wait=0")`."""

    async def call(worker: Worker, path: str, body: Any = None) -> Any:
        connector = aiohttp.UnixConnector(str(worker._socket))
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post("http://stub" + path, json=body) as response,
        ):
            return await response.json()

    return call
