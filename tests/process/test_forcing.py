"""A child that writes logits is read at our pace, believed if it is sound, and always ended."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import numpy as np
import pytest

from stoker.comparing import forcing
from stoker.comparing.forcing import SILENCE_S, ForcedText, forced
from stoker.core.clock import Clock, SystemClock
from stoker.core.errors import EngineError, LoadFailedError, LoadTimeoutError, WorkerLostError
from stoker.engines.base import Launch
from stoker.testing.clock import ManualClock
from stoker.testing.stub_logits import launch_stub

pytestmark = pytest.mark.slow
Force = Callable[..., AbstractAsyncContextManager[ForcedText]]


@pytest.fixture
def force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Force:
    def start(
        launch: Launch, clock: Clock | None = None
    ) -> AbstractAsyncContextManager[ForcedText]:
        monkeypatch.setattr(forcing, "launch_logits", lambda *_, **__: launch)
        return forced(
            Path("none"),
            "",
            threads=1,
            tokens_max=1,
            directory=tmp_path / "w",
            clock=clock or SystemClock(),
        )

    return start


def nothing_is_left(tmp_path: Path) -> bool:
    return not list((tmp_path / "w").iterdir())


async def read(reading: ForcedText) -> int:
    """How many rows came."""
    header = await reading.header()
    return sum([len(rows) async for rows, _ in reading.blocks(header)])


async def test_every_row_comes_though_the_child_ended_long_ago(
    force: Force, tmp_path: Path
) -> None:
    """More than the pipe and the reader's buffer hold together, read after a pause."""
    async with force(launch_stub(rows=3000, vocabulary=500, talk=3)) as reading:
        header = await reading.header()
        assert (header.vocabulary, len(header.targets)) == (500, 3000)
        blocks = [block async for block in reading.blocks(header)]
    rows = np.concatenate([rows for rows, _ in blocks])
    assert rows.shape == (3000, 500)
    assert (rows == 0.5).all()
    assert [one for _, targets in blocks for one in targets] == list(header.targets)
    assert len(blocks) > 1
    assert nothing_is_left(tmp_path)


async def test_a_child_that_ends_early_is_told_with_its_last_words(
    force: Force, tmp_path: Path
) -> None:
    launch = launch_stub(rows=9, rows_written=4, last_words="out of luck\n")
    async with force(launch) as reading:
        with pytest.raises(WorkerLostError, match="ended early: out of luck"):
            await read(reading)
    assert nothing_is_left(tmp_path)


async def test_what_the_child_says_is_wrong_is_raised(force: Force) -> None:
    error = {"kind": "load", "error": "no model"}
    async with force(launch_stub(error=error)) as reading:
        with pytest.raises(LoadFailedError, match="no model"):
            await reading.header()


async def test_talk_without_end_is_not_waited_out(force: Force) -> None:
    async with force(launch_stub(talk=50)) as reading:
        with pytest.raises(EngineError, match="something else"):
            await reading.header()


@pytest.mark.parametrize("value", [math.nan, math.inf])
async def test_numbers_that_are_none_are_refused(force: Force, value: float) -> None:
    async with force(launch_stub(value=value)) as reading:
        with pytest.raises(EngineError, match="not finite"):
            await read(reading)


async def test_a_silent_child_is_given_up(force: Force, tmp_path: Path) -> None:
    clock = ManualClock()
    async with force(launch_stub(rows=9, rows_written=4, hang=True), clock) as reading:
        work = asyncio.ensure_future(read(reading))
        while not work.done():
            await clock.wait_sleepers()
            await clock.advance(SILENCE_S + 1)
        with pytest.raises(LoadTimeoutError, match="said nothing"):
            await work
    assert nothing_is_left(tmp_path)


async def test_a_reader_that_leaves_ends_the_child(force: Force, tmp_path: Path) -> None:
    async with force(launch_stub(hang=True)) as reading:
        await reading.header()
        child = reading._child
    assert child.returncode is not None
    assert nothing_is_left(tmp_path)


async def test_a_reader_that_is_cancelled_ends_the_child(force: Force, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def wait() -> None:
        async with force(launch_stub(rows=9, rows_written=4, hang=True)) as reading:
            await reading.header()
            begun.set()
            await read(reading)

    work = asyncio.ensure_future(wait())
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert nothing_is_left(tmp_path)
