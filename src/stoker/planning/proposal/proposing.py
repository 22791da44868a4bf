"""A model, a machine and needs -> a proposal: how to run it, the verdict, alternatives and reasons.

Pure. What is exact (the engine's count) and what is measured (speeds) is passed in. `draft` chooses
by formula, `redraft` again where an engine counted more; `propose` judges the chosen plan, and all
that is offered beside it, with the engine's own count where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from stoker.core.costs import Cost
from stoker.core.machine import Gpu, Machine
from stoker.core.memory import DeviceMemory, MemoryNeed
from stoker.core.model import ModelFacts, Task
from stoker.core.plan import Plan, Verdict
from stoker.core.proposal import Alternative, Proposal
from stoker.core.speed import Occasion, Speed
from stoker.planning.proposal.choosing import Asked, choose, first_plan, what_is_cut
from stoker.planning.proposal.counting import ENGINE, count_like, uncounted
from stoker.planning.proposal.fitting import spare_bytes
from stoker.planning.proposal.mending import Search, changes_that_fit
from stoker.planning.proposal.obtaining import at_hand_first
from stoker.planning.proposal.placing import Placed
from stoker.planning.proposal.quantizations import Quantized
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.reasons import reasons_for
from stoker.planning.proposal.substitutes import find_alternatives, find_fallback, find_model
from stoker.planning.proposal.targets import find_faster, targets_of
from stoker.planning.quality import describe_loss

# What speeds are about where nobody stated it.
PROMPT_TOKENS, ANSWER_TOKENS = 512, 256


def draft(question: Question) -> Plan:
    """How to run it, chosen by formula: what was asked for, and what fits for the rest.

    Raises:
        InvalidRequestError: what was asked for is out of its bounds.
    """
    first = first_plan(question.model, question.machine, question.asked)
    return choose(first, question.asked, question.judge)


def redraft(question: Question, plan: Plan, need: MemoryNeed) -> Plan:
    """`plan`, or where it does not fit as an engine counted it, the nearest that should.

    What was asked for stays. The count of what comes back is an estimate until an engine made it.
    """
    if question.placed(need, plan.model.facts).verdict is Verdict.FITS:
        return plan
    return choose(plan, question.asked, _counted(question, plan, need).judge)


def occasion_of(plan: Plan, asked: Asked) -> Occasion:
    """What speeds are about: the prompt and answers that needs speak of, in every slot."""
    prompt = asked.needs.prompt_tokens or min(PROMPT_TOKENS, plan.context // 2)
    answer = asked.needs.answer_tokens or min(ANSWER_TOKENS, plan.context // 4)
    prompt = max(1, min(prompt, plan.context - 1))
    context = max(1, min(plan.context, prompt + answer // 2))
    return Occasion(prompt, context, plan.slots, context_full=plan.context)


def propose(
    question: Question, plan: Plan, need: MemoryNeed, notes: tuple[str, ...] = ()
) -> Proposal:
    """What is to be said of `plan`, which takes `need`."""
    facts = plan.model.facts
    placed = question.placed(need, facts)
    occasion = occasion_of(plan, question.asked)
    speed = question.estimate(plan, placed.device, question.machine, occasion)
    proposal = Proposal(
        plan=plan,
        source=question.source,
        quantization=question.quantization,
        need=placed.need,
        device=placed.device,
        verdict=placed.verdict,
        available_bytes=_available(question, placed),
        spare_bytes=sum(
            spare_bytes(placed.need.of(device=name), room) for name, room in placed.rooms
        ),
        speed=speed,
        here=question.here,
        devices=tuple(_devices(placed, question.machine.gpus)),
        targets=targets_of(question.asked, speed),
        quality=question.loss(question.quantization),
        missing=(*_missing(speed, question.machine, facts), *_uncounted(plan, need)),
        notes=(*notes, *_cut(plan, occasion, question.asked)),
    )
    return _completed(question, proposal, placed, need)


def with_cost(proposal: Proposal, cost: Cost) -> Proposal:
    """`proposal` with what it costs; what is missing of that is missing of it."""
    missing = tuple(dict.fromkeys((*proposal.missing, *cost.missing)))
    return replace(proposal, cost=cost, missing=missing)


def _completed(
    question: Question, proposal: Proposal, placed: Placed, need: MemoryNeed
) -> Proposal:
    """`proposal` with what else could be done, and why it is as it is."""
    counted = _counted(question, proposal.plan, need)
    model = find_model(question, proposal.plan)
    changes: tuple[Alternative, ...] = ()
    if not proposal.verdict.usable:
        changes = changes_that_fit(proposal.plan, _search(counted)) + ((model,) if model else ())
    alternatives = find_alternatives(counted, proposal)
    faster = tuple(find_faster(counted, proposal))
    return replace(
        proposal,
        reasons=reasons_for(question, proposal, placed),
        alternatives=_each_once(faster, alternatives),
        changes=changes,
        fallback=find_fallback(proposal, alternatives, model, question.api),
    )


def _search(question: Question) -> Search:
    """How changes are found; what nobody asked for is chosen anew with each smaller file."""
    asked = question.asked

    def settle(plan: Plan) -> Plan:
        first = first_plan(plan.model, question.machine, asked)
        return choose(
            replace(plan, context=first.context, slots=first.slots), asked, question.judge
        )

    def of(wanted: Quantized) -> str:
        how = question.how_to_have(wanted)
        lost = describe_loss(question.loss(wanted.name)).removesuffix(".")
        return f"{how and f'; {how}'}; {lost}"

    forms = at_hand_first(question.quantized, question.quantization, here=question.here)
    least = asked.context_least
    return Search(question.count, question.judge, forms, least, settle, of)


def _counted(question: Question, plan: Plan, need: MemoryNeed) -> Question:
    """`question` with a count that is held to `need`, which an engine counted of `plan`."""
    return replace(question, count=count_like(plan, need))


def _each_once(
    first: tuple[Alternative, ...], others: tuple[Alternative, ...]
) -> tuple[Alternative, ...]:
    known = {(one.kind, one.value) for one in first}
    return (*first, *(one for one in others if (one.kind, one.value) not in known))


def _devices(placed: Placed, gpus: Sequence[Gpu]) -> Iterator[DeviceMemory]:
    for name, room in placed.rooms:
        whose = "" if name == "cpu" else gpus[int(name.removeprefix("gpu"))].name
        yield DeviceMemory(name, placed.need.of(device=name), room.available_bytes, whose)


def _available(question: Question, placed: Placed) -> int:
    """What may be taken of all devices together: a budget bounds their sum."""
    whole = sum(room.available_bytes for _, room in placed.rooms)
    if question.budget_bytes is None:
        return whole
    return min(whole, max(0, question.budget_bytes - sum(question.taken.values())))


def _cut(plan: Plan, occasion: Occasion, asked: Asked) -> tuple[str, ...]:
    cut = what_is_cut(plan, asked)
    if not cut:
        return ()
    return (f"{cut}; the speeds are those of a prompt of {occasion.prompt_tokens}",)


def _missing(speed: Speed, machine: Machine, facts: ModelFacts) -> tuple[str, ...]:
    """The speeds that nobody could tell, and why."""
    names = {
        "load time": speed.load_s,
        "time to the first token": speed.ttft_s,
        "decode tokens per second": speed.decode_tok_s,
    }
    if facts.task is Task.EMBED:  # it writes nothing, first or later
        names = {"load time": speed.load_s, "texts per second": speed.prefill_tok_s}
    missing = [name for name, value in names.items() if value is None]
    if not missing:
        return ()
    why = "" if machine.measured.taken_unix_s else " (this machine was not measured)"
    return (*missing[:-1], f"{missing[-1]}{why}")


def _uncounted(plan: Plan, need: MemoryNeed) -> tuple[str, ...]:
    return () if need.source == ENGINE else uncounted(plan)
