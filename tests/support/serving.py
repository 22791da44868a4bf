"""Local servers for tests: real sockets on loopback, and a note of every request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """The requests that a server got, and what each brought as Authorization and as Range."""

    paths: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    ranges: list[tuple[str, str | None]] = field(default_factory=list)

    def note(self, request: web.Request) -> None:
        """Keep what matters of `request`."""
        self.paths.append(f"{request.method} {request.path}")
        self.queries.append(unquote(request.query_string))
        self.ranges.append((request.path, request.headers.get("Range")))
        if secret := request.headers.get("Authorization"):
            self.secrets.append(secret)


@asynccontextmanager
async def served(handler: Handler, seen: Seen, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """`http://host:port` of a server that answers everything with `handler`, for a block."""

    async def noting(request: web.Request) -> web.StreamResponse:
        seen.note(request)
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", noting)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        port = runner.addresses[0][1]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def ranged(request: web.Request, data: bytes) -> web.Response:
    """`data`, or the range of it that is asked for."""
    if (given := request.http_range) and given.start is not None and "Range" in request.headers:
        part = data[given]
        headers = {
            "Content-Range": f"bytes {given.start}-{given.start + len(part) - 1}/{len(data)}"
        }
        return web.Response(status=206, body=part, headers=headers)
    return web.Response(body=data, headers={"Accept-Ranges": "bytes"})
