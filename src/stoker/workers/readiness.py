"""Alive means answering: the first real answer, and the heartbeat afterwards.

Owns when a worker counts as ready and when as dead. What follows from it is the worker's affair.
"""

from __future__ import annotations

from stoker.core.clock import Clock, within
from stoker.core.errors import EngineError, StokerError, WorkerLostError
from stoker.core.model import Task
from stoker.core.plan import Plan
from stoker.core.request import Kind, Request, Sampling
from stoker.engines.base import Engine
from stoker.workers.limits import WorkerLimits
from stoker.workers.link import Link

HEALTH_PATH = "/health"
_RETRY_S = 0.05
_LOADING = 503


class _StillLoadingError(StokerError):
    """The engine says that it is not ready yet."""


def first_request(plan: Plan) -> Request:
    """The smallest real question for the plan's model: one token, or one embedding."""
    embeds = plan.model.facts.task is Task.EMBED
    return Request(
        id="warmup",
        model=plan.model.ref,
        kind=Kind.EMBEDDING if embeds else Kind.COMPLETION,
        inputs=("a",),
        sampling=Sampling(temperature=0.0, max_tokens=1),
    )


async def wait_first_answer(link: Link, engine: Engine, plan: Plan) -> None:
    """Return once the engine has answered `first_request` to its end.

    Raises:
        StokerError: the engine refused it, answered nothing, or was lost.
    """
    wire = engine.translate(first_request(plan))

    def refuse(status: int, body: bytes) -> StokerError:
        return _StillLoadingError() if status == _LOADING else engine.explain_refusal(status, body)

    while True:
        try:
            async with link.open(wire, refuse) as stream:
                pieces = [piece async for piece in stream]
        except _StillLoadingError:
            await link.clock.sleep(_RETRY_S)
            continue
        if not pieces:
            raise EngineError("the engine's first answer was empty")
        return


async def wait_silent(link: Link, clock: Clock, limits: WorkerLimits) -> WorkerLostError:
    """Return, with the reason, once the engine has missed too many heartbeats in a row.

    Any byte of any answer since the probe began counts as a beat: an engine that is too busy to
    answer the probe but goes on answering requests lives.
    """
    misses = 0
    while misses < limits.heartbeat_misses:
        await clock.sleep(limits.heartbeat_interval_s)
        misses = 0 if await _beats(link, clock, limits.heartbeat_deadline_s) else misses + 1
    return WorkerLostError(f"the engine did not answer {misses} heartbeats in a row")


async def _beats(link: Link, clock: Clock, deadline_s: float) -> bool:
    before = link.heard_count
    try:
        return await within(clock, deadline_s, link.is_alive(HEALTH_PATH))
    except TimeoutError:
        return link.heard_count > before
