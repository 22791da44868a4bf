"""An event loop on a thread of its own, for code that does not await.

Owns the thread and nothing else; what runs on the loop belongs to the caller.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from concurrent.futures import Future, wait
from functools import partial
from typing import Any, TypeVar

from stoker.core.errors import ModelNotLoadedError

# How long an interrupted call may take to unwind.
END_S = 30.0

T = TypeVar("T")


class Portal:
    """Runs coroutines for other threads. Its thread lives from `Portal()` to `close()`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="stoker-portal", daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of `work`. An interrupt while waiting cancels it, and waits for its end.

        Raises:
            ModelNotLoadedError: the portal was closed before, or meanwhile.
        """
        future: Future[T] = Future()
        begun: list[asyncio.Task[T]] = []

        def begin() -> None:
            begun.append(self._loop.create_task(work))
            begun[0].add_done_callback(partial(_settle, future))

        if not self._post(begin):
            work.close()
            raise ModelNotLoadedError
        try:
            return future.result()
        except BaseException:
            if not future.done():
                self._post(lambda: [task.cancel() for task in begun])
                wait([future], timeout=END_S)
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
            self._end(_close(items, turn))

    def close(self) -> None:
        """Cancel what still runs, end the loop and its thread; safe to call twice."""
        if self._post(self._loop.stop):
            self._thread.join()

    def _end(self, work: Coroutine[Any, Any, None]) -> None:
        if threading.current_thread() is self._thread:  # the garbage collector called us here
            self._loop.create_task(work)
            return
        with contextlib.suppress(ModelNotLoadedError):
            self.call(work)

    def _post(self, step: Callable[[], object]) -> bool:
        """Run `step` on the loop; False if the loop is closed."""
        try:
            self._loop.call_soon_threadsafe(step)
        except RuntimeError:
            return False
        return True

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            self._loop.run_until_complete(self._cancel_all())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()

    async def _cancel_all(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _settle(future: Future[T], task: asyncio.Task[T]) -> None:
    if task.cancelled():
        future.set_exception(ModelNotLoadedError("the runtime was unloaded"))
    elif (error := task.exception()) is not None:
        future.set_exception(error)
    else:
        future.set_result(task.result())


async def _next(items: AsyncIterator[T], turn: asyncio.Lock) -> T:
    async with turn:
        return await anext(items)


async def _close(items: AsyncIterator[T], turn: asyncio.Lock) -> None:
    # An interrupted `_next` may still be unwinding: a generator is closed only when it rests.
    async with turn:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()
