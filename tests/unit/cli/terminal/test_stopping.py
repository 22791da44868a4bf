"""Work runs to its end, or to a signal, and is waited for either way."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from stoker.cli.terminal.stopping import run_until_stopped
from stoker.core.errors import EngineError


async def ends() -> None:
    await asyncio.sleep(0)


async def fails() -> None:
    raise EngineError("no")


def test_work_that_ends_has_no_status() -> None:
    assert run_until_stopped(ends()) is None


def test_an_error_passes_through() -> None:
    with pytest.raises(EngineError):
        run_until_stopped(fails())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_and_waits(number: signal.Signals) -> None:
    cleaned: list[bool] = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    assert run_until_stopped(work()) == 128 + number
    assert cleaned == [True]


def test_the_signals_mean_what_they_did_before() -> None:
    before = signal.getsignal(signal.SIGINT)
    run_until_stopped(ends())
    assert signal.getsignal(signal.SIGINT) is before
