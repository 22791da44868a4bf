"""What a worker tells its recorder: loads, and whole answers alone."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from stoker.core.measurement import AnswerMeasured, LoadMeasured, identity_of
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Request, Timings, Usage
from stoker.engines.openai_wire import assemble
from stoker.state.measurements import MeasurementLog, read_measurements
from stoker.testing.stub import StubEngine, stub_plan
from stoker.testing.stub_behaviour import StubBehaviour
from stoker.workers.worker import Worker

pytestmark = pytest.mark.slow
Ask = Callable[..., Request]


class Heard:
    """A recorder that remembers; it wants answers or not."""

    def __init__(self, *, wants: bool = True) -> None:
        self.loads: list[tuple[ColdStart, int | None]] = []
        self.answers: list[tuple[Usage, Timings, tuple[int, int]]] = []
        self._wants = wants

    def loaded(self, plan: Plan, parts: ColdStart, disk_bytes: int | None) -> None:
        self.loads.append((parts, disk_bytes))

    def wants(self, plan: Plan) -> bool:
        return self._wants

    def answered(
        self, plan: Plan, usage: Usage, timings: Timings, streams: tuple[int, int]
    ) -> None:
        self.answers.append((usage, timings, streams))


@contextlib.asynccontextmanager
async def running(
    folder: Path, recorder: Heard | MeasurementLog, behaviour: StubBehaviour | None = None
) -> AsyncIterator[Worker]:
    engine = StubEngine(behaviour or StubBehaviour())
    worker = Worker(stub_plan(), engine, directory=folder, recorder=recorder)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop(drain_s=0)


async def test_a_load_is_told_with_its_parts_and_what_came_from_the_disk(tmp_path: Path) -> None:
    heard = Heard()
    async with running(tmp_path, heard) as worker:
        assert heard.loads[0][0] == worker.statistics().cold_start
        assert heard.loads[0][1] is not None
    assert len(heard.loads) == 1
    assert heard.answers == []  # the first answer of all is the worker's own


@pytest.mark.parametrize("poured", [True, False])
async def test_a_whole_answer_is_told_with_the_engines_figures(
    tmp_path: Path, ask: Ask, *, poured: bool
) -> None:
    heard = Heard()
    async with running(tmp_path, heard) as worker, worker.open(ask()) as stream:
        if poured:
            await assemble(stream)
        else:
            async for _ in stream:
                pass
        assert heard.answers == []
    ((usage, timings, streams),) = heard.answers
    assert usage.completion_tokens > 0
    assert timings.decode_s == pytest.approx(0.01)
    assert streams == (1, 1)


async def test_an_answer_that_is_left_is_not_told(tmp_path: Path, ask: Ask) -> None:
    heard = Heard()
    async with running(tmp_path, heard) as worker:
        async with worker.open(ask()) as stream:
            await anext(aiter(stream))
        with contextlib.suppress(ZeroDivisionError):
            async with worker.open(ask()) as stream:
                raise ZeroDivisionError
    assert heard.answers == []


async def test_what_nobody_wants_is_not_read(tmp_path: Path, ask: Ask) -> None:
    heard = Heard(wants=False)
    async with running(tmp_path, heard) as worker, worker.open(ask()) as stream:
        await assemble(stream)
    assert heard.answers == []


async def test_answers_at_a_time_are_counted_at_both_ends(tmp_path: Path, ask: Ask) -> None:
    heard = Heard()
    async with running(tmp_path, heard) as worker:
        first_done, second_open = asyncio.Event(), asyncio.Event()

        async def first() -> None:
            async with worker.open(ask()) as stream:
                await second_open.wait()
                await assemble(stream)
            first_done.set()

        async def second() -> None:
            async with worker.open(ask()) as stream:
                second_open.set()
                await first_done.wait()
                await assemble(stream)

        async with asyncio.TaskGroup() as group:
            group.create_task(first())
            group.create_task(second())
    assert sorted(streams for _, _, streams in heard.answers) == [(1, 2), (2, 1)]


async def test_it_all_ends_in_the_file(tmp_path: Path, ask: Ask) -> None:
    log = MeasurementLog(tmp_path / "m.jsonl")
    async with running(tmp_path / "w", log) as worker, worker.open(ask()) as stream:
        await assemble(stream)
    log.flush()
    found = read_measurements(tmp_path / "m.jsonl", identity_of(worker.plan.model.facts))
    assert [type(one) for one in found] == [LoadMeasured, AnswerMeasured]
