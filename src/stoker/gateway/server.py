"""Every route, and the order of what stands before them, as one list each."""

from __future__ import annotations

from aiohttp import web

from stoker.gateway import auth, errors, health, limits, log
from stoker.gateway.openai import chat, completions, models
from stoker.gateway.service import SERVICE, Service

MIDDLEWARES = (
    log.write_one_line,
    errors.answer_in_openai_shape,
    auth.check_host,
    auth.check_key,
    limits.read_body,
)

ROUTES = (
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
    web.get("/v1/models", models.list_models),
    web.get("/v1/models/{model}", models.show_model),
    web.post("/v1/chat/completions", chat.create),
    web.post("/v1/completions", completions.create),
)


def build(service: Service) -> web.Application:
    """The public application; it answers for `service` and holds nothing else."""
    app = web.Application(middlewares=MIDDLEWARES, client_max_size=service.policy.body_bytes_max)
    app[SERVICE] = service
    app.add_routes(ROUTES)
    return app
