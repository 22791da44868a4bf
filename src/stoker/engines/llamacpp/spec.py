"""From a plan to what the child process is told: every setting of the engine that Stoker decides.

Pure. The child executes it word by word; a setting that is not here stays the engine's default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stoker.core.errors import InvalidRequestError
from stoker.core.model import Task
from stoker.core.plan import Plan
from stoker.core.units import MIB

# The engine's own pool starves its health endpoint when requests wait for a slot.
_SPARE_HTTP_THREADS = 32


def child_spec(plan: Plan, socket: Path) -> dict[str, Any]:
    """What the child needs to serve `plan` on `socket`; plain JSON.

    Raises:
        InvalidRequestError: a count is below 1; the engine would accept it and misbehave.
    """
    _check_counts(plan)
    batch, micro_batch = _batches(plan)
    return {
        "model": str(plan.model.path),
        "alias": str(plan.model.ref),
        "socket": str(socket),
        "embedding": plan.model.facts.task is Task.EMBED,
        "n_ctx": plan.context * plan.slots,  # the engine divides it among the slots
        "n_parallel": plan.slots,
        "n_threads": plan.threads,
        "n_threads_http": plan.slots + _SPARE_HTTP_THREADS,
        "n_batch": batch,
        "n_ubatch": micro_batch,
        "cache_ram_mib": plan.prompt_cache_bytes // MIB,
        "n_ctx_checkpoints": plan.checkpoints,
        "repack": plan.repack,
    }


def _check_counts(plan: Plan) -> None:
    for word in ("context", "slots", "threads", "batch", "micro_batch"):
        count = getattr(plan, word)
        if count < 1:
            raise InvalidRequestError(f"a plan's {word} must be at least 1, not {count}")


def _batches(plan: Plan) -> tuple[int, int]:
    """Logical and physical batch: an encoder must take a whole text in one physical step."""
    if plan.model.facts.task is Task.EMBED:
        whole = max(plan.micro_batch, plan.context)
        return whole, whole
    return plan.batch, min(plan.micro_batch, plan.batch)
