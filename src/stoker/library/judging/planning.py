"""Plans with everything they are made from: the model's header, this machine, the engine's count.

What is decided is `stoker.planning`'s; here facts and figures are brought together. What cannot be
had is named in the proposal, and the plan goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from stoker.core.errors import (
    ContradictoryNeedsError,
    HomeError,
    LoadFailedError,
    WorkerError,
)
from stoker.core.machine import Machine
from stoker.core.memory import MemoryNeed
from stoker.core.needs import Needs
from stoker.core.plan import Plan
from stoker.core.proposal import Proposal, Resident
from stoker.engines.registry import find_engine
from stoker.library.judging.compared import losses_here
from stoker.library.judging.outcomes import find_outcomes
from stoker.library.judging.subjects import Subject, find_subject
from stoker.library.judging.surroundings import Surroundings, survey
from stoker.models.gguf.hollow import read_hollow
from stoker.models.storing.store import Store
from stoker.planning.defaults import Wishes
from stoker.planning.memory.formula import completed, disagreement
from stoker.planning.proposal.choosing import Asked
from stoker.planning.proposal.counting import count_plainly, waiting_for
from stoker.planning.proposal.fitting import judge, room_of, worst
from stoker.planning.proposal.listing import Row, list_models, too_short
from stoker.planning.proposal.proposing import propose, redraft, with_cost
from stoker.planning.proposal.question import Question
from stoker.planning.proposal.residing import draft_together, resident_of, with_taken
from stoker.planning.proposal.weighing import sizing, slots_for
from stoker.planning.proposal.well_known import model_of
from stoker.published.figures import load_losses
from stoker.published.judgement import load_judgement
from stoker.state.home import Home
from stoker.workers.dry_run import count_memory

if TYPE_CHECKING:
    from stoker.library.judging.costing import StatedNeeds

MODELS_MAX = 64
REDRAFTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be planned, and with what.

    `machine` is another one than this, where somebody asks about it: its GPUs are then planned
    with. `stated` are the needs that somebody stated. With `pin` every local file is hashed.
    """

    models: Sequence[str]
    wishes: Wishes = field(default_factory=Wishes)
    kv_type: str = "f16"
    engine: str = "llamacpp"
    budget_bytes: int | None = None
    machine: Machine | None = None
    stated: StatedNeeds | None = None
    pin: bool = False


@dataclass(frozen=True, slots=True)
class Runnable:
    """What a machine can run; `too_short` are models that were trained for less context, and it."""

    rows: list[Row]
    machine: Machine
    too_short: tuple[tuple[str, int], ...] = ()


def plan_models(order: Order) -> tuple[Resident, Machine]:
    """`propose_models` for code that does not await, and the machine that it is about."""
    around = look_around(order)
    return asyncio.run(propose_models(order, around)), around.machine


def look_around(order: Order) -> Surroundings:
    """The machine, its figures and the catalogue; and whether the stated needs contradict."""
    around = survey(Home.find(), order.machine)
    if order.stated is None:
        return around
    within = replace(around, machine=_within(around.machine, order.budget_bytes))
    try:
        return replace(around, api=order.stated.check(within))
    except ContradictoryNeedsError as error:
        return replace(around, contradiction=error)


def _within(machine: Machine, budget_bytes: int | None) -> Machine:
    """`machine` as if it had no more memory than the budget."""
    if budget_bytes is None:
        return machine
    total = min(budget_bytes, machine.memory_total_bytes)
    free = min(budget_bytes, machine.memory_available_bytes)
    return replace(machine, memory_total_bytes=total, memory_available_bytes=free)


