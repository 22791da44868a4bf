"""The library's waiting line is bounded."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from stoker.core.errors import ModelNotLoadedError, QueueFullError, QueueTimeoutError
from stoker.library import asynchronous
from stoker.library.asynchronous import AsyncLocalModelRuntime


async def test_one_caller_more_than_may_wait_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asynchronous, "WAITING_MAX", 3)
    runtime = AsyncLocalModelRuntime("starter", slots=1)
    await runtime._slots.acquire()  # somebody holds the only slot
    waiting = [asyncio.ensure_future(runtime._wait_for_slot()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError, match="3 requests already wait"):
        await runtime._wait_for_slot()
    runtime._slots.release()
    await waiting[0]
    for one in waiting[1:]:
        one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await one
    assert runtime._waiting == 0


async def test_waiting_for_too_long_ends_and_leaves_the_line() -> None:
    runtime = AsyncLocalModelRuntime("starter", slots=1, wait_s=0)
    await runtime._slots.acquire()
    with pytest.raises(QueueTimeoutError):
        await runtime._wait_for_slot()
    assert runtime._waiting == 0


async def test_without_load_there_is_nothing_to_wait_for() -> None:
    with pytest.raises(ModelNotLoadedError):
        await AsyncLocalModelRuntime("starter").generate("x")
