"""Privacy and offline come first and cannot be outvoted; rules decide in their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.cli.pages.advice_text import WIDTH, render
from stoker.core.advice import Advice, Answer, ReasonRole
from stoker.core.costs import Enough, LocalCosts
from stoker.core.needs import DataPlace, Needs, Operations, Quality, Stage
from stoker.core.rules import VOCABULARY, Condition, Rule, RuleBook
from stoker.planning.advice.advise import advise
from stoker.planning.advice.facts import Fact, state_facts
from stoker.planning.advice.rules import allowed_answers, decide
from stoker.planning.advice.situation import Case, look_at
from stoker.planning.advice.tried import tried_on
from stoker.published.rules import load_rules
from stoker.testing.machines import MACHINES, make_machine, make_measured
from support.compared import RUN, answers, kept, model

ANSWERS = (Answer.LOCAL, Answer.API, Answer.HYBRID)
NEEDS = st.builds(
    Needs,
    data=st.none() | st.sampled_from(DataPlace),
    offline=st.booleans(),
    quality=st.none() | st.sampled_from(Quality),
    stage=st.sampled_from(Stage),
    operations=st.none() | st.sampled_from(Operations),
    ttft_s_max=st.none() | st.floats(0.01, 100),
    tok_s_min=st.none() | st.floats(0.1, 1000),
    requests_per_day=st.none() | st.floats(0, 1e7),
    prompt_tokens=st.none() | st.integers(1, 100_000),
    answer_tokens=st.none() | st.integers(1, 10_000),
    concurrency=st.integers(1, 64),
    context=st.none() | st.integers(1, 1 << 20),
    budget_usd_month=st.none() | st.floats(0, 1e6),
    right_share_least=st.none() | st.floats(0.01, 1),
)
CONDITIONS = st.sampled_from(
    [
        Condition.parse(text)
        for text in ("data is machine", "offline is yes or no", "requests_per_day at least 0")
    ]
)
ANY_RULES = st.lists(
    st.builds(
        Rule,
        name=st.uuids().map(str),
        when=st.lists(CONDITIONS, max_size=2).map(tuple),
        say=st.just("so it is"),
        forbid=st.lists(st.sampled_from(ANSWERS), max_size=2).map(tuple),
        prefer=st.none() | st.sampled_from(ANSWERS),
        relax=st.just("data"),
    ),
    max_size=6,
).map(lambda rules: RuleBook(tuple(rules), (), ()))
fixtures_live_long = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)


def on_tasks(right: int, total: int = 200, times: float = 1.0) -> dict[str, Any]:
    """What a case has of tasks on which a model in 16 and in 4 bits has so many right.

    In 4 bits it is so many `times` as fast.
    """
    score = answers(right, total)
    fast = replace(
        RUN,
        decode_tok_s=RUN.decode_tok_s.scaled(times),
        prefill_tok_s=RUN.prefill_tok_s.scaled(times),
    )
    both = kept(model("F16", "a", tasks=score), model("Q4_0", "b", tasks=score, run=fast))
    tried = tried_on([both], both.tasks.digest)
    return {"tasks": True, "tried": tried, "compare_command": "stoker compare shop --tasks t"}


TRIED = st.sampled_from([{}, {"tasks": True}, *(on_tasks(right) for right in (20, 180, 200))])


def must_stay(needs: Needs) -> bool:
    return needs.offline or needs.data in {DataPlace.MACHINE, DataPlace.NETWORK}


@pytest.mark.slow
@fixtures_live_long
@given(NEEDS, st.sampled_from(sorted(MACHINES)), TRIED)
def test_what_must_stay_is_never_sent_away(
    make_case: Callable[..., Case], needs: Needs, machine: str, tried: dict[str, Any]
) -> None:
    case = make_case(needs, machine, **tried)
    decision = decide(load_rules(), state_facts(look_at(case)), allowed_answers(needs))
    assert not (must_stay(needs) and decision.answer.sends_data)
    assert not (needs.data is DataPlace.MIXED and decision.answer is Answer.API)


@pytest.mark.slow
@fixtures_live_long
@given(NEEDS, st.sampled_from(sorted(MACHINES)))
def test_an_open_boundary_is_always_said(
    make_case: Callable[..., Case], needs: Needs, machine: str
) -> None:
    advice = advise(make_case(needs, machine), load_rules())
    is_open = needs.data is None and not needs.offline
    assert bool(advice.data_note) == is_open == ("data may go anywhere" in advice.assumed)
    assert is_open == (render(advice, width=10_000)[1] == advice.data_note != "")
    assert advice.if_data_stays in ({Answer.LOCAL, Answer.CONTRADICTION} if is_open else {None})


@fixtures_live_long
@given(NEEDS, ANY_RULES)
def test_no_rule_that_anybody_writes_sends_away_what_must_stay(
    make_case: Callable[..., Case], needs: Needs, book: RuleBook
) -> None:
    facts = state_facts(look_at(make_case(needs)))
    answer = decide(book, facts, allowed_answers(needs)).answer
    assert not (must_stay(needs) and answer.sends_data)
    assert not (needs.data is DataPlace.MIXED and answer is Answer.API)


@pytest.mark.parametrize("place", [DataPlace.MACHINE, DataPlace.NETWORK])
def test_prices_latency_and_budget_outvote_no_privacy(
    place: DataPlace, advised: Callable[..., Advice]
) -> None:
    needs = Needs(
        data=place,
        stage=Stage.PROTOTYPE,
        operations=Operations.NONE,
        requests_per_day=1,
        budget_usd_month=0.0,
    )
    assert not advised(needs, "laptop").answer.sends_data


def facts(**values: str | float | None) -> dict[str, Fact]:
    known = {name: Fact(value, str(value)) for name, value in values.items()}
    return {name: known.get(name, Fact(None, "unknown")) for name in VOCABULARY}


def rule(name: str, *when: str, **more: Any) -> Rule:
    conditions = tuple(Condition.parse(text) for text in when)
    return Rule(name, conditions, more.pop("say", "so it is"), **more)


BOTH = frozenset({Answer.LOCAL, Answer.API})


def test_the_first_rule_whose_answer_is_left_decides() -> None:
    book = RuleBook(
        (
            rule("second", "offline is no", prefer=Answer.API),
            rule("third", "offline is no", prefer=Answer.LOCAL),
            rule("fourth", "offline is no", prefer=Answer.API),
        ),
        (),
        (),
    )
    decision = decide(book, facts(offline="no"), BOTH)
    roles = {one.rule: one.role for one in decision.fired}
    assert decision.answer is Answer.API
    assert roles == {
        "second": ReasonRole.DECIDES,
        "third": ReasonRole.OUTVOTED,
        "fourth": ReasonRole.SUPPORTS,
    }
    assert decision.fired[0].rule == "second"


def test_where_one_answer_is_left_what_forbids_the_others_decides() -> None:
    book = RuleBook(
        (
            rule("no-api", "data is mixed", forbid=(Answer.API,), relax="data"),
            rule("rather-api", "data is mixed", prefer=Answer.API),
            rule("rather-local", "data is mixed", prefer=Answer.LOCAL),
        ),
        (),
        (),
    )
    decision = decide(book, facts(data="mixed"), BOTH)
    assert decision.answer is Answer.LOCAL
    assert decision.fired[0].rule == "no-api"
    assert decision.fired[-1].role is ReasonRole.OUTVOTED


def test_where_nothing_is_left_the_needs_contradict_each_other() -> None:
    book = RuleBook(
        (
            rule("no-api", "data is mixed", forbid=(Answer.API,), relax="data"),
            rule("no-local", "data is mixed", forbid=(Answer.LOCAL,), relax="quality"),
        ),
        (),
        (),
    )
    decision = decide(book, facts(data="mixed"), BOTH)
    assert decision.answer is Answer.CONTRADICTION
    assert [one.relax for one in decision.fired] == ["data", "quality"]


def test_sentences_show_their_figures() -> None:
    told = rule(
        "few", "requests_per_day at most 100", say="only {requests_per_day}", prefer=Answer.API
    )
    decision = decide(RuleBook((told,), (), ()), facts(requests_per_day=50), BOTH)
    assert decision.fired[0].say == "only 50"


def test_a_last_resort_is_told_only_where_it_decides() -> None:
    first = rule("first", "data is mixed", prefer=Answer.LOCAL)
    last = rule("last", "data is mixed", prefer=Answer.API, last_resort=True)
    both = decide(RuleBook((first, last), (), ()), facts(data="mixed"), BOTH)
    alone = decide(RuleBook((last,), (), ()), facts(data="mixed"), BOTH)
    assert [one.rule for one in both.fired] == ["first"]
    assert [one.rule for one in alone.fired] == ["last"]


def test_every_fact_has_a_value_where_everything_is_stated(make_case: Callable[..., Case]) -> None:
    needs = Needs(
        data=DataPlace.MIXED,
        local_share=0.5,
        quality=Quality.GOOD,
        operations=Operations.WEAK,
        ttft_s_max=9,
        tok_s_min=5,
        requests_per_day=5000,
        context=4096,
        budget_usd_month=1000,
        right_share_least=0.9,
    )
    costs = LocalCosts(
        purchase_usd=10, usd_per_kwh=0.3, person_hours_month=0, usd_per_person_hour=0
    )
    case = make_case(needs, "gaming", costs=costs, **on_tasks(196, times=100.0))
    stated = state_facts(look_at(case), Answer.LOCAL)
    assert stated.keys() == VOCABULARY.keys()
    # What is missing is missing because nothing is missing.
    unknown = {name for name, fact in stated.items() if fact.value is None}
    assert unknown == {"api_near", "local_missing", "gpus_idle"}


def test_every_value_is_one_that_conditions_can_name(make_case: Callable[..., Case]) -> None:
    for machine in MACHINES:
        for needs in (Needs(), Needs(requests_per_day=5000, tok_s_min=20)):
            for name, fact in state_facts(look_at(make_case(needs, machine))).items():
                words = VOCABULARY[name]
                if isinstance(fact.value, str) and words != ("text",):
                    assert fact.value in words


def test_a_hybrid_spells_out_its_boundary(advised: Callable[..., Advice]) -> None:
    advice = advised(Needs(data=DataPlace.MIXED, operations=Operations.WEAK), "laptop")
    boundary = " ".join(advice.boundary)
    assert advice.answer is Answer.HYBRID
    for word in ("Stays here", "sensitive", "redacted", "ledger", advice.local.name, "maker/good"):
        assert word in boundary


def test_a_hybrid_whose_own_model_is_weaker_says_so(advised: Callable[..., Advice]) -> None:
    advice = advised(Needs(data=DataPlace.MIXED, quality=Quality.FRONTIER), "laptop")
    assert advice.answer is Answer.HYBRID
    assert any("weaker answers" in line for line in advice.watch)


@pytest.mark.slow
@settings(fixtures_live_long, max_examples=25)
@given(NEEDS, st.sampled_from(sorted(MACHINES)), TRIED)
def test_whatever_is_stated_there_is_advice_that_fits_a_page(
    advised: Callable[..., Advice], needs: Needs, machine: str, tried: dict[str, Any]
) -> None:
    advice = advised(needs, machine, **tried)
    lines = render(advice)
    assert advice.reasons or advice.answer is Answer.LOCAL
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) < 100
    assert advice.answer not in {change.answer for change in advice.changes}


def test_only_a_hybrid_has_a_boundary(advised: Callable[..., Advice]) -> None:
    assert not advised(Needs(), "laptop").boundary
    assert not advised(Needs(data=DataPlace.MACHINE), "laptop").boundary


def test_an_endpoint_without_a_price_costs_an_unknown_amount_and_not_nothing(
    make_case: Callable[..., Case], apis: tuple[Any, ...]
) -> None:
    unpriced = tuple(replace(api, price=None, near=("maker/gold",)) for api in apis)
    case = make_case(
        Needs(requests_per_day=5000, operations=Operations.STRONG), "gaming", endpoints=unpriced
    )
    advice = advise(case, load_rules())
    assert advice.api_cost.total is None
    assert "the price of input tokens" in advice.missing
    assert advice.decided_by not in {"small-volume-priced", "api-is-cheaper", "local-is-cheaper"}


def test_near_names_are_told_where_a_price_is_not_known(
    advised: Callable[..., Advice], apis: tuple[Any, ...]
) -> None:
    unpriced = (replace(apis[1], price=None, near=("maker/gold",)),)
    advice = advised(Needs(), "laptop", endpoints=unpriced)
    assert any("near names: maker/gold" in line for line in advice.watch)


ROOMY = make_machine("roomy", (512, 480), make_measured(60, 0.8))


def test_of_models_that_are_good_enough_one_that_serves_the_volume_is_chosen(
    advised: Callable[..., Advice],
) -> None:
    """The smallest dense model is too slow for it; a mixture of experts that also fits is not."""
    needs = Needs(data=DataPlace.MACHINE, quality=Quality.GOOD, requests_per_day=500)
    advice = advised(needs, ROOMY)
    assert advice.answer is Answer.LOCAL
    assert advice.capacity is not None
    assert advice.capacity.verdict is not Enough.SHORT
    smallest = advised(replace(needs, requests_per_day=10), ROOMY).local
    assert smallest is not None
    assert advice.local is not None
    assert smallest.memory_bytes < advice.local.memory_bytes


MIXED = Needs(
    data=DataPlace.MIXED, operations=Operations.WEAK, requests_per_day=2_000, quality=Quality.GOOD
)


def test_what_must_stay_and_cannot_be_served_here_forbids_a_split(
    advised: Callable[..., Advice],
) -> None:
    many = replace(MIXED, requests_per_day=10_000)
    little = advised(replace(many, local_share=0.01), "laptop")
    much = advised(replace(many, local_share=0.9), "laptop")
    assert (little.answer, much.answer) == (Answer.HYBRID, Answer.CONTRADICTION)
    assert "too-much-stays-for-this-machine" in {one.rule for one in much.reasons}
    told = next(one.say for one in much.reasons if one.rule == "too-much-stays-for-this-machine")
    assert "90% of 10,000 requests" in told


def test_a_split_is_held_against_the_budget_by_its_own_cost(
    advised: Callable[..., Advice],
) -> None:
    costs = LocalCosts(purchase_usd=0, usd_per_kwh=0.3, person_hours_month=0, usd_per_person_hour=0)
    needs = replace(MIXED, local_share=0.05, budget_usd_month=100.0)
    split = advised(needs, "laptop", costs=costs)
    assert split.answer is Answer.HYBRID
    assert split.hybrid_cost is not None
    assert split.hybrid_cost.total is not None
    assert split.hybrid_cost.total.p90 <= 100.0
    dear = advised(replace(needs, budget_usd_month=5.0), "laptop", costs=costs)
    assert dear.answer is Answer.CONTRADICTION
    assert "hybrid-over-budget" in {one.rule for one in dear.reasons}


def test_that_a_small_model_is_enough_is_told_with_its_figures(
    advised: Callable[..., Advice],
) -> None:
    advice = advised(Needs(), "laptop", **on_tasks(196))
    assert advice.headline == "Run it here: shop in Q4_0."
    assert advice.reasons[0].say == (
        "shop (Q4_0) is already enough on your own tasks: 196 of your 200 tasks right "
        "(93% to 100%), measured on 2026-11-26, where 90% (assumed) is enough; "
        "the best that was tried is shop (Q4_0) with 196 of 200."
    )
    assert any("stoker quantize shop --to q4_0" in line for line in advice.watch)
    assert any("90% of your tasks right as enough" in line for line in advice.assumed)
    assert not any("judgement by its size" in line for line in advice.watch)


def test_where_nobody_tried_the_tasks_the_command_that_would_tell_is_named(
    advised: Callable[..., Advice],
) -> None:
    untried = {"tasks": True, "compare_command": "stoker compare shop --tasks t"}
    for needs in (Needs(), Needs(data=DataPlace.MACHINE)):
        advice = advised(needs, "laptop", **untried)
        assert sum("`stoker compare shop --tasks t`" in line for line in advice.watch) == 1
        assert "how many of your tasks a model here answers right" in advice.missing


def test_what_tasks_show_sends_nothing_away_that_must_stay(advised: Callable[..., Advice]) -> None:
    for right in (20, 180, 200):
        for place in (DataPlace.MACHINE, DataPlace.NETWORK):
            assert not advised(Needs(data=place), "laptop", **on_tasks(right)).answer.sends_data


def test_too_few_right_answers_forbid_only_where_somebody_said_what_is_enough(
    advised: Callable[..., Advice],
) -> None:
    tasks = on_tasks(100) | {"estimate": lambda *_: ()}
    assumed = advised(Needs(data=DataPlace.MACHINE), "laptop", **tasks)
    assert assumed.answer is Answer.LOCAL
    assert any("state yourself" in line for line in assumed.watch)
    needs = Needs(data=DataPlace.MACHINE, right_share_least=0.9)
    stated = advised(needs, "laptop", **tasks)
    assert stated.answer is Answer.CONTRADICTION
    assert any("100 of your 200 tasks right" in one.say for one in stated.reasons)
    assert ("quality", "right_share_least") in [(one.need, one.value) for one in stated.changes]


def test_an_interval_around_what_is_wanted_asks_for_more_tasks(
    advised: Callable[..., Advice],
) -> None:
    tasks = on_tasks(180) | {"estimate": lambda *_: ()}
    advice = advised(Needs(data=DataPlace.MACHINE), "laptop", **tasks)
    assert any("only more tasks can tell" in line for line in advice.watch)


def test_a_larger_model_that_was_tried_goes_before_a_smaller_one_that_was_not(
    advised: Callable[..., Advice],
) -> None:
    advice = advised(Needs(quality=Quality.BASIC), "laptop", **on_tasks(196))
    assert advice.local is not None
    assert advice.local.name == "shop"
