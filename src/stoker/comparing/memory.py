"""The memory that a model will take, as far as its header tells: weights and KV cache.

Pure. No compute buffers, no engine, no Python: a first estimate, and named so wherever it is
shown. Whoever knows better hands another `PredictMemory` in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.model import AttentionKind
from stoker.core.plan import Plan

_CELLS_STEP = 256
_F16_BYTES = 2


@dataclass(frozen=True, slots=True)
class PredictMemory:
    """A way to predict the bytes that `Plan` will take; `words` say what is counted."""

    words: str
    bytes_of: Callable[[Plan], int]


def weights_and_kv_bytes(plan: Plan) -> int:
    """The file's bytes, and two bytes for each element of the KV cache of every slot.

    Source: llama.cpp's cache: cells come in 256s; a layer keeps `kv heads x head length` keys and
    values for each, a windowed one only for its window and one physical batch.
    """
    facts = plan.model.facts
    kinds = zip(facts.attention, facts.kv_heads, strict=False)
    elements = sum(_cells(plan, kind) * _per_cell(plan, kind, kv_heads) for kind, kv_heads in kinds)
    return facts.file_bytes + plan.slots * elements * _F16_BYTES


WEIGHTS_AND_KV = PredictMemory("weights + KV cache", weights_and_kv_bytes)


def _cells(plan: Plan, kind: AttentionKind) -> int:
    tokens = plan.context
    if kind is AttentionKind.WINDOWED:
        tokens = min(tokens, plan.model.facts.window + plan.micro_batch)
    return -(-tokens // _CELLS_STEP) * _CELLS_STEP


def _per_cell(plan: Plan, kind: AttentionKind, kv_heads: int) -> int:
    facts = plan.model.facts
    if kind in {AttentionKind.RECURRENT, AttentionKind.NONE}:
        return 0
    if kind is AttentionKind.LATENT:
        return facts.head_length_k
    return kv_heads * (facts.head_length_k + facts.head_length_v)
