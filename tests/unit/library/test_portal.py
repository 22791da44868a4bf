"""Code that does not await gets its results, and nobody is left waiting when the portal closes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from stoker.core.errors import ModelNotLoadedError
from stoker.library.portal import Portal


async def echo(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def count(closed: threading.Event) -> AsyncIterator[int]:
    try:
        for number in range(1000):
            yield number
    finally:
        closed.set()


def test_a_call_gives_the_result_or_the_error() -> None:
    async def fail() -> None:
        raise KeyError("x")

    portal = Portal()
    assert portal.call(echo(7)) == 7
    with pytest.raises(KeyError):
        portal.call(fail())
    portal.close()


def test_leaving_an_iteration_closes_the_asynchronous_side() -> None:
    portal, closed = Portal(), threading.Event()
    items = portal.iterate(count(closed))
    assert [next(items), next(items)] == [0, 1]
    items.close()
    assert closed.is_set()
    portal.close()


def test_closing_ends_the_calls_of_other_threads() -> None:
    portal, begun, ends = Portal(), threading.Event(), list[BaseException]()

    async def forever() -> None:
        begun.set()
        await asyncio.Event().wait()

    def wait() -> None:
        try:
            portal.call(forever())
        except ModelNotLoadedError as error:
            ends.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    assert begun.wait(10)
    portal.close()
    thread.join(10)
    assert len(ends) == 1


def test_a_closed_portal_says_so() -> None:
    portal = Portal()
    portal.close()
    portal.close()
    with pytest.raises(ModelNotLoadedError):
        portal.call(echo(1))
