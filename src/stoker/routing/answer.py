"""One request's way to a backend that answers it.

Owns the retry that nobody sees: while no byte of an answer has been handed on, a backend that is
lost is replaced by the next one. It does not know what the bytes go to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from stoker.core.errors import DrainingError, ModelNotLoadedError, WorkerLostError
from stoker.core.request import Request
from stoker.routing.prefill import PrefillFilter
from stoker.scheduling.loop import Scheduler
from stoker.scheduling.ports import AnswerStream, B, Backend

ATTEMPTS_MAX = 3
# How long the end of a lost backend may take to be noticed.
GONE_S = 5.0
# What a backend raises that was lost, unloaded or is being unloaded since the lease was given.
_GONE = (WorkerLostError, ModelNotLoadedError, DrainingError)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that has begun: its `first` bytes, and the `rest` as they come.

    `attempts` is how many backends it took, 1 when nothing failed.
    """

    first: bytes
    rest: AnswerStream
    attempts: int


@asynccontextmanager
async def answer(scheduler: Scheduler[B], request: Request) -> AsyncIterator[Answer]:
    """The answer to `request`, once its first byte is there; the slot is free after the block.

    Raises:
        StokerError: nobody could answer. `WorkerLostError` from within `rest`: the backend was
            lost after its first byte, so the request cannot be repeated unseen.
    """
    async with AsyncExitStack() as stack:
        begun, rest = await _begin(scheduler, request, stack)
        yield begun
        if rest.whole:
            scheduler.answered(request.model)


class _Rest:
    """A stream that remembers whether it came to its end."""

    def __init__(self, stream: AnswerStream) -> None:
        self._stream = stream
        self.whole = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            yield chunk
        self.whole = True

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """As the stream's own."""
        self.whole = await self._stream.pour(sink)
        return self.whole


async def _begin(
    scheduler: Scheduler[B], request: Request, stack: AsyncExitStack
) -> tuple[Answer, _Rest]:
    for attempt in range(1, ATTEMPTS_MAX + 1):
        async with AsyncExitStack() as trial:
            lease = await trial.enter_async_context(scheduler.lease(request.model))
            try:
                chunks = await trial.enter_async_context(lease.backend.open(request))
                first = await _first_bytes(chunks)
            except _GONE:
                if attempt == ATTEMPTS_MAX or not await _is_gone(lease.backend):
                    raise
                continue
            stack.push_async_exit(trial.pop_all())
            rest = _Rest(chunks)
            return Answer(first, rest, attempt), rest
    raise AssertionError("unreachable: the last attempt returns or raises")


async def _is_gone(backend: Backend) -> bool:
    """Whether `backend` has ended, so that the next lease is another one's."""
    try:
        await asyncio.wait_for(backend.wait_ended(), GONE_S)
    except TimeoutError:
        return False
    return True


async def _first_bytes(chunks: AnswerStream) -> bytes:
    """What the engine says once it has read the prompt; its progress reports are dropped."""
    sieve = PrefillFilter()
    async for chunk in chunks:
        if through := sieve.feed(chunk):
            return through
    if held := sieve.rest():
        return held
    raise WorkerLostError("the engine ended its answer before it began")
