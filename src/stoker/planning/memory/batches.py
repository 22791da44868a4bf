"""How many tokens an engine takes in one step, and how many of them it keeps an answer of.

Both decide how much memory it takes; the engine's settings and the formulas use the same figures.
"""

from __future__ import annotations

from stoker.core.model import Task
from stoker.core.plan import Plan


def batches(plan: Plan) -> tuple[int, int]:
    """Logical and physical batch: an encoder must take a whole text in one physical step.

    The engine shares a step out among the slots, and aborts where an encoder's does not divide.
    """
    if plan.model.facts.task is Task.EMBED:
        whole = -(-max(plan.micro_batch, plan.context) // plan.slots) * plan.slots
        return whole, whole
    return plan.batch, min(plan.micro_batch, plan.batch)


def outputs_max(plan: Plan) -> int:
    """How many tokens of a batch the server wants logits or vectors of, at most.

    One for each slot; an embedding server pools, and keeps a row for each token.
    """
    batch, _ = batches(plan)
    return batch if plan.model.facts.task is Task.EMBED else max(1, min(batch, plan.slots))


def step_tokens(plan: Plan) -> int:
    """How many tokens the largest step has; the engine rounds up to the same for each slot."""
    return -(-_step(plan) // plan.slots) * plan.slots


def step_outputs(plan: Plan) -> int:
    """How many of them it keeps an answer of."""
    return min(_step(plan), outputs_max(plan))


def _step(plan: Plan) -> int:
    _, physical = batches(plan)
    return min(physical, plan.context * plan.slots)
