"""How much memory a plan takes, by formula: to explain what the engine counts, and to check it.

Owns the sum and what is said where engine and formula differ. The parts are `cache`'s, `step`'s and
`overhead`'s. A model is read, not mapped, where its weights are repacked, so that they are never
held twice; the file's pages in the system's cache are not counted, for they give way.
"""

from __future__ import annotations

from stoker.core.errors import ModelFileGarbageError
from stoker.core.memory import COUNTED, MemoryNeed, Part, Taken
from stoker.core.plan import Plan
from stoker.planning.memory.batches import step_outputs, step_tokens
from stoker.planning.memory.cache import cells, kv_bytes, state_bytes, window_cells
from stoker.planning.memory.families import architecture_family, is_known
from stoker.planning.memory.needed import missing_keys
from stoker.planning.memory.overhead import (
    Waiting,
    checkpoint_bytes,
    output_bytes,
    output_bytes_empty,
    process_bytes,
    process_bytes_empty,
    queue_bytes,
    untouched_bytes,
)
from stoker.planning.memory.shapes import Demand
from stoker.planning.memory.step import scratch_bytes

FORMULA = "formula"
# Formats that the engine's wheel for x86-64 rewrites for the processor's vectors.
REPACKED = frozenset({"IQ4_NL", "MXFP4", "Q4_0", "Q4_K"})
TOLERANCE = 0.02
_NOTHING = Waiting(0, 0)


def count(plan: Plan, waiting: Waiting = _NOTHING) -> MemoryNeed:
    """All that `plan` takes on the processor, by formula.

    `waiting` is what the gateway lets wait. No engine here runs a projector, which turns pictures
    to vectors, so none is counted.

    Raises:
        ModelFileGarbageError: the header does not state what the formulas need; it says which key.
    """
    if missing := missing_keys(plan.model.facts):
        raise ModelFileGarbageError(f"{plan.model.ref}: its header states no {missing[0]}")
    taken = (
        Taken(Part.WEIGHTS, "cpu", weights_bytes(plan)),
        Taken(Part.KV, "cpu", kv_bytes(plan) + state_bytes(plan)),
        Taken(Part.COMPUTE, "cpu", compute_bytes(plan)),
        Taken(Part.OUTPUT, "cpu", output_bytes(plan)),
    )
    return completed(MemoryNeed(taken, FORMULA), plan, waiting)


def completed(need: MemoryNeed, plan: Plan, waiting: Waiting = _NOTHING) -> MemoryNeed:
    """`need`, as an engine counted it, with what no engine counts."""
    others = (
        (Part.PROMPT_CACHE, plan.prompt_cache_bytes),
        (Part.CHECKPOINTS, checkpoint_bytes(plan)),
        (Part.PROCESS, process_bytes(plan)),
        (Part.QUEUE, queue_bytes(waiting)),
    )
    more = tuple(Taken(part, "cpu", size) for part, size in others if size)
    return MemoryNeed((*need.taken, *more), need.source)


def weights_bytes(plan: Plan) -> int:
    """The weights as the engine keeps them: layers that only predict further tokens are left out.

    The tokens' vectors lie there twice where they are also the output matrix, and that one is
    rewritten, or the engine makes a copy of its own.
    """
    facts, layout = plan.model.facts, plan.model.facts.layout
    if not plan.repack:
        return layout.stretch_bytes
    layers = layout.layer_bytes[: facts.layers - layout.ahead_layers]
    rewritten = layout.embedding_type in REPACKED and facts.vocabulary % 8 == 0
    twice = layout.tied and (rewritten or architecture_family(facts.architecture).copies_embedding)
    return sum(layers) + layout.other_bytes + (layout.embedding_bytes if twice else 0)


def compute_bytes(plan: Plan) -> int:
    """The engine's scratch memory for its largest step, in bytes."""
    demand = Demand(
        tokens=step_tokens(plan),
        slots=plan.slots,
        outputs=step_outputs(plan),
        cells=cells(plan),
        window_cells=window_cells(plan),
        quantized=plan.kv_type.startswith(("q", "iq")),
    )
    return scratch_bytes(plan.model.facts, demand)


def resident_bytes(need: MemoryNeed, plan: Plan, *, full: bool) -> int:
    """What the system shows of the worker, in bytes: resident memory, with shared code.

    `full` when every slot has been in use; else when it has loaded and answered once, and has
    touched little of its compute buffer. The queue is the gateway's, and a prompt cache is empty
    until it is used.
    """
    loaded = need.of(Part.WEIGHTS, Part.KV, device="cpu")
    if not full:
        return loaded + output_bytes_empty(plan) + process_bytes_empty(plan)
    more = need.of(Part.OUTPUT, Part.COMPUTE, Part.CHECKPOINTS, Part.PROCESS, device="cpu")
    return loaded + more - untouched_bytes(plan)


def disagreement(engine: MemoryNeed, formula: MemoryNeed, architecture: str = "") -> str | None:
    """Where the engine's count and the formula's differ by more than 2 %, in words; else None.

    The engine's holds: a newer engine, or an architecture that the formulas do not know.
    """
    told = [
        f"{part} {_difference(engine.of(part), formula.of(part))}"
        for part in COUNTED
        if abs(engine.of(part) - formula.of(part)) > TOLERANCE * engine.of(part)
    ]
    if not told:
        return None
    known = "" if not architecture or is_known(architecture) else f" ({architecture} is not known)"
    return f"The engine counts otherwise than the formula{known}: {'; '.join(told)}"


def _difference(engine: int, formula: int) -> str:
    return f"{engine} bytes by the engine, {formula} by the formula"
