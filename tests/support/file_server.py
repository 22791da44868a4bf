"""One file over real sockets on loopback, honest unless told otherwise; it notes every request.

Written on bare streams, so that it can lie about everything that HTTP lets one say.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate

REASONS = {200: "OK", 206: "Partial Content", 302: "Found", 416: "Range Not Satisfiable"}


@dataclass
class Asked:
    """One request; the names of its headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> tuple[int, int | None] | None:
        """The first byte and the last one that are asked for."""
        text = self.headers.get("range")
        if text is None:
            return None
        first, _, last = text.removeprefix("bytes=").partition("-")
        return int(first), int(last) if last else None


@dataclass
class Answer:
    """What is sent. `cut_at` ends the connection after so many bytes of the body.

    `stall_at` stops sending there until the server's `go` is set; `drip_at` sends one byte more
    for each thing that is put into the server's `drops`.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    cut_at: int | None = None
    stall_at: int | None = None
    drip_at: int | None = None

    def with_headers(self, **headers: str | None) -> Answer:
        """The same with other headers; `_` stands for a dash, None takes one away."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        merged = {**self.headers, **changed}
        return replace(self, headers={k: v for k, v in merged.items() if v is not None})


Twist = Callable[[Asked, Answer, int], Answer]


def honest(_asked: Asked, answer: Answer, _count: int) -> Answer:
    return answer


@dataclass
class FileServer:
    """Serves `data` under every path. `twist(asked, answer, count)` may change an answer; `count`
    is the number of GET requests before it.
    """

    data: bytes
    twist: Twist = honest
    etag: str | None = '"one"'
    modified_unix_s: float | None = None
    asked: list[Asked] = field(default_factory=list)
    url: str = ""
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    drops: asyncio.Queue[None] = field(default_factory=asyncio.Queue)

    @property
    def gets(self) -> list[Asked]:
        """The requests for the file itself."""
        return [one for one in self.asked if one.method == "GET"]

    @property
    def bytes_asked(self) -> int:
        """How many bytes were asked for in ranges."""
        spans = [one.range for one in self.gets]
        return sum((last or len(self.data) - 1) + 1 - first for first, last in filter(None, spans))

    def answer(self, asked: Asked) -> Answer:
        """What an honest server says."""
        headers = {"Accept-Ranges": "bytes", "Date": formatdate(usegmt=True)}
        if self.etag is not None:
            headers["ETag"] = self.etag
        if self.modified_unix_s is not None:
            headers["Last-Modified"] = formatdate(self.modified_unix_s, usegmt=True)
        span, size = asked.range, len(self.data)
        known = {headers.get("ETag"), headers.get("Last-Modified"), None}
        if span is None or asked.headers.get("if-range") not in known:
            return Answer(200, {**headers, "Content-Length": str(size)}, self.data)
        first, last = span[0], min(size - 1 if span[1] is None else span[1], size - 1)
        if first >= size:
            return Answer(416, {"Content-Range": f"bytes */{size}", "Content-Length": "0"})
        body = self.data[first : last + 1]
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        headers["Content-Length"] = str(len(body))
        return Answer(206, headers, body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._serve_one(reader, writer):
                pass
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = head.strip().split("\r\n")
        method, path, _ = line.split(" ")
        pairs = (one.partition(":") for one in rest)
        asked = Asked(method, path, {name.lower(): value.strip() for name, _, value in pairs})
        count = len(self.gets)
        self.asked.append(asked)
        answer = self.twist(asked, self.answer(asked), count)
        return await self._send(writer, answer, bodiless=method == "HEAD")

    async def _send(self, writer: asyncio.StreamWriter, answer: Answer, *, bodiless: bool) -> bool:
        lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Other')}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        body = b"" if bodiless else answer.body
        if answer.stall_at is not None and body:
            writer.write(body[: answer.stall_at])
            await writer.drain()
            self.stalled.set()
            await self.go.wait()
            body = body[answer.stall_at :]
        if answer.drip_at is not None and body:
            await self._drip(writer, body, answer.drip_at)
        writer.write(body[: answer.cut_at])
        await writer.drain()
        return answer.cut_at is None and "Connection" not in answer.headers

    async def _drip(self, writer: asyncio.StreamWriter, body: bytes, at: int) -> None:
        """Send `body` up to `at`, and then byte by byte until the client has had enough."""
        writer.write(body[:at])
        for one in body[at:]:
            await self.drops.get()
            writer.write(bytes([one]))
            await writer.drain()


@asynccontextmanager
async def serving(server: FileServer, host: str = "127.0.0.1") -> AsyncIterator[FileServer]:
    """`server` with its `url`, for a block."""
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server.serve(reader, writer)
        except asyncio.CancelledError:
            writer.close()
        finally:
            tasks.discard(task)

    listening = await asyncio.start_server(serve, host, 0)
    server.url = f"http://{host}:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
