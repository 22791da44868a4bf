"""The memory of plans nobody has counted exactly: by formula, or by what a header leaves of it.

Pure. Where an engine counted one plan of a model, others of the same model are held to that count.
Says which figure is missing where a header does not state what the formulas need.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from stoker.core.memory import COUNTED, MemoryNeed, Part, Taken
from stoker.core.plan import KV_TYPES, Plan
from stoker.planning.memory.formula import completed, count
from stoker.planning.memory.needed import missing_keys
from stoker.planning.memory.overhead import Waiting, output_bytes

Count = Callable[[Plan], MemoryNeed]
# Who counted: see `MemoryNeed.source`.
ENGINE, FILE_SIZE, SCALED = "engine", "file size", "formula, held to the engine's count"
# What the gateway lets wait for one model unless somebody says otherwise, and the bytes of text of
# one token: a body that fills the context.
WAITING_REQUESTS = 64
TOKEN_TEXT_BYTES = 8
# A search judges the same plans several times, and a count takes some milliseconds.
_KEPT = 256
_WHOLE = 1000


def waiting_for(plan: Plan, requests: int = WAITING_REQUESTS) -> Waiting:
    """What may wait in the gateway for `plan`: requests whose text fills the context."""
    return Waiting(requests, plan.context * TOKEN_TEXT_BYTES)


@lru_cache(maxsize=_KEPT)
def count_plainly(plan: Plan) -> MemoryNeed:
    """All that `plan` takes, by formula; by the file's size alone where a header lacks a figure.

    In the second case the source is `file size`, and the KV cache and the scratch memory are left
    out: the truth is more.
    """
    waiting = waiting_for(plan)
    if not missing_keys(plan.model.facts):
        return count(plan, waiting)
    taken = (
        Taken(Part.WEIGHTS, "cpu", plan.model.facts.file_bytes),
        Taken(Part.OUTPUT, "cpu", output_bytes(plan)),
    )
    return completed(MemoryNeed(taken, FILE_SIZE), plan, waiting)


def count_like(plan: Plan, need: MemoryNeed) -> Count:
    """A count for other plans of the same model, by formula, held to the engine's `need` of `plan`.

    By how much the engine's count of a part differs from the formula's is carried over as a factor:
    weights and cache are a sum of equal things. Scratch memory is not, so there the difference is
    carried over where that is more. What is said to fit should.
    """
    base = count_plainly(plan)
    if need.source != ENGINE or all(need.of(part) == base.of(part) for part in COUNTED):
        return count_plainly

    def count_other(other: Plan) -> MemoryNeed:
        if other == plan:
            return need
        told = count_plainly(other)
        parts = tuple(Taken(part, "cpu", _held(part, other, told)) for part in COUNTED)
        rest = tuple(one for one in told.taken if one.part not in COUNTED)
        return MemoryNeed((*parts, *rest), SCALED)

    def _held(part: Part, other: Plan, told: MemoryNeed) -> int:
        engine, formula, size = need.of(part), base.of(part), told.of(part)
        if not formula:
            return -(-engine * _growth(plan, other) // _WHOLE)
        factored = -(-size * engine // formula)
        return max(factored, size + engine - formula) if part is Part.COMPUTE else factored

    return count_other


def _growth(plan: Plan, other: Plan) -> int:
    """How much more than `plan` the other may take of what no formula tells, in thousandths.

    It grows with each setting, and falls with none but the answers at a time: a state does not
    become smaller with the context.
    """
    growth = _WHOLE * other.slots // plan.slots
    for now, then in (
        (plan.context, other.context),
        (KV_TYPES[plan.kv_type], KV_TYPES[other.kv_type]),
    ):
        growth = max(growth, -(-growth * then // now))
    return growth


def uncounted(plan: Plan) -> tuple[str, ...]:
    """The figures that `count_plainly` could not tell, in words."""
    missing = missing_keys(plan.model.facts)
    if not missing:
        return ()
    return (f"the KV cache and compute memory (its header states no {', '.join(missing)})",)
