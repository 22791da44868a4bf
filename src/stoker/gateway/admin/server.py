"""What the owner of a running service may ask and order."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass

from aiohttp import web

from stoker.core.model import ModelRef
from stoker.gateway import errors, log
from stoker.gateway.health import state_of
from stoker.gateway.service import SERVICE, Service
from stoker.scheduling.loop import SeatView
from stoker.workers.worker import Worker

STOP = web.AppKey("stop", asyncio.Event)


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as `stoker ps` shows it; memory in bytes, None without a process."""

    model: str
    state: str
    pid: int | None
    memory_bytes: int | None
    memory_peak_bytes: int | None
    slots: int
    slots_busy: int
    waiting: int


def build(service: Service, stop: asyncio.Event) -> web.Application:
    """The admin application; setting `stop` ends the service."""
    app = web.Application(middlewares=[log.write_one_line, errors.answer_in_openai_shape])
    app[SERVICE] = service
    app[STOP] = stop
    app.add_routes(
        [
            web.get("/models", list_models),
            web.post("/models/{model}/unload", unload_model),
            web.post("/stop", stop_service),
        ]
    )
    return app


async def list_models(request: web.Request) -> web.Response:
    """Every model with its state and its process."""
    seats = request.app[SERVICE].scheduler.view()
    return web.json_response([asdict(_status(seat)) for seat in seats])


async def unload_model(request: web.Request) -> web.Response:
    """Stop a model's process once its answers have ended."""
    ref = ModelRef.parse(request.match_info["model"])
    unloaded = await request.app[SERVICE].scheduler.unload(ref)
    return web.json_response({"unloaded": unloaded})


async def stop_service(request: web.Request) -> web.Response:
    """Drain and end the service."""
    request.app[STOP].set()
    return web.json_response({"stopping": True})


def _status(seat: SeatView[Worker]) -> ModelStatus:
    worker = seat.backend.statistics() if seat.backend is not None else None
    return ModelStatus(
        model=str(seat.model),
        state=state_of(seat),
        pid=worker.pid if worker else None,
        memory_bytes=worker.memory_bytes if worker else None,
        memory_peak_bytes=worker.memory_peak_bytes if worker else None,
        slots=seat.occupancy.slots,
        slots_busy=seat.occupancy.busy,
        waiting=seat.occupancy.waiting,
    )
