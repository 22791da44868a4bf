"""`GET /v1/models`: what this service answers for."""

from __future__ import annotations

from aiohttp import web

from stoker.core.errors import ModelNotFoundError
from stoker.core.model import LocalModel, ModelRef
from stoker.gateway.service import SERVICE, Service


async def list_models(request: web.Request) -> web.Response:
    """Every model that a client may name."""
    service = request.app[SERVICE]
    rows = [_row(model, service) for model in service.models.values()]
    return web.json_response({"object": "list", "data": rows})


async def show_model(request: web.Request) -> web.Response:
    """One model.

    Raises:
        ModelNotFoundError: this service does not answer for it.
    """
    service = request.app[SERVICE]
    ref = ModelRef.parse(request.match_info["model"])
    if ref not in service.models:
        raise ModelNotFoundError(f"There is no model {ref}")
    return web.json_response(_row(service.models[ref], service))


def _row(model: LocalModel, service: Service) -> dict[str, object]:
    return {
        "id": str(model.ref),
        "object": "model",
        "created": service.started_unix_s,
        "owned_by": "stoker",
    }
