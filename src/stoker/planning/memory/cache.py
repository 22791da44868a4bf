"""The KV cache and the states of recurrent layers, as formulas.

Sources: the engine's own code, whose figures a test compares with these.
"""

from __future__ import annotations

from stoker.core.model import AttentionKind
from stoker.core.plan import KV_GROUP, KV_TYPES, Plan
from stoker.planning.memory.batches import batches
from stoker.planning.memory.families import architecture_family
from stoker.planning.memory.shapes import head_lengths, heads_of, state_elements

_STEP = 256
_STATE_BYTES = 4


def cells(plan: Plan) -> int:
    """Tokens that one slot's cache holds in layers that look back over everything.

    The engine rounds the whole context up to 256, divides it by the slots, and rounds up again.
    """
    return _rounded(_rounded(plan.context * plan.slots) // plan.slots)


def window_cells(plan: Plan) -> int:
    """The same in windowed layers: the window and one step beyond it, at most everything."""
    _, physical = batches(plan)
    step = min(physical, plan.context * plan.slots)
    return _rounded(min(cells(plan), plan.model.facts.window + step))


def kv_bytes(plan: Plan) -> int:
    """The KV cache of all layers and slots, in bytes: cells times the rows of keys and values."""
    facts = plan.model.facts
    if architecture_family(facts.architecture).encoder:
        return 0
    layers = range(facts.layout.kv_layers or facts.layers)
    return plan.slots * sum(_layer_bytes(plan, layer) for layer in layers)


def state_bytes(plan: Plan) -> int:
    """The states of recurrent layers, of all slots, in bytes; the context does not matter."""
    facts = plan.model.facts
    return facts.layout.state_layers * plan.slots * _STATE_BYTES * sum(state_elements(facts))


def row_bytes(kv_type: str, elements: int) -> int:
    """One row of `elements` numbers in the format `kv_type`, in bytes."""
    return elements * KV_TYPES[kv_type] // KV_GROUP


def layer_rows_bytes(plan: Plan, layer: int) -> int:
    """What one layer keeps of one token, in bytes."""
    facts = plan.model.facts
    kind = facts.attention[layer]
    if kind in {AttentionKind.RECURRENT, AttentionKind.NONE}:
        return 0
    if kind is AttentionKind.LATENT:
        return row_bytes(plan.kv_type, sum(head_lengths(facts, kind)))
    heads = heads_of(facts, layer)
    keys = row_bytes(plan.kv_type, heads.kv * heads.length_k)
    return keys + row_bytes(plan.kv_type, heads.kv * heads.length_v)


def _layer_bytes(plan: Plan, layer: int) -> int:
    """One layer's cache for one slot."""
    windowed = plan.model.facts.attention[layer] is AttentionKind.WINDOWED
    return layer_rows_bytes(plan, layer) * (window_cells(plan) if windowed else cells(plan))


def _rounded(count: int) -> int:
    return -(-count // _STEP) * _STEP
