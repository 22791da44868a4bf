"""The wire to one engine: HTTP over its Unix socket, bytes in and bytes out.

Owns connections, deadlines and what a broken connection is called. Knows no dialect: bodies pass
through undecoded. Each request has a connection of its own: closing it is how a request is
cancelled. One that was opened ahead (`spare`) and turns out stale is replaced unseen.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from stoker.core.clock import Clock, within
from stoker.core.errors import StokerError, WorkerLostError
from stoker.engines.base import WireRequest
from stoker.workers.limits import WorkerLimits
from stoker.workers.spare import Spare
from stoker.workers.wire import Exchange, WireError, connect

_BROKEN = (WireError, OSError)
# The engine's figures come with its last event, in front of the stream's end mark.
TAIL_PIECES = 4


class EngineStream:
    """The body of one answer, piece by piece as the engine sends it; made by `Link.open`.

    `is_whole` is true once it has come to its end; `tail` has its last pieces.
    """

    def __init__(self, link: Link, response: Exchange) -> None:
        self._link = link
        self._response = response
        self._reason: WorkerLostError | None = None
        self._heard_at = link.clock.now()
        self._last: deque[bytes] = deque(maxlen=TAIL_PIECES)
        self.is_whole = False

    @property
    def tail(self) -> bytes:
        """The last `TAIL_PIECES` pieces."""
        return b"".join(self._last)

    def __aiter__(self) -> EngineStream:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await self._response.readany()
        except _BROKEN as error:
            raise self._lost(error) from error
        if self._reason is not None:
            raise self._reason
        if not piece:
            self.is_whole = True
            raise StopAsyncIteration
        self._heard_at = self._link.heard()
        self._last.append(piece)
        return piece

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Give each further piece to `sink` in the very step that brings it: no task wakes for it.

        Returns:
            True at the end of the answer; False once `sink` has said, by False, that it is full.

        Raises:
            WorkerLostError: the answer broke off.
        """

        def pass_on(piece: bytes) -> bool:
            self._heard_at = self._link.heard()
            self._last.append(piece)
            return sink(piece)

        try:
            self.is_whole = await self._response.pour(pass_on)
        except _BROKEN as error:
            raise self._lost(error) from error
        return self.is_whole

    def abort(self, reason: WorkerLostError) -> None:
        """Break the stream: whoever reads it gets the first `reason` given."""
        if self._reason is not None:
            return
        self._reason = reason
        self._response.fail(reason)

    def close(self) -> None:
        """Let go of the connection at once, whatever is still to come."""
        self._response.close()

    async def watch_silence(self) -> None:
        """Abort the stream when no piece has come for the idle deadline.

        One task for a stream and one comparison for a piece: a timer for each piece would cost
        more than passing the piece on.
        """
        link, limit = self._link, self._link.limits.idle_s
        while (rest := self._heard_at + limit - link.clock.now()) > 0:
            await link.clock.sleep(rest)
        self.abort(WorkerLostError(f"the engine sent nothing for {limit:g} s"))

    def _lost(self, error: BaseException) -> WorkerLostError:
        return self._reason or WorkerLostError(f"the engine's answer broke off: {error}")


class Link:
    """Connections to one engine, at most `connections` at a time."""

    def __init__(
        self, socket: Path, *, connections: int, clock: Clock, limits: WorkerLimits
    ) -> None:
        self.clock = clock
        self.limits = limits
        self.heard_count = 0
        self._streams: set[EngineStream] = set()
        self._socket = str(socket)
        self._spare = Spare(self._socket, clock, limits.connect_s)
        self._free = asyncio.Semaphore(connections)
        self._closed = False

    def heard(self) -> float:
        """Note that the engine has answered something just now; that instant."""
        self.heard_count += 1
        return self.clock.now()

    @contextlib.asynccontextmanager
    async def open(
        self, wire: WireRequest, refuse: Callable[[int, bytes], StokerError]
    ) -> AsyncIterator[EngineStream]:
        """The answer to `wire` as a stream; the connection is closed when the context is left.

        Raises:
            WorkerLostError: the engine cannot be reached, or does not begin to answer in time.
            StokerError: what `refuse` makes of an answer that is not 200.
        """
        async with self._free:
            response = await self._send(wire)
            stream = EngineStream(self, response)
            self._streams.add(stream)
            watch = asyncio.ensure_future(stream.watch_silence())
            try:
                if response.status != 200:
                    raise refuse(response.status, await self._read_refusal(stream))
                yield stream
            finally:
                watch.cancel()
                self._streams.discard(stream)
                stream.close()
                self._spare.refill()

    async def is_alive(self, path: str) -> bool:
        """Whether the engine answers GET `path` at all, with any status below 500."""
        try:
            response = await self._exchange("GET", path, b"")
        except (*_BROKEN, TimeoutError):
            return False
        response.close()
        self.heard()
        self._spare.refill()
        return response.status < 500

    def abort(self, reason: WorkerLostError) -> None:
        """Break every open stream for `reason`."""
        for stream in tuple(self._streams):
            stream.abort(reason)

    async def close(self) -> None:
        """Close all connections; safe to call again."""
        self.abort(WorkerLostError("the worker was stopped"))
        self._closed = True
        self._spare.close()

    async def _send(self, wire: WireRequest) -> Exchange:
        limit = self.limits.first_byte_s
        try:
            response = await within(self.clock, limit, self._exchange("POST", wire.path, wire.body))
        except TimeoutError:
            raise WorkerLostError(f"the engine did not begin to answer in {limit:g} s") from None
        except _BROKEN as error:
            raise WorkerLostError(f"the engine cannot be reached: {error}") from error
        self.heard()
        return response

    async def _exchange(self, method: str, target: str, body: bytes) -> Exchange:
        """One request on a connection of its own, up to the status of its answer."""
        if self._closed:
            raise WireError("the link was closed")
        if (spare := self._spare.take()) is not None:
            try:
                await spare.ask(method, target, body)
            except WireError:
                if spare.is_begun:
                    raise
            else:
                return spare  # else the engine hung up on it in the same instant, unread
        fresh = await connect(self._socket, self.limits.connect_s, self.clock)
        await fresh.ask(method, target, body)
        return fresh

    async def _read_refusal(self, stream: EngineStream) -> bytes:
        body = bytearray()
        async for piece in stream:
            body += piece
            if len(body) >= self.limits.refusal_bytes:
                break
        return bytes(body[: self.limits.refusal_bytes])
