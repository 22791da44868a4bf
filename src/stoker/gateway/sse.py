"""Server-sent events to the client: the engine's bytes, as they come.

A chunk is not decoded: what the engine wrote is what the client reads. The kernel's and aiohttp's
buffers bound what a slow reader can hold back, and a reader that takes nothing for too long is
let go, because it holds a slot that others wait for.
"""

from __future__ import annotations

import asyncio
from typing import Self

from aiohttp import web

from stoker.core.errors import StokerError
from stoker.gateway import errors
from stoker.routing.answer import Answer

_HEADERS = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store"}


async def relay(request: web.Request, begun: Answer, *, write_s: float) -> web.StreamResponse:
    """Stream `begun` to the client; a failure on the way becomes a last event, without `[DONE]`."""
    response = web.StreamResponse(headers={**_HEADERS, "X-Request-Id": request["id"]})
    await response.prepare(request)
    with _StallGuard(request, write_s) as guard:
        try:
            await response.write(begun.first)
            async for chunk in begun.rest:
                guard.writes += 1
                await response.write(chunk)
                guard.writes += 1
        except StokerError as error:
            request["error"] = error
            await response.write(errors.event(error))
        await response.write_eof()
    return response


class _StallGuard:
    """Aborts the connection when one write lasts longer than a period (and at most twice that).

    One timer for a stream instead of one for each token: a deadline on every write without its
    cost on every write. Aborting cancels the handler, which gives the slot back.
    """

    def __init__(self, request: web.Request, period_s: float) -> None:
        self._request = request
        self._period_s = period_s
        # Odd while a write is under way: the same odd number twice is one write that does not end.
        self.writes = 0

    def __enter__(self) -> Self:
        self._arm()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._period_s, self._tick, self.writes)

    def _tick(self, seen: int) -> None:
        if self.writes % 2 == 0 or self.writes != seen:
            self._arm()
        elif self._request.transport is not None:
            self._request.transport.abort()
