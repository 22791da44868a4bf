"""A tiny HTTP/1.1 server over a Unix socket, for the stub engine; one request per connection.

Owns framing only: heads, bodies, chunks, and telling a handler that its client went away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PHRASES = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}


@dataclass(frozen=True, slots=True)
class StubCall:
    """One request as the stub sees it; `query` is the raw text behind the question mark."""

    method: str
    path: str
    query: str
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            ValueError: it is none.
        """
        value = json.loads(self.body)
        if not isinstance(value, dict):
            raise ValueError("the body is not a JSON object")  # noqa: TRY004 - one error for both
        return value


class StubReply:
    """Writes the answer: whole by `send`, or in chunks by `begin`, `chunk` and `end`."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def send(self, status: int, value: Any) -> None:
        """A whole JSON answer."""
        body = json.dumps(value).encode()
        length = f"Content-Length: {len(body)}\r\n"
        self._writer.write(_head(status, "application/json", length) + body)
        await self._writer.drain()

    async def begin(self) -> None:
        """The head of an event stream."""
        self._writer.write(_head(200, "text/event-stream", "Transfer-Encoding: chunked\r\n"))
        await self._writer.drain()

    async def chunk(self, data: bytes) -> None:
        """One piece of the stream."""
        self._writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self._writer.drain()

    async def end(self) -> None:
        """The regular end of the stream."""
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()


Handler = Callable[[StubCall, StubReply], Awaitable[None]]


async def serve(socket: Path, handler: Handler) -> asyncio.Server:
    """A server on `socket` that gives each request to `handler`, cancelled if its client goes."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            call = await _read_call(reader)
            await _until_gone(reader, asyncio.ensure_future(handler(call, StubReply(writer))))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away: that is its right
        finally:
            writer.close()

    return await asyncio.start_unix_server(connected, str(socket), limit=1024 * 1024)


async def _until_gone(reader: asyncio.StreamReader, work: asyncio.Future[None]) -> None:
    gone = asyncio.ensure_future(reader.read(1))
    both: set[asyncio.Future[Any]] = {work, gone}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        for task in both:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await work


async def _read_call(reader: asyncio.StreamReader) -> StubCall:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    fields = {name.lower(): value.strip() for name, _, value in (li.partition(":") for li in lines)}
    body = await reader.readexactly(int(fields.get("content-length", "0")))
    path, _, query = target.partition("?")
    return StubCall(method, path, query, body)


def _head(status: int, content_type: str, framing: str) -> bytes:
    phrase = _PHRASES.get(status, "Status")
    return (
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {content_type}\r\n"
        f"{framing}Connection: close\r\n\r\n"
    ).encode()
