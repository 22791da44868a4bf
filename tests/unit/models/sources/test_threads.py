"""Work that blocks ends in its result, its error, or its deadline."""

from __future__ import annotations

import asyncio
import threading

import pytest

from stoker.models.sources.threads import in_thread


async def test_a_result_and_an_error_come_back() -> None:
    def fail() -> None:
        raise KeyError("x")

    assert await in_thread(lambda: threading.current_thread().name, 10) == "stoker-source"
    with pytest.raises(KeyError):
        await in_thread(fail, 10)


async def test_what_takes_too_long_is_left_behind_and_keeps_nobody() -> None:
    gate = threading.Event()
    seen: list[threading.Thread] = []

    def hang() -> None:
        seen.append(threading.current_thread())
        gate.wait(10)

    with pytest.raises(TimeoutError):
        await in_thread(hang, 0.01)
    assert seen[0].daemon
    gate.set()
    await asyncio.to_thread(seen[0].join, 10)


def test_a_loop_that_has_ended_meanwhile_is_no_error() -> None:
    gate = threading.Event()
    seen: list[threading.Thread] = []

    def hang() -> None:
        seen.append(threading.current_thread())
        gate.wait(10)

    async def leave() -> None:
        with pytest.raises(TimeoutError):
            await in_thread(hang, 0.01)

    asyncio.run(leave())
    gate.set()
    seen[0].join(10)
    assert not seen[0].is_alive()
