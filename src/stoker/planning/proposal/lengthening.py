"""How much more context a plan could have: with its layers where they are, and with fewer on GPUs.

Pure. What is offered is what comes of the words that it is offered with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from stoker.core.plan import Plan
from stoker.core.proposal import Alternative, ChangeKind, Proposal
from stoker.core.speed import Speed
from stoker.core.units import format_bytes
from stoker.planning.proposal.choosing import CELLS
from stoker.planning.proposal.placing import Placed
from stoker.planning.proposal.question import Question
from stoker.planning.words import rate_span


def longest_contexts(question: Question, proposal: Proposal) -> Iterator[Alternative]:
    """The longest context that fits with as many layers on GPUs, and the longest that fits at all.

    Nothing of either where it is no longer than the plan's.
    """
    if not proposal.verdict.usable:
        return
    stays, fits = None, None
    for plan in _longer(proposal.plan):
        placed = question.placed(question.count(plan), plan.model.facts)
        if not placed.verdict.usable:
            break
        fits = plan
        if placed.device.gpu_layers >= proposal.device.gpu_layers:
            stays = plan
    for found in dict.fromkeys(one for one in (stays, fits) if one is not None):
        yield _offer(question, proposal, found)


def what_leaving_costs(proposal: Proposal, placed: Placed, speed: Speed) -> str:
    """That layers leave the GPU, and tokens a second before and after; nothing where none do."""
    own, other = proposal.device, placed.device
    if other.gpu_layers >= own.gpu_layers:
        return ""
    before, after = proposal.speed.decode_tok_s, speed.decode_tok_s
    told = ""
    if before is not None and after is not None:
        told = f": {rate_span(after)} instead of {rate_span(before)}"
    where = f"{other.gpu_layers} of {other.layers} layers" if other.gpu_layers else "no layer"
    return f"; but with {where} on {own.name} instead of {own.gpu_layers}{told}"


def _longer(plan: Plan) -> Iterator[Plan]:
    """`plan` with its context doubled, again and again, and last with all that it was trained for.

    More never takes less.
    """
    trained = plan.model.facts.context_length
    context = plan.context
    while 2 * context <= trained:
        context *= 2
        yield replace(plan, context=context)
    if context < trained // CELLS * CELLS:
        yield replace(plan, context=trained // CELLS * CELLS)


def _offer(question: Question, proposal: Proposal, plan: Plan) -> Alternative:
    need = question.count(plan)
    placed = question.placed(need, plan.model.facts)
    speed = question.estimate(plan, placed.device, question.machine, proposal.speed.occasion)
    costs = what_leaving_costs(proposal, placed, speed)
    flags = f"--ctx {plan.context}"
    if question.asked.slots is None:  # else fewer might be planned with so much context
        flags += f" --parallel {plan.slots}"
    return Alternative(
        ChangeKind.CONTEXT,
        str(plan.context),
        f"up to {plan.context} tokens of context fit ({flags}): "
        f"{format_bytes(placed.need.total_bytes)} in all{costs}",
        verdict=placed.verdict,
        weights_bytes=placed.need.weights_bytes,
        total_bytes=placed.need.total_bytes,
        decode_tok_s=speed.decode_tok_s if costs else None,
        source=need.source,
    )
