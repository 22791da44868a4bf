"""A model, a machine and needs -> a proposal: how to run it, the verdict, alternatives and reasons.

Pure. What is exact (the engine's count) and what is measured (speeds) is passed in. `draft` chooses
by formula; `propose` judges the chosen plan with the engine's own count, where there is one.
"""

from __future__ import annotations

from dataclasses import replace

from stoker.core.costs import Cost
from stoker.core.machine import Machine
from stoker.core.memory import MemoryNeed
from stoker.core.model import ModelFacts, Task
from stoker.core.plan import Plan
from stoker.core.proposal import Alternative, Proposal
from stoker.core.speed import Occasion, Speed
from stoker.planning.proposal.choosing import Asked, choose, first_plan
from stoker.planning.proposal.counting import count_plainly, uncounted
from stoker.planning.proposal.fitting import spare_bytes
from stoker.planning.proposal.mending import Means, find_changes
from stoker.planning.proposal.placing import Placed
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.reasons import reasons_for
from stoker.planning.proposal.substitutes import find_alternatives, find_fallback, find_model

# What speeds are about where nobody stated it.
PROMPT_TOKENS, ANSWER_TOKENS = 512, 256


def draft(question: Question) -> Plan:
    """How to run it, chosen by formula: what was asked for, and what fits for the rest.

    Raises:
        InvalidRequestError: what was asked for is out of its bounds.
    """
    first = first_plan(question.model, question.machine, question.asked)
    return choose(first, question.asked, question.judge)


def occasion_of(plan: Plan, asked: Asked) -> Occasion:
    """What speeds are about: the prompt and answers that needs speak of, in every slot."""
    prompt = asked.needs.prompt_tokens or min(PROMPT_TOKENS, plan.context // 2)
    answer = asked.needs.answer_tokens or min(ANSWER_TOKENS, plan.context // 4)
    prompt = max(1, min(prompt, plan.context - 1))
    context = max(1, min(plan.context, prompt + answer // 2))
    return Occasion(prompt, context, plan.slots)


def propose(
    question: Question, plan: Plan, need: MemoryNeed, notes: tuple[str, ...] = ()
) -> Proposal:
    """What is to be said of `plan`, which takes `need`."""
    facts = plan.model.facts
    placed = question.placed(need, facts)
    name, room = placed.main
    here = need.of(device=name)
    occasion = occasion_of(plan, question.asked)
    speed = question.estimate(plan, placed.device, question.machine, occasion)
    proposal = Proposal(
        plan=plan,
        source=question.source,
        quantization=question.quantization,
        need=placed.need,
        device=placed.device,
        verdict=placed.verdict,
        available_bytes=room.available_bytes,
        spare_bytes=spare_bytes(here, room),
        speed=speed,
        here=question.here,
        quality=question.loss(question.quantization),
        missing=(*_missing(speed, question.machine, facts), *_uncounted(plan, need)),
        notes=notes,
    )
    return _completed(question, proposal, placed)


def with_cost(proposal: Proposal, cost: Cost) -> Proposal:
    """`proposal` with what it costs; what is missing of that is missing of it."""
    missing = tuple(dict.fromkeys((*proposal.missing, *cost.missing)))
    return replace(proposal, cost=cost, missing=missing)


def _completed(question: Question, proposal: Proposal, placed: Placed) -> Proposal:
    """`proposal` with what else could be done, and why it is as it is."""
    means = Means(count_plainly, question.judge, question.quantized)
    model = find_model(question, proposal.plan)
    changes: tuple[Alternative, ...] = ()
    if not proposal.verdict.usable:
        changes = find_changes(proposal.plan, means) + ((model,) if model else ())
    alternatives = find_alternatives(question, proposal)
    return replace(
        proposal,
        reasons=reasons_for(question, proposal, placed),
        alternatives=alternatives,
        changes=changes,
        fallback=find_fallback(proposal, alternatives, model, question.api),
    )


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
    return () if need.source == "engine" else uncounted(plan)
