"""Work that blocks, beside the event loop, with a deadline.

The thread is a daemon: one that hangs keeps nobody from leaving, neither after the deadline nor
after Ctrl-C.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T], wait_s: float) -> T:
    """What `work` returns or raises, on a thread of its own.

    Raises:
        TimeoutError: it has not ended within `wait_s` seconds; what it does later is lost.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where the result is awaited
            tell(done.set_exception, error)
        else:
            tell(done.set_result, result)

    def tell(settle: Callable[..., None], value: object) -> None:
        with suppress(RuntimeError):  # the loop has been closed meanwhile
            loop.call_soon_threadsafe(lambda: None if done.done() else settle(value))

    Thread(target=run, name="stoker-source", daemon=True).start()
    async with asyncio.timeout(wait_s):
        return await done
