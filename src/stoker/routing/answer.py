"""One request's way to a backend that answers it.

Owns the retry that nobody sees: while no byte of an answer has been handed on, a backend that is
lost is replaced by the next one. It does not know what the bytes go to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from stoker.core.errors import WorkerLostError
from stoker.core.request import Request
from stoker.routing.prefill import PrefillFilter
from stoker.scheduling.loop import Scheduler
from stoker.scheduling.ports import B

ATTEMPTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has begun: its `first` bytes, and the `rest` as they come.

    `attempts` is how many backends it took, 1 when nothing failed.
    """

    first: bytes
    rest: AsyncIterator[bytes]
    attempts: int


@asynccontextmanager
async def answer(scheduler: Scheduler[B], request: Request) -> AsyncIterator[Answer]:
    """The answer to `request`, once its first byte is there; the slot is free after the block.

    Raises:
        StokerError: nobody could answer. `WorkerLostError` from within `rest`: the backend was
            lost after its first byte, so the request cannot be repeated unseen.
    """
    async with AsyncExitStack() as stack:
        begun = await _begin(scheduler, request, stack)
        yield begun
        scheduler.answered(request.model)


async def _begin(scheduler: Scheduler[B], request: Request, stack: AsyncExitStack) -> Answer:
    for attempt in range(1, ATTEMPTS_MAX + 1):
        async with AsyncExitStack() as trial:
            lease = await trial.enter_async_context(scheduler.lease(request.model))
            try:
                chunks = await trial.enter_async_context(lease.backend.open(request))
                first = await _first_bytes(chunks)
            except WorkerLostError:
                if attempt == ATTEMPTS_MAX:
                    raise
                continue
            stack.push_async_exit(trial.pop_all())
            return Answer(first, chunks, attempt)
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _first_bytes(chunks: AsyncIterator[bytes]) -> bytes:
    """What the engine says once it has read the prompt; its progress reports are dropped."""
    sieve = PrefillFilter()
    async for chunk in chunks:
        if through := sieve.feed(chunk):
            return through
    return sieve.rest()
