"""Several models that are loaded at a time: planned together, judged together.

Pure. Models are placed in their order. Where they do not all fit, what nobody asked for gives way in
all of them alike, before any of them is said not to fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from stoker.core.memory import MemoryNeed
from stoker.core.plan import Plan
from stoker.planning.choosing import CONTEXT_LEAST, SLOTS_DEFAULT, Asked
from stoker.planning.counting import count_plainly
from stoker.planning.defaults import CONTEXT_DEFAULT
from stoker.planning.proposing import draft
from stoker.planning.question import Question


def draft_together(questions: Sequence[Question]) -> tuple[Plan, ...]:
    """A plan for each question, so that all fit together if they can; else as they are by default.

    Raises:
        InvalidRequestError: what was asked for is out of its bounds.
    """
    first: tuple[Plan, ...] | None = None
    for slots, context in _steps():
        plans, fit = _draft(questions, slots, context)
        if fit:
            return plans
        first = first or plans
    return first or ()


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
) -> tuple[tuple[Plan, ...], bool]:
    plans: list[Plan] = []
    taken: dict[str, int] = {}
    fit = True
    for question in questions:
        bounded = _bounded(question, slots, context)
        beside = replace(question, asked=bounded, taken=taken)
        plan = draft(beside)
        placed = beside.placed(count_plainly(plan), plan.model.facts)
        fit = fit and placed.verdict.usable
        taken = with_taken(taken, placed.need)
        plans.append(plan)
    return tuple(plans), fit


def _bounded(question: Question, slots: int, context: int) -> Asked:
    """What was asked for, and the bounds for the rest, within what the model was trained for."""
    asked, trained = question.asked, question.model.facts.context_length
    if slots == SLOTS_DEFAULT and context == CONTEXT_DEFAULT:
        return asked
    length = asked.context or (min(context, trained) if trained else context)
    wishes = replace(asked.wishes, slots=asked.slots or slots, context=length)
    return replace(asked, wishes=wishes)
