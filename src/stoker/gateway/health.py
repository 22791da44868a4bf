"""Is the process there, and can it answer?"""

from __future__ import annotations

from aiohttp import web

from stoker.gateway.service import SERVICE
from stoker.scheduling.loop import SeatView
from stoker.workers.worker import Worker


async def healthz(_: web.Request) -> web.Response:
    """200 as long as this process runs its event loop."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """200 if a request would be taken now and a model stands behind it or can be started."""
    scheduler = request.app[SERVICE].scheduler
    models = {str(seat.model): state_of(seat) for seat in scheduler.view()}
    ready = not scheduler.draining and any(state != "failed" for state in models.values())
    return web.json_response(
        {"status": "ready" if ready else "not ready", "models": models},
        status=200 if ready else 503,
    )


def state_of(seat: SeatView[Worker]) -> str:
    """The state of a model's worker; `cold` without one, `failed` if its last start failed."""
    if seat.backend is not None:
        return str(seat.backend.state.value)
    if seat.starting:
        return "starting"
    return "failed" if seat.failed else "cold"
