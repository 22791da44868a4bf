"""Connections: how many there may be, and what is said to one that does not speak HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from stoker.core.errors import InvalidRequestError, StokerError
from stoker.gateway.errors import body

CONNECTIONS_MAX = 1024
HEADERS_S = 30.0
LOG = logging.getLogger("stoker.gateway")


def capped(server: web.Server, most: int) -> Callable[[], asyncio.Protocol]:
    """A protocol factory for `server` that hangs up on the connection after the `most`-th."""
    options = server._kwargs  # noqa: SLF001 - aiohttp has no other way to choose its protocol
    loop = asyncio.get_running_loop()

    def accept() -> asyncio.Protocol:
        if len(server.connections) >= most:
            return _HangUp()
        return _Connection(server, loop=loop, **options)

    return accept


class _Connection(RequestHandler):
    """aiohttp's connection; what it cannot read is refused in our shape and logged without it."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp gives it; it repeats the client's words
    ) -> web.StreamResponse:
        LOG.info("not read: %s, answered %d", type(exc).__name__, status)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: no other can be given")
        error = StokerError("An internal error", hint="see the service's log")
        if status < 500:
            error = InvalidRequestError("The request is not valid HTTP", hint="send HTTP/1.1")
        response = web.json_response(body(error), status=status)
        response.force_close()
        return response


class _HangUp(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
