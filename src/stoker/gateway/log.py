"""One line for each request, without a word of its content."""

from __future__ import annotations

import json
import logging
import secrets
import time

from aiohttp import web
from aiohttp.typedefs import Handler

LOG = logging.getLogger("stoker.access")


@web.middleware
async def write_one_line(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, and log how it ended. `status` 499: the client left first."""
    request["id"] = f"req-{secrets.token_hex(8)}"
    began = time.monotonic()
    status = 499
    try:
        response = await handler(request)
        status = response.status
        if not response.prepared:
            response.headers["X-Request-Id"] = request["id"]
        return response
    finally:
        LOG.info("%s", _line(request, status, time.monotonic() - began))


def _line(request: web.Request, status: int, seconds: float) -> str:
    # The route's pattern, not the path: a path is the client's words.
    route = request.match_info.route.resource
    error = request.get("error")
    return json.dumps(
        {
            "id": request["id"],
            "method": request.method if request.method.isalpha() else "?",
            "route": route.canonical if route is not None else None,
            "model": request.get("model"),
            "status": status,
            "code": error.openai_code if error is not None else None,
            "seconds": round(seconds, 4),
        }
    )
