"""Beside an engine's count of one plan, other plans of its model are never taken for too small."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.plan import Plan, Verdict
from stoker.core.proposal import Alternative, ChangeKind
from stoker.core.units import GIB, MIB
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.counting import ENGINE, SCALED, Count, count_like, count_plainly
from stoker.planning.proposal.mending import with_quantization
from stoker.planning.proposal.proposing import draft, propose, redraft
from stoker.planning.proposal.question import Question
from support.planning import ENTRIES, ask

NAMES = st.sampled_from(["Llama-3.1-8B", "Gemma-3-4B", "gpt-oss-20b", "Qwen2.5-0.5B"])


def engine(weights: float, kv: float, compute: float, more_bytes: int = 0) -> Count:
    """An engine that finds so many times what the formula does, and so much more of scratch."""
    factors = {Part.WEIGHTS: weights, Part.KV: kv, Part.COMPUTE: compute}

    def count(plan: Plan) -> MemoryNeed:
        told = count_plainly(plan).taken
        taken = [
            replace(one, size_bytes=int(one.size_bytes * factors.get(one.part, 1))) for one in told
        ]
        return MemoryNeed((*taken, Taken(Part.COMPUTE, "cpu", more_bytes, "CPU_2")), ENGINE)

    return count


def changed(plan: Plan, change: Alternative, question: Question) -> Plan:
    words = change.value.split()
    kinds = {ChangeKind.SLOTS: "slots", ChangeKind.CONTEXT: "context"}
    if change.kind in kinds:
        return replace(plan, **{kinds[change.kind]: int(change.value)})
    if change.kind is ChangeKind.KV_TYPE:
        return replace(plan, kv_type=change.value)
    for one in question.quantized:
        plan = with_quantization(plan, one) if one.name in words else plan
    numbers = {"--parallel": "slots", "--ctx": "context"}
    for word, name in numbers.items():
        if word in words:
            plan = replace(plan, **{name: int(words[words.index(word) + 1])})
    return plan


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    NAMES,
    st.tuples(st.floats(1, 3), st.floats(1, 8), st.floats(1, 4)),
    st.integers(0, 2 * GIB),
    st.floats(0.2, 0.99),
    st.integers(1, 8),
)
def test_every_change_that_is_offered_fits_as_the_engine_counts(
    name: str, factors: tuple[float, float, float], more: int, share: float, slots: int
) -> None:
    count = engine(*factors, more)
    question = ask(name, "server", wishes=Wishes(context=8192, slots=slots))
    plan = draft(question)
    need = count(plan)
    question = replace(question, budget_bytes=int(need.total_bytes * share))
    proposal = propose(question, plan, need)
    assert not proposal.verdict.usable
    own = [one for one in proposal.changes if one.kind is not ChangeKind.MODEL]
    for change in own:
        found = changed(plan, change, question)
        assert found != plan
        placed = question.placed(count(found), found.model.facts)
        assert placed.verdict.usable
        assert placed.need.total_bytes <= (change.total_bytes or 0)


def test_a_formula_that_says_it_fits_never_makes_an_empty_change() -> None:
    """By formula it fits with one answer at a time; the engine counts four times the weights."""
    wishes = Wishes(context=512, slots=1)
    question = ask("Qwen2.5-0.5B", "server", budget_bytes=GIB, wishes=wishes)
    plan = draft(question)
    assert question.judge(plan).usable
    proposal = propose(question, plan, engine(4, 1, 1)(plan))
    assert not proposal.verdict.usable
    assert all(change.value and change.say[0] != ":" for change in proposal.changes)


def test_where_the_engine_agrees_the_formula_counts() -> None:
    plan = draft(ask())
    assert count_like(plan, engine(1, 1, 1)(plan)) is count_plainly
    assert count_like(plan, count_plainly(plan)) is count_plainly
    held = count_like(plan, engine(1, 2, 1)(plan))
    assert held(plan).source == ENGINE
    assert held(replace(plan, slots=1)).source == SCALED


def test_what_no_formula_tells_shrinks_with_the_answers_at_a_time_alone() -> None:
    question = ask("Llama-3.1-8B", "server")
    facts = replace(question.model.facts, head_length_k=0)
    model = replace(question.model, facts=facts)
    plan = replace(draft(question), model=model, slots=4, context=4096)
    taken = (Taken(Part.WEIGHTS, "cpu", GIB), Taken(Part.KV, "cpu", 400 * MIB))
    held = count_like(plan, MemoryNeed(taken, ENGINE))
    assert held(replace(plan, slots=1)).kv_bytes == 100 * MIB
    assert held(replace(plan, context=1024)).kv_bytes == 400 * MIB
    assert held(replace(plan, context=8192)).kv_bytes == 800 * MIB
    assert held(replace(plan, kv_type="q4_0")).kv_bytes == 400 * MIB


def test_a_plan_gives_way_where_the_engine_counts_more() -> None:
    question = ask("Llama-3.1-8B", "server", budget_bytes=8 * GIB)
    plan, count = draft(question), engine(1, 3, 1)
    assert question.judge(plan) is Verdict.FITS
    assert not question.placed(count(plan), plan.model.facts).verdict.usable
    again = redraft(question, plan, count(plan))
    assert again.slots < plan.slots
    assert question.placed(count(again), again.model.facts).verdict.usable


def test_what_was_asked_for_does_not_give_way_to_the_engine() -> None:
    wishes = Wishes(context=4096, slots=4)
    question = ask("Llama-3.1-8B", "server", budget_bytes=8 * GIB, wishes=wishes)
    plan = draft(question)
    assert redraft(question, plan, engine(1, 3, 1)(plan)) == plan
    assert redraft(question, plan, count_plainly(plan)) is plan


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_a_plan_that_fits_stays_as_it_is(name: str) -> None:
    plan = draft(ask(name, "server"))
    assert redraft(ask(name, "server"), plan, count_plainly(plan)) is plan
