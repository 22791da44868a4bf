"""The memory of plans nobody has counted exactly: by formula, or by what a header leaves of it.

Pure. Says which figure is missing where a header does not state what the formulas need.
"""

from __future__ import annotations

from functools import lru_cache

from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.plan import Plan
from stoker.planning.memory.formula import completed, count
from stoker.planning.memory.needed import missing_keys
from stoker.planning.memory.overhead import Waiting, output_bytes

FILE_SIZE = "file size"
# What the gateway lets wait for one model unless somebody says otherwise, and the bytes of text of
# one token: a body that fills the context.
WAITING_REQUESTS = 64
TOKEN_TEXT_BYTES = 8
# A search judges the same plans several times, and a count takes some milliseconds.
_KEPT = 256


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


def uncounted(plan: Plan) -> tuple[str, ...]:
    """The figures that `count_plainly` could not tell, in words."""
    missing = missing_keys(plan.model.facts)
    if not missing:
        return ()
    return (f"the KV cache and compute memory (its header states no {', '.join(missing)})",)
