"""One HTTP exchange with an engine over its Unix socket, and no more of HTTP than that.

Owns the connection and its flow control; the bytes of HTTP are read by `httptools`, and what a
broken exchange is called belongs to `link`. A client for the whole of HTTP costs a tenth of a
second to import, half a millisecond for each request and a task's wake-up for each token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpResponseParser

from stoker.core.clock import Clock, within

HEAD_BYTES_MAX = 64 * 1024
HELD_BYTES_MAX = 64 * 1024


class WireError(Exception):
    """The engine did not speak HTTP, or broke off."""


async def connect(path: str, connect_s: float, clock: Clock) -> Exchange:
    """A connection to the Unix socket `path`, on which nothing has been said.

    Raises:
        OSError: nobody listens there.
        TimeoutError: the connection was not taken within `connect_s` on `clock`.
    """
    opening = asyncio.get_running_loop().create_unix_connection(Exchange, path)
    _, wire = await within(clock, connect_s, opening)
    return wire


class Exchange(asyncio.Protocol):
    """One connection for one request; `readany` or `pour` gives the answer's body as it comes."""

    def __init__(self) -> None:
        self.status = 0
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._head_bytes = 0
        self._held = bytearray()
        self._sink: Callable[[bytes], bool] | None = None
        self._sink_full = False
        self._ended = False
        self._paused = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the engine has not hung up, as far as is known."""
        return self._transport is not None and self._error is None and not self._ended

    @property
    def is_begun(self) -> bool:
        """Whether a byte has come."""
        return self._head_bytes > 0

    async def ask(self, method: str, target: str, body: bytes) -> None:
        """Send the request; return once the status of its answer is known.

        Raises:
            WireError: the connection ended before, or what came is no answer; it is closed then.
        """
        self._send(method, target, body)
        try:
            while not self.status:
                await self._more()
        except BaseException:
            self.close()
            raise

    def _send(self, method: str, target: str, body: bytes) -> None:
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if self._transport is not None:
            self._transport.write(head.encode() + body)

    async def readany(self) -> bytes:
        """What has come of the body, at least one byte; empty at its end.

        Raises:
            WireError: the connection broke, or the framing is wrong. Or what `fail` was given.
        """
        while not self._held and not self._ended:
            await self._more()
        self._check()
        return self._take()

    async def pour(self, sink: Callable[[bytes], bool]) -> bool:
        """Give what comes to `sink`, from within the event loop's step that brings it.

        Returns:
            True at the end of the body; False once `sink` has said, by False, that it is full. The
            engine is not read any further until the next call.

        Raises:
            As `readany`.
        """
        if self._held and not sink(self._take()):
            return False
        self._check()
        self._sink, self._sink_full = sink, False
        self._resume()
        try:
            while not self._ended and not self._sink_full:
                await self._more()
        finally:
            self._sink = None
        self._check()
        return self._ended and not self._sink_full

    def fail(self, error: Exception) -> None:
        """Give `error` to whoever reads; the first one stays."""
        self._error = self._error or error
        self.close()
        self._wake()

    def close(self) -> None:
        """Let go of the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    async def _more(self) -> None:
        self._check()
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        await waiter
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _take(self) -> bytes:
        piece = bytes(self._held)
        self._held.clear()
        self._resume()
        return piece

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()

    # --- called by the event loop -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what the engine sends."""
        if self._ended:
            return
        if not self.status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            if self._ended:  # what comes behind a whole answer is nobody's
                return
            self.fail(WireError(f"not an HTTP answer: {error}"))
            return
        if not self.status and self._head_bytes > HEAD_BYTES_MAX:
            self.fail(WireError("not an HTTP answer: a head without end"))
        elif self._sink is None or self._sink_full or self._ended:
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """A body that had not ended has broken off."""
        if not self._ended:
            self._error = self._error or WireError(str(exc or "the connection was closed"))
        self._wake()

    # --- called by the parser ---------------------------------------------------------------

    def on_headers_complete(self) -> None:
        """The status is known."""
        self.status = self._parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """A piece of the body."""
        if self._sink is not None and not self._sink_full:
            if not self._sink(data):
                self._sink_full = True
                self._pause()
            return
        self._held += data
        if len(self._held) > HELD_BYTES_MAX:
            self._pause()

    def on_message_complete(self) -> None:
        """The body is whole."""
        self._ended = True
