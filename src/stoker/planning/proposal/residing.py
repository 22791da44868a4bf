"""Several models that are loaded at a time: planned together, judged together.

Pure. Models are placed in their order. Where they do not all fit, what nobody asked for gives way
in all of them alike, before any of them is said not to fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stoker.core.memory import MemoryNeed
from stoker.core.plan import Plan, Verdict
from stoker.core.proposal import Proposal, Resident
from stoker.planning.defaults import CONTEXT_DEFAULT
from stoker.planning.proposal.choosing import CONTEXT_LEAST, SLOTS_DEFAULT, Asked, first_plan
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.fitting import worst
from stoker.planning.proposal.proposing import draft
from stoker.planning.proposal.question import Question


def draft_together(questions: Sequence[Question]) -> tuple[Plan, ...]:
    """A plan for each question, so that all fit together if they can; else as they are by default.

    Raises:
        InvalidRequestError: what was asked for is out of its bounds.
    """
    if len(questions) == 1:
        return (draft(questions[0]),)
    tried = [_draft(questions, slots, context) for slots, context in _steps()]
    for wanted in (Verdict.FITS, Verdict.TIGHT):
        for plans, verdict in tried:
            if verdict is wanted:
                return plans
    return tried[0][0]


def resident_of(
    proposals: Sequence[Proposal], verdict: Verdict, budget_bytes: int | None = None
) -> Resident:
    """`proposals` with what they take together, and what is available before the first."""
    found = Resident(tuple(proposals), 0, 0, verdict)
    total = sum(one.taken_bytes for one in found.devices)
    available = sum(one.available_bytes for one in found.devices)
    available = available if budget_bytes is None else min(available, budget_bytes)
    return replace(found, total_bytes=total, available_bytes=available)


def with_taken(taken: Mapping[str, int], need: MemoryNeed) -> dict[str, int]:
    """What is taken of each device when `need` is placed beside what is taken already."""
    devices = dict.fromkeys((*taken, *(one.device for one in need.taken)))
    return {name: taken.get(name, 0) + need.of(device=name) for name in devices}


def _steps() -> Iterator[tuple[int, int]]:
    """Slots and contexts for what nobody asked for, from the defaults down."""
    slots = SLOTS_DEFAULT
    while slots > 1:
        yield slots, CONTEXT_DEFAULT
        slots //= 2
    context = CONTEXT_DEFAULT
    while context >= CONTEXT_LEAST:
        yield 1, context
        context //= 2


def _draft(
    questions: Sequence[Question], slots: int, context: int
) -> tuple[tuple[Plan, ...], Verdict]:
    """The plans with these bounds, and the worst verdict of them in their places."""
    plans: list[Plan] = []
    verdicts: list[Verdict] = []
    taken: dict[str, int] = {}
    for question in questions:
        plan = first_plan(question.model, question.machine, _bounded(question, slots, context))
        beside = replace(question, taken=taken)
        placed = beside.placed(count_plainly(plan), plan.model.facts)
        taken = with_taken(taken, placed.need)
        verdicts.append(placed.verdict)
        plans.append(plan)
    return tuple(plans), worst(verdicts)


def _bounded(question: Question, slots: int, context: int) -> Asked:
    """What was asked for, and the bounds for the rest, within what the model was trained for."""
    asked, trained = question.asked, question.model.facts.context_length
    if slots == SLOTS_DEFAULT and context == CONTEXT_DEFAULT:
        return asked
    wanted = max(context, asked.context_least)
    length = asked.context or (min(wanted, trained) if trained else wanted)
    wishes = replace(asked.wishes, slots=asked.slots or slots, context=length)
    return replace(asked, wishes=wishes)
