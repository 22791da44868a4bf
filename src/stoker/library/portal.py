"""An event loop on a thread of its own, for code that does not await.

Owns the thread and nothing else; what runs on the loop belongs to the caller.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Generator
from typing import Any, TypeVar

T = TypeVar("T")


class Portal:
    """Runs coroutines for other threads. Its thread lives from `Portal()` to `close()`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="stoker-portal", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. An interrupt while waiting cancels it, and waits for its end."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def iterate(self, items: AsyncIterator[T]) -> Generator[T, None, None]:
        """The `items`, one at a time; leaving early closes the asynchronous side."""
        turn = asyncio.Lock()
        try:
            while True:
                try:
                    item = self.call(_next(items, turn))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            self.call(_close(items, turn))

    def close(self) -> None:
        """End the loop and its thread; safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()


async def _next(items: AsyncIterator[T], turn: asyncio.Lock) -> T:
    async with turn:
        return await anext(items)


async def _close(items: AsyncIterator[T], turn: asyncio.Lock) -> None:
    # An interrupted `_next` may still be unwinding: a generator is closed only when it rests.
    async with turn:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
