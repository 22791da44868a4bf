"""Server-sent events to the client: the engine's bytes, as they come.

A chunk is not decoded: what the engine wrote is what the client reads. The kernel's and aiohttp's
buffers bound what a slow reader can hold back, and a reader that takes nothing for too long is
let go, because it holds a slot that others wait for.
"""

from __future__ import annotations

import asyncio

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from stoker.core.errors import StokerError
from stoker.gateway import errors
from stoker.routing.answer import Answer

_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}


async def relay(request: web.Request, begun: Answer, *, write_s: float) -> web.StreamResponse:
    """Stream `begun` to the client; a failure on the way becomes a last event, without `[DONE]`."""
    response = _Stream(headers={**_HEADERS, "X-Request-Id": request["id"]})
    writer = await response.prepare(request)
    if writer is None or request.transport is None:
        raise ConnectionResetError("the client has left")
    client = _Client(request.transport, writer, write_s, framed=request.version >= HttpVersion11)
    await response.write(begun.first)
    try:
        while not await begun.rest.pour(client.take):
            await client.drain()
    except StokerError as error:
        request["error"] = error
        await response.write(errors.event(error))
    await client.finish(response)
    return response


class _Stream(web.StreamResponse):
    """An answer whose head goes out together with its first piece, in one packet."""

    _send_headers_immediately = False


class _Client:
    """The client's end of a stream: takes pieces without waiting, and says when it is full."""

    def __init__(
        self,
        transport: asyncio.WriteTransport,
        writer: AbstractStreamWriter,
        write_s: float,
        *,
        framed: bool,
    ) -> None:
        self._transport = transport
        self._writer = writer
        self._write_s = write_s
        self._framed = framed
        # Past this mark the transport itself reports that it is full, which is what drain waits on.
        _, self._waiting_bytes_max = transport.get_write_buffer_limits()

    def take(self, piece: bytes) -> bool:
        """Write `piece`; False once so much waits to be sent that the engine should not go on.

        Runs for each token, so it writes to the transport itself: in the chunk frame that HTTP/1.1
        asks for, and nothing else.
        """
        if self._transport.is_closing():
            return False
        self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._framed else piece)
        return self._transport.get_write_buffer_size() <= self._waiting_bytes_max

    async def drain(self) -> None:
        """Return once there is room again.

        Raises:
            ConnectionError: the client has left, or took nothing for so long that it was let go.
        """
        try:
            async with asyncio.timeout(self._write_s):
                await self._writer.drain()
        except TimeoutError:
            self._transport.abort()
            raise ConnectionResetError("the client took nothing for too long") from None
        if self._transport.is_closing():
            raise ConnectionResetError("the client has left")

    async def finish(self, response: web.StreamResponse) -> None:
        """End the stream.

        Raises:
            ConnectionError: as `drain`.
        """
        await self.drain()
        await response.write_eof()
