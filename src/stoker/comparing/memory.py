"""What a model will take of memory, by `planning`'s formulas, beside what its process took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.errors import ModelFileError
from stoker.core.plan import Plan
from stoker.planning.memory.formula import count, resident_bytes


@dataclass(frozen=True, slots=True)
class PredictMemory:
    """A way to predict the resident bytes of `Plan`'s process; `words` say what is counted.

    None where the model's header does not state what is needed.
    """

    words: str
    bytes_of: Callable[[Plan], int | None]


def planned_bytes(plan: Plan) -> int | None:
    """The resident bytes of a process that runs `plan`, once its context has been full."""
    try:
        return resident_bytes(count(plan), plan, full=True)
    except ModelFileError:
        return None


PLANNED = PredictMemory("weights, KV cache, compute and the process", planned_bytes)
