"""The smallest change does make a plan fit; it is the smallest of its kind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.needs import Needs
from stoker.core.plan import Plan
from stoker.core.proposal import Alternative, ChangeKind
from stoker.core.units import GIB
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.mending import (
    CONTEXT_USEFUL,
    Search,
    changes_that_fit,
    takes_quantized_kv,
    with_quantization,
)
from stoker.planning.proposal.proposing import draft
from stoker.planning.proposal.question import Question
from support.planning import ENTRIES, ask

NAMES = st.sampled_from(sorted(ENTRIES))


def changes_of(question: Question) -> tuple[Alternative, ...]:
    least = question.asked.context_least
    search = Search(question.count, question.judge, question.quantized, least)
    return changes_that_fit(draft(question), search)


def changed(plan: Plan, change: Alternative, question: Question) -> Plan:
    """`plan` with `change`, by what it says alone."""
    words = change.value.split()
    for one in question.quantized:
        if one.name in words:
            plan = with_quantization(plan, one)
    if change.kind is ChangeKind.SLOTS:
        return replace(plan, slots=int(change.value))
    if change.kind is ChangeKind.CONTEXT:
        return replace(plan, context=int(change.value))
    if change.kind is ChangeKind.KV_TYPE:
        return replace(plan, kv_type=change.value)
    if "--parallel" in words:
        plan = replace(plan, slots=int(words[words.index("--parallel") + 1]))
    if "--ctx" in words:
        plan = replace(plan, context=int(words[words.index("--ctx") + 1]))
    return plan


@pytest.mark.parametrize(
    ("budget_gib", "wishes", "kinds"),
    [
        # One slot less than asked for is enough; so are the others, each by itself.
        (6.0, Wishes(context=4096, slots=4), ["slots", "kv_type", "context", "quantization"]),
        # With one slot there is none to give up.
        (6.0, Wishes(context=16384, slots=1), ["kv_type", "context", "quantization"]),
        # The weights alone are too much: only a smaller quantization helps.
        (4.4, Wishes(context=4096, slots=1), ["quantization"]),
        # A smaller quantization alone is not enough.
        (4.0, Wishes(context=32768, slots=8), ["several"]),
        # Nothing helps.
        (1.0, Wishes(context=4096, slots=1), []),
    ],
)
def test_which_changes_help(budget_gib: float, wishes: Wishes, kinds: list[str]) -> None:
    question = ask(machine="server", budget_bytes=int(budget_gib * GIB), wishes=wishes)
    assert [one.kind.value for one in changes_of(question)] == kinds


@settings(max_examples=60, deadline=None)
@given(NAMES, st.floats(0.15, 0.99), st.sampled_from([512, 4096, 16384]), st.integers(1, 16))
@pytest.mark.slow
def test_each_change_makes_it_fit_and_there_is_one_where_anything_does(
    name: str, share: float, context: int, slots: int
) -> None:
    """The budget is a share of what the plan takes, so that it never fits as it is."""
    question = ask(name, "server", wishes=Wishes(context=context, slots=slots))
    plan = draft(question)
    budget = int(count_plainly(plan).total_bytes * share)
    question = replace(question, budget_bytes=budget)
    assert not question.judge(plan).usable
    changes = changes_of(question)
    assert bool(changes) == anything_fits(plan, question)
    for change in changes:
        found = changed(plan, change, question)
        assert found != plan
        assert question.judge(found).usable
        assert count_plainly(found).total_bytes == change.total_bytes
        assert (change.total_bytes or 0) <= budget


def anything_fits(plan: Plan, question: Question) -> bool:
    """Whether any form of the model fits: with one answer, as it is, in a smaller cache, short."""
    forms = [plan, *(with_quantization(plan, one) for one in question.quantized)]
    least = min(plan.context, CONTEXT_USEFUL)
    ways = [replace(form, slots=1, context=least) for form in forms]
    ways += [replace(plan, kv_type="q4_0")] if takes_quantized_kv(plan) else []
    return any(question.judge(one).usable for one in ways)


def test_no_context_becomes_shorter_than_what_was_stated() -> None:
    needs = Needs(prompt_tokens=3000, answer_tokens=500)
    wishes = Wishes(context=16384, slots=1)
    for budget_gib, left in ((5.3, [4096, 4096]), (5.15, [2816, 0])):
        short = ask(machine="server", budget_bytes=int(budget_gib * GIB), wishes=wishes)
        stated = replace(short, asked=replace(short.asked, needs=needs))
        assert [sum(contexts(changes_of(one))) for one in (short, stated)] == left
        assert changes_of(stated)


def contexts(changes: tuple[Alternative, ...]) -> list[int]:
    return [int(one.value) for one in changes if one.kind is ChangeKind.CONTEXT]


def test_a_context_is_shortened_as_little_as_will_do() -> None:
    question = ask(machine="server", budget_bytes=6 * GIB, wishes=Wishes(context=16384, slots=1))
    change = next(one for one in changes_of(question) if one.kind is ChangeKind.CONTEXT)
    length = int(change.value)
    assert length >= CONTEXT_USEFUL
    longer = replace(draft(question), context=length + 256)
    assert not question.judge(longer).usable


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(NAMES, st.integers(1, 64), st.integers(1, 64), st.integers(1, 8), st.integers(1, 8))
def test_more_context_or_slots_never_take_less(
    name: str, blocks: int, more: int, slots: int, more_slots: int
) -> None:
    plan = replace(draft(ask(name, "server")), context=256 * blocks, slots=slots)
    before = count_plainly(plan)
    longer = count_plainly(replace(plan, context=256 * (blocks + more)))
    wider = count_plainly(replace(plan, slots=slots + more_slots))
    assert longer.total_bytes >= before.total_bytes
    assert wider.total_bytes >= before.total_bytes


def test_a_cache_is_quantized_where_its_rows_are_whole_blocks() -> None:
    """The engine counts and serves latent attention with such a cache too."""
    assert takes_quantized_kv(draft(ask("Llama-3.1-8B", "server")))
    latent = draft(ask("DeepSeek-V3", "server"))
    assert takes_quantized_kv(latent)
    facts = latent.model.facts
    odd = replace(facts, layout=replace(facts.layout, latent=500))
    assert not takes_quantized_kv(replace(latent, model=replace(latent.model, facts=odd)))
    assert not takes_quantized_kv(replace(latent, kv_type="q8_0"))