async def propose_models(order: Order, around: Surroundings) -> Resident:
    """A proposal for each model of `order`, planned so that all are loaded at a time.

    Needs that contradict each other hide no plan: what is wrong is told with it.

    Raises:
        StokerError: a model cannot be found or read, or what was asked for is out of its bounds.
    """
    store = Store(around.home.models)
    free = room_of(around.machine, order.budget_bytes).available_bytes
    subjects = [await find_subject(text, store, free, pin=order.pin) for text in order.models]
    questions = [_question(order, around, subject) for subject in subjects]
    proposals: list[Proposal] = []
    taken: dict[str, int] = {}
    plans = draft_together(questions)
    for subject, question, plan in zip(subjects, questions, plans, strict=True):
        beside = replace(question, taken=taken)
        proposal = await _propose(beside, plan, subject, around, order)
        taken = with_taken(taken, proposal.need)
        proposals.append(proposal)
    room = room_of(around.machine, order.budget_bytes)
    own = sum(_own_memory(one) for one in proposals)
    verdict = worst([judge(own, room), *(one.verdict for one in proposals)])
    if len(proposals) == 1:
        verdict = proposals[0].verdict
    resident = resident_of(proposals, verdict, order.budget_bytes)
    return replace(resident, contradiction=around.contradiction)


def _question(order: Order, around: Surroundings, subject: Subject) -> Question:
    needs = order.stated.needs if order.stated else Needs()
    return Question(
        model=subject.model,
        source=subject.source,
        quantization=subject.quantization,
        machine=around.machine,
        asked=Asked(order.wishes, needs, order.kv_type, order.engine, shared_by=len(order.models)),
        estimate=around.estimate,
        here=subject.here,
        gpus=around.elsewhere,
        budget_bytes=order.budget_bytes,
        losses=load_losses(),
        measured=losses_here(around.home, subject.model, subject.quantization),
        listed=subject.listed,
        catalogue=around.catalogue,
        api=around.api,
    )


async def _propose(
    question: Question, plan: Plan, subject: Subject, around: Surroundings, order: Order
) -> Proposal:
    need, notes = await _count(plan, subject, around.home)
    for _ in range(REDRAFTS_MAX):  # the engine counted more than the formula that it was drafted by
        smaller = redraft(question, plan, need)
        if smaller == plan:
            break
        plan = smaller
        need, notes = await _count(plan, subject, around.home)
    proposal = propose(question, plan, need, (*subject.notes, *notes))
    proposal = replace(
        proposal,
        missing=(*proposal.missing, *around.missing),
        measured=find_outcomes(around.home, around.log, plan.model.facts),
    )
    if order.stated is None:
        return proposal
    from stoker.library.judging.costing import cost_of  # noqa: PLC0415 - it needs a slow import

    return with_cost(proposal, cost_of(proposal, order.stated, around))


async def _count(plan: Plan, subject: Subject, home: Home) -> tuple[MemoryNeed, tuple[str, ...]]:
    """What the engine counts, held against the formula; the formula where it cannot be asked.

    Raises:
        ModelFileError, LoadFailedError: it was asked, and refuses the model: no plan would run.
    """
    formula = count_plainly(plan)
    try:
        hollow = subject.hollow or read_hollow(plan.model.path)
        exact = await count_memory(
            plan, find_engine(plan.engine), directory=home.prepare().workers, hollow=hollow
        )
    except LoadFailedError:
        raise
    except (WorkerError, HomeError) as error:
        return formula, (f"the engine could not count the memory: {error.message}",)
    whole = completed(exact, plan, waiting_for(plan))
    told = disagreement(whole, formula, plan.model.facts.architecture)
    return whole, (told,) if told else ()


def _own_memory(proposal: Proposal) -> int:
    """What a proposal takes of the machine's own memory."""
    return proposal.need.of(device="cpu")


def what_runs(order: Order) -> Runnable:
    """What the machine can run of the well-known models, by formula alone.

    Raises:
        ContradictoryNeedsError: the stated needs cannot be met together.
    """
    around = look_around(order)
    if around.contradiction is not None:
        raise around.contradiction
    entry = around.catalogue[0]
    subject = Subject(model_of(entry), entry.shape.name, entry.quantization, here=False)
    needs = sizing(order.stated.needs if order.stated else Needs(), load_judgement())
    wishes = replace(order.wishes, slots=order.wishes.slots or slots_for(needs))
    question = _question(replace(order, models=("",), wishes=wishes), around, subject)
    question = replace(question, asked=replace(question.asked, needs=needs))
    rows = list_models(question, around.catalogue, load_losses())
    return Runnable(rows, around.machine, too_short(question.asked, around.catalogue))
