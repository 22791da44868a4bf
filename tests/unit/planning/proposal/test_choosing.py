"""What was asked for stays; what was not gives way, first places for answers, then length."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import InvalidRequestError
from stoker.core.model import LocalModel
from stoker.core.needs import Needs
from stoker.core.plan import Verdict
from stoker.core.units import GIB
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.choosing import CONTEXT_LEAST, SLOTS_DEFAULT, what_is_cut
from stoker.planning.proposal.proposing import draft
from support.planning import ask


def test_defaults_where_there_is_room() -> None:
    plan = draft(ask(machine="server"))
    assert (plan.context, plan.slots, plan.threads) == (4096, SLOTS_DEFAULT, 8)


@pytest.mark.parametrize(
    ("budget_gib", "context", "slots"),
    [(8.0, 4096, 4), (6.3, 4096, 2), (5.6, 4096, 1), (5.3, 2048, 1)],
)
def test_slots_give_way_before_the_context(budget_gib: float, context: int, slots: int) -> None:
    plan = draft(ask(machine="server", budget_bytes=int(budget_gib * GIB)))
    assert (plan.context, plan.slots) == (context, slots)


def test_what_was_asked_for_is_kept_whether_it_fits_or_not() -> None:
    wishes = Wishes(context=32768, slots=8, threads=3)
    question = ask(machine="board", wishes=wishes, kv_type="q8_0")
    plan = draft(question)
    assert (plan.context, plan.slots, plan.threads, plan.kv_type) == (32768, 8, 3, "q8_0")
    assert question.judge(plan) is Verdict.CAN_NEVER_FIT


def test_stated_needs_are_asked_for_too() -> None:
    plan = draft(ask(machine="server", needs=Needs(context=10000, concurrency=6)))
    assert (plan.context, plan.slots) == (10000, 6)
    longer = draft(ask(machine="server", needs=Needs(prompt_tokens=9000, answer_tokens=500)))
    assert longer.context >= 9500


def test_a_stated_prompt_and_its_answer_always_have_room() -> None:
    needs = Needs(prompt_tokens=3000, answer_tokens=500)
    budget = int(5.52 * GIB)  # without the needs 2048 tokens would be planned
    question = ask(machine="server", budget_bytes=budget, needs=needs)
    plan = draft(question)
    assert (plan.context, plan.slots) == (3584, 1)
    assert question.judge(plan).usable
    assert what_is_cut(plan, question.asked) == ""


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 20_000), st.integers(1, 4000), st.floats(0.1, 20))
def test_only_what_was_asked_for_or_trained_for_is_shorter_than_what_was_stated(
    prompt: int, answer: int, budget_gib: float
) -> None:
    needs = Needs(prompt_tokens=prompt, answer_tokens=answer)
    question = ask("Phi-4", "server", budget_bytes=int(budget_gib * GIB), needs=needs)
    plan = draft(question)
    trained = plan.model.facts.context_length
    assert plan.context >= min(prompt + answer, trained)
    assert bool(what_is_cut(plan, question.asked)) == (prompt + answer > trained)


def test_what_a_context_that_was_asked_for_cuts_is_named() -> None:
    needs = Needs(prompt_tokens=3000, answer_tokens=500)
    question = ask(machine="server", wishes=Wishes(context=2048), needs=needs)
    assert draft(question).context == 2048
    assert "3500 tokens and a slot has 2048" in what_is_cut(draft(question), question.asked)


def test_where_nothing_fits_the_defaults_are_shown() -> None:
    plan = draft(ask(machine="board"))
    assert (plan.context, plan.slots) == (4096, SLOTS_DEFAULT)


def test_the_context_is_never_longer_than_the_model_was_trained_for() -> None:
    question = ask(machine="server")
    facts = replace(question.model.facts, context_length=CONTEXT_LEAST)
    model = LocalModel(question.model.ref, question.model.path, facts)
    assert draft(replace(question, model=model)).context == CONTEXT_LEAST
    with pytest.raises(InvalidRequestError):
        draft(replace(ask(wishes=Wishes(context=2048)), model=model))


def test_models_that_live_together_share_the_cores() -> None:
    assert draft(ask(machine="server", shared_by=3)).threads == 2
    assert draft(ask(machine="server", shared_by=30)).threads == 1


def test_a_format_that_no_cache_has_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        draft(ask(kv_type="q3_k"))
