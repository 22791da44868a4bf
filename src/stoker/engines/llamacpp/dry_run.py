"""Exact memory by the engine's own dry run, the parent's side: how to start it, what it says.

The engine builds the model and its graphs without taking their memory, and tells the bytes of
each kind of buffer. It counts neither its output buffer nor mapped files as such; both follow from
the header. The process belongs to whoever starts it.
"""

from __future__ import annotations

import json
from typing import Any

from stoker.core.errors import EngineError, LoadFailedError, StokerError
from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.plan import Plan
from stoker.engines.base import Launch
from stoker.engines.llamacpp.spec import counting_spec
from stoker.planning.memory.overhead import output_bytes

MEMORY = "stoker:memory "
_CHILD = "stoker.engines.llamacpp.dry_run_child"
_ERRORS: dict[str, type[StokerError]] = {"load": LoadFailedError, "engine": EngineError}
_BUFFERS_MAX = 64


def launch_dry_run(plan: Plan, *, allocate: bool = False) -> Launch:
    """The child that counts `plan`; it may read the model's file, which may be hollow.

    With `allocate` it loads the whole model, and reports what it really took: the measure of the
    dry run.

    Raises:
        InvalidRequestError: a count of the plan is below 1.
    """
    spec = {**counting_spec(plan), "allocate": allocate}
    return Launch(_CHILD, spec, (plan.model.path,), {"GGML_NO_BACKTRACE": "1"})


def read_dry_run(plan: Plan, line: str) -> MemoryNeed | None:
    """What `line` says that `plan` takes; None if it is something else.

    Raises:
        LoadFailedError: the engine cannot make the model or its context.
        EngineError: the engine is another one than this was written for.
    """
    if not line.startswith(MEMORY):
        return None
    try:
        told = json.loads(line.removeprefix(MEMORY))
        if "error" in told:
            raise _ERRORS[told["kind"]](str(told["error"]))
        buffers = [_taken(one) for one in told["buffers"][:_BUFFERS_MAX]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError("The engine's dry run says something that is not a count") from error
    taken = [one for each in buffers for one in each if one.size_bytes]
    if not told["allocated"] and not plan.repack:
        taken = _mapped(plan, taken)
    output = Taken(Part.OUTPUT, "cpu", output_bytes(plan), "CPU")
    return MemoryNeed((*taken, output), "engine")


def _taken(told: dict[str, Any]) -> tuple[Taken, ...]:
    """The parts of one kind of buffer."""
    return tuple(
        Taken(part, str(told["device"]), _count(told[name]), str(told["name"]))
        for part, name in (
            (Part.WEIGHTS, "model"),
            (Part.KV, "context"),
            (Part.COMPUTE, "compute"),
        )
    )


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _mapped(plan: Plan, taken: list[Taken]) -> list[Taken]:
    """The same where the processor's weights are a mapped file: one stretch, each byte once."""
    stretch = plan.model.facts.layout.stretch_bytes
    if not stretch:
        return taken
    others = [one for one in taken if (one.part, one.device) != (Part.WEIGHTS, "cpu")]
    return [Taken(Part.WEIGHTS, "cpu", stretch, "CPU_Mapped"), *others]
