"""From a plan to what the child process is told: every setting of the engine that Stoker decides.

Pure. The child executes it word by word; a setting that is not here stays the engine's default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stoker.core.errors import InvalidRequestError
from stoker.core.model import Task
from stoker.core.plan import KV_TYPES, Plan
from stoker.core.units import MIB
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.planning.memory.batches import batches, outputs_max

_TYPE_NUMBERS = {kind.name: number for number, kind in TENSOR_TYPES.items()}
# The engine's own pool starves its health endpoint when requests wait for a slot.
_SPARE_HTTP_THREADS = 32
# A plan is run on the processor, whatever else a build of the engine knows: its own default is all.
GPU_LAYERS = 0


def child_spec(plan: Plan, socket: Path) -> dict[str, Any]:
    """What the child needs to serve `plan` on `socket`; plain JSON.

    Raises:
        InvalidRequestError: a count is below 1, which the engine would accept and misbehave, or
            the KV cache has no such format.
    """
    _check_counts(plan)
    batch, micro_batch = batches(plan)
    return {
        "model": str(plan.model.path),
        "alias": str(plan.model.ref),
        "socket": str(socket),
        "embedding": plan.model.facts.task is Task.EMBED,
        "n_ctx": plan.context * plan.slots,  # the engine divides it among the slots
        "n_parallel": plan.slots,
        "n_gpu_layers": GPU_LAYERS,
        "n_threads": plan.threads,
        "n_threads_http": plan.slots + _SPARE_HTTP_THREADS,
        "n_batch": batch,
        "n_ubatch": micro_batch,
        "cache_ram_mib": plan.prompt_cache_bytes // MIB,
        "n_ctx_checkpoints": plan.checkpoints,
        "repack": plan.repack,
        "kv_type": _TYPE_NUMBERS[plan.kv_type.upper()],
    }


def counting_spec(plan: Plan) -> dict[str, Any]:
    """What the child needs to count `plan`: the worker's settings, and what its server adds.

    Raises:
        InvalidRequestError: as `child_spec`.
    """
    spec = child_spec(plan, Path())
    names = ("model", "embedding", "n_ctx", "n_batch", "n_ubatch", "repack", "kv_type")
    return {
        **{name: spec[name] for name in (*names, "n_gpu_layers")},
        "n_parallel": plan.slots,
        "n_outputs_max": outputs_max(plan),
    }


def _check_counts(plan: Plan) -> None:
    for word in ("context", "slots", "threads", "batch", "micro_batch"):
        count = getattr(plan, word)
        if count < 1:
            raise InvalidRequestError(f"a plan's {word} must be at least 1, not {count}")
    if plan.kv_type not in KV_TYPES:
        raise InvalidRequestError(
            f"{plan.kv_type!r} is no number format of a KV cache",
            hint=f"use one of: {', '.join(KV_TYPES)}",
        )
