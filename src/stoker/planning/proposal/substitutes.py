"""What could be run instead: the quantizations above and below, a longer context, another model.

Pure. Each is counted and judged like the plan itself, by the question's own count; other models
by formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stoker.core.plan import DeviceKind, Plan
from stoker.core.proposal import Alternative, ChangeKind, Proposal
from stoker.core.speed import Speed
from stoker.core.units import format_bytes
from stoker.planning.catalogue import Entry, rank
from stoker.planning.proposal.choosing import choose
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.lengthening import longest_contexts, what_leaving_costs
from stoker.planning.proposal.mending import with_quantization
from stoker.planning.proposal.obtaining import COMPARED, is_at_hand
from stoker.planning.proposal.placing import place
from stoker.planning.proposal.quantizations import Quantized, near
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.well_known import model_of
from stoker.planning.quality import describe_loss
from stoker.planning.words import rate_span


def find_alternatives(question: Question, proposal: Proposal) -> tuple[Alternative, ...]:
    """Other quantizations, the longest context that fits, and a GPU that is not planned with.

    The next wider and narrower ones, and the smallest that was measured to be enough.
    """
    pair = near(question.quantized, proposal.plan.model.facts.file_bytes)
    wanted = [one for one in pair if one is not None]
    found = [
        offer_quantization(question, proposal, one)[0]
        for one in (*wanted, *_enough(question, wanted))
    ]
    return (*found, *longest_contexts(question, proposal), *_on_gpu(question, proposal))


def find_fallback(
    proposal: Proposal,
    alternatives: tuple[Alternative, ...],
    model: Alternative | None,
    api: Alternative | None,
) -> Alternative | None:
    """What to do where the plan cannot be kept: a smaller file, a smaller model, else an API."""
    own = proposal.plan.model.facts.file_bytes
    smaller = [
        one
        for one in alternatives
        if one.kind is ChangeKind.QUANTIZATION
        and one.verdict is not None
        and one.verdict.usable
        and (one.weights_bytes or 0) < own
    ]
    return next(iter((*smaller, *(one for one in (model, api) if one is not None))), None)


def find_model(question: Question, plan: Plan) -> Alternative | None:
    """The best smaller model of the catalogue that fits, with as much context and as many slots.

    Where nobody asked for that much context, one that was trained for less has what it can.
    """
    own = plan.model.facts.file_bytes
    fitting = (
        (entry, found)
        for entry in question.catalogue
        if entry.weights_bytes < own and (found := offer_entry(question, plan, entry)) is not None
    )
    best = max(fitting, key=lambda pair: (rank(pair[0].tier), pair[0].weights_bytes), default=None)
    return None if best is None else best[1]


def plan_for_entry(entry: Entry, plan: Plan) -> Plan:
    """`plan` for a model of the catalogue, with no more context than it was trained for."""
    context = min(plan.context, entry.shape.context_length)
    return replace(plan, model=model_of(entry), context=context, kv_type="f16", repack=True)


def offer_entry(question: Question, plan: Plan, entry: Entry) -> Alternative | None:
    """A model of the catalogue in place of the plan's; None where it does not fit or serve that.

    What nobody asked for gives way, as it would in a plan for that model.
    """
    if not question.asked.is_within(entry.shape.context_length):
        return None
    judged = replace(question, count=count_plainly)
    found = choose(plan_for_entry(entry, plan), question.asked, judged.judge)
    need = count_plainly(found)
    verdict = question.placed(need, found.model.facts).verdict
    if not verdict.usable:
        return None
    tier = entry.tier or "unproven"
    return Alternative(
        ChangeKind.MODEL,
        entry.shape.name,
        f"another model: {entry.shape.name} in {entry.quantization} ({tier}): "
        f"{format_bytes(need.total_bytes)} in all",
        verdict=verdict,
        weights_bytes=need.weights_bytes,
        total_bytes=need.total_bytes,
        source=entry.source,
    )


def offer_quantization(
    question: Question, proposal: Proposal, wanted: Quantized
) -> tuple[Alternative, Speed]:
    """The plan's model in another quantization, and how fast that is."""
    plan = with_quantization(proposal.plan, wanted)
    need = question.count(plan)
    placed = question.placed(need, plan.model.facts)
    occasion = proposal.speed.occasion
    all_speeds = question.estimate(plan, placed.device, question.machine, occasion)
    speed, loss = all_speeds.decode_tok_s, question.loss(wanted.name)
    own = proposal.plan.model.facts.file_bytes
    difference = format_bytes(abs(wanted.weights_bytes - own))
    way = "more" if wanted.weights_bytes > own else "less"
    costs = what_leaving_costs(proposal, placed, all_speeds)
    told = "" if speed is None or costs else f", {rate_span(speed)}"
    offer = Alternative(
        ChangeKind.QUANTIZATION,
        wanted.name,
        f"{wanted.name}: {difference} {way} of weights{_against(all_speeds, proposal.speed)}{told}"
        f"{_how(question, wanted)}{costs}",
        verdict=placed.verdict,
        weights_bytes=wanted.weights_bytes,
        total_bytes=need.total_bytes,
        decode_tok_s=speed,
        loss=describe_loss(loss),
        quality=loss,
        source=wanted.source,
    )
    return offer, all_speeds


def _enough(question: Question, known: Sequence[Quantized]) -> Iterator[Quantized]:
    """The smallest quantization that was not significantly worse on the user's tasks."""
    names = {question.quantization.upper(), *(one.name.upper() for one in known)}
    own = question.model.facts.file_bytes
    for one in question.measured:
        if one.cheapest and 0 < one.file_bytes < own and one.quantization not in names:
            yield Quantized(one.quantization, one.file_bytes, COMPARED)
            return


def _how(question: Question, wanted: Quantized) -> str:
    """How to make it here, where that can be."""
    made = is_at_hand(wanted, question.quantization, here=question.here)
    how = question.how_to_have(wanted) if made else ""
    return f"; {how}" if how else ""


def _against(other: Speed, own: Speed) -> str:
    """How fast the alternative is beside the plan, in the middle.

    Nothing where one was measured and the other estimated: the ratio would be the estimate's error.
    """
    name = "decode_tok_s"
    speed, planned = other.decode_tok_s, own.decode_tok_s
    if speed is None or planned is None or not planned.p50:
        return ""
    if other.source_of(name) is not own.source_of(name):
        return ""
    times = f"{speed.p50 / planned.p50:.2g}"
    return ", as fast" if times == "1" else f", {times} times the speed"


def _on_gpu(question: Question, proposal: Proposal) -> Iterator[Alternative]:
    """A GPU of this machine that the installed engine cannot use."""
    if question.gpus or not question.machine.gpus:
        return
    plan = proposal.plan
    placed = place(question.count(plan), plan.model.facts, question.machine, question.budget_bytes)
    if placed.device.kind is DeviceKind.CPU:
        return
    device = placed.device
    occasion = proposal.speed.occasion
    speed = question.estimate(plan, device, question.machine, occasion).decode_tok_s
    told = "" if speed is None else f", {rate_span(speed)}"
    yield Alternative(
        ChangeKind.DEVICE,
        device.name,
        f"{device.gpu_layers} of {device.layers} layers would go on {device.name}{told}, with an "
        "engine that is built for it; the one installed here computes on the processor",
        verdict=placed.verdict,
        weights_bytes=placed.need.weights_bytes,
        total_bytes=placed.need.total_bytes,
        decode_tok_s=speed,
        source=placed.need.source,
    )
