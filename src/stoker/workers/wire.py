"""One HTTP/1.1 exchange with an engine over its Unix socket, and no more of HTTP than that.

Owns framing and flow control; deadlines and what a broken exchange is called belong to `link`.
A client for the whole of HTTP costs a tenth of a second to import and half a millisecond for each
request; an engine's answers need a status, a length or chunks, and bytes.
"""

from __future__ import annotations

import asyncio
from typing import cast

HEAD_BYTES_MAX = 64 * 1024
HELD_BYTES_MAX = 64 * 1024
_SIZE_LINE_BYTES_MAX = 256
_END = b"\r\n"


class WireError(Exception):
    """The engine did not speak HTTP, or broke off."""


async def exchange(path: str, method: str, target: str, body: bytes, connect_s: float) -> Exchange:
    """The answer to one request at the Unix socket `path`, once its head is there.

    Raises:
        OSError: nobody listens there. WireError: what came is no answer.
        TimeoutError: the connection was not taken within `connect_s`.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(connect_s):
        _, wire = await loop.create_unix_connection(Exchange, path)
    wire.send(method, target, body)
    try:
        await wire.wait_head()
    except BaseException:
        wire.close()
        raise
    return wire


class Exchange(asyncio.Protocol):
    """One connection for one request; `readany` gives the answer's body as it comes."""

    def __init__(self) -> None:
        self.status = 0
        self._transport: asyncio.Transport | None = None
        self._raw = bytearray()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._chunked = False
        self._left: int | None = None  # of a chunk, or of the body; None: until the end
        self._ended = False
        self._paused = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def send(self, method: str, target: str, body: bytes) -> None:
        """Send the request."""
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        if self._transport is not None:
            self._transport.write(head.encode() + body)

    async def wait_head(self) -> None:
        """Return once the status is known.

        Raises:
            WireError: the connection ended before, or what came is no answer.
        """
        while not self.status:
            await self._more()

    async def readany(self) -> bytes:
        """What has come of the body, at least one byte; empty at its end.

        Raises:
            WireError: the connection broke, or the framing is wrong. Or what `fail` was given.
        """
        while not self._held:
            if self._ended and self._error is None:
                return b""
            await self._more()
        if self._error is not None:
            raise self._error
        piece = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return piece

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
        if self._error is not None:
            raise self._error
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        await waiter
        if self._error is not None:
            raise self._error

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- called by the event loop -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what the engine sends."""
        try:
            self._take(data)
        except (WireError, ValueError) as error:
            self.fail(WireError(f"not an HTTP answer: {error}"))
            return
        if self._held_bytes > HELD_BYTES_MAX and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end of the body where nothing else marks it; else it broke off."""
        until_end = bool(self.status) and not self._chunked and self._left is None
        if not self._ended and not (until_end and exc is None):
            self._error = self._error or WireError(str(exc or "the connection was closed"))
        self._ended = True
        self._wake()

    # --- framing ----------------------------------------------------------------------------

    def _take(self, data: bytes) -> None:
        if not self.status:
            self._raw += data
            end = self._raw.find(b"\r\n\r\n")
            if end < 0:
                _bound(len(self._raw), HEAD_BYTES_MAX)
                return
            self._read_head(bytes(self._raw[:end]))
            data = bytes(self._raw[end + 4 :])
            self._raw.clear()
        if self._chunked:
            self._take_chunks(data)
        else:
            self._take_plain(data)

    def _read_head(self, head: bytes) -> None:
        first, *lines = head.split(_END)
        version, status, *_ = first.split(b" ", 2)
        if not version.startswith(b"HTTP/1."):
            raise WireError("no status line")
        for line in lines:
            name, _, value = line.partition(b":")
            if name.lower() == b"transfer-encoding":
                self._chunked = value.strip().lower() == b"chunked"
            elif name.lower() == b"content-length":
                self._left = int(value)
        self.status = int(status)

    def _take_plain(self, data: bytes) -> None:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
            self._ended = self._left == 0
        self._hold(data)

    def _take_chunks(self, data: bytes) -> None:
        if self._raw:
            data = bytes(self._raw) + data
            self._raw.clear()
        at, size = 0, len(data)
        while at < size and not self._ended:
            if not self._left:
                line_end = data.find(_END, at)
                if line_end < 0:
                    _bound(size - at, _SIZE_LINE_BYTES_MAX)
                    break
                self._left = int(data[at:line_end].partition(b";")[0], 16) + len(_END)
                at = line_end + len(_END)
                self._ended = self._left == len(_END)
                continue
            at = self._take_chunk(data, at)
        if not self._ended:
            self._raw += data[at:]

    def _take_chunk(self, data: bytes, at: int) -> int:
        """Take what `data` holds of the current chunk from `at` on; where the next part begins."""
        left = cast("int", self._left)
        here = min(left, len(data) - at)
        self._hold(data[at : at + min(here, max(left - len(_END), 0))])
        self._left = left - here
        return at + here

    def _hold(self, data: bytes) -> None:
        if data:
            self._held.append(data)
            self._held_bytes += len(data)


def _bound(size: int, most: int) -> None:
    if size > most:
        raise WireError("a line without end")
