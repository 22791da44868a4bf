"""Stated needs decide whether an API may answer, whether they contradict, and what it all costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.cli.pages.cost_text import cost_lines
from stoker.core.advice import LocalOption
from stoker.core.costs import Enough, Source
from stoker.core.errors import ContradictoryNeedsError
from stoker.core.machine import Machine
from stoker.core.model import Task
from stoker.core.needs import Quality
from stoker.core.plan import Verdict
from stoker.core.power import Power
from stoker.core.units import GIB
from stoker.library.judging.advising import api_options
from stoker.library.judging.constraints import read_constraints
from stoker.library.judging.costing import StatedNeeds, cost_of
from stoker.library.judging.surroundings import Surroundings, survey
from stoker.planning.advice.situation import Case, look_at
from stoker.planning.words import rate_span
from stoker.published.judgement import load_judgement
from stoker.state.home import Home
from stoker.testing.machines import MACHINES
from support.planning import answer, ask

COSTS = {
    "purchase_usd": 1800,
    "watts_idle": 40,
    "watts_load": 180,
    "usd_per_kwh": 0.3,
    "person_hours_month": 1,
    "usd_per_person_hour": 60,
}
API = {"model": "maker/model", "input_usd_mtok": 0.25, "output_usd_mtok": 2.0}


def elsewhere(machine: Machine) -> Surroundings:
    return survey(Home(Path("/none")), machine)


def stated(**needs: Any) -> StatedNeeds:
    return StatedNeeds(read_constraints({"api": API, **needs}))


@pytest.mark.parametrize(
    ("needs", "allowed"),
    [
        ({}, True),
        ({"data": "mixed"}, True),
        ({"data": "machine"}, False),
        ({"data": "network"}, False),
        ({"offline": True}, False),
    ],
)
def test_an_api_is_a_fallback_only_where_data_may_leave(
    needs: dict[str, Any], *, allowed: bool
) -> None:
    found = stated(**needs).check(elsewhere(MACHINES["laptop"]))
    assert (found is not None) == allowed
    if found is not None:
        assert found.value == "maker/model"


def test_needs_that_contradict_are_refused_with_what_to_relax() -> None:
    small = replace(MACHINES["laptop"], memory_total_bytes=4 * GIB, memory_available_bytes=4 * GIB)
    with pytest.raises(ContradictoryNeedsError) as caught:
        stated(data="machine", quality="frontier").check(elsewhere(small))
    assert "quality" in caught.value.hint


def test_costs_are_told_where_a_volume_is() -> None:
    needs = stated(requests_per_day=500, prompt_tokens=200, answer_tokens=100, costs=COSTS)
    cost = cost_of(answer(ask("Qwen2.5-1.5B", "laptop")), needs, elsewhere(MACHINES["laptop"]))
    assert cost.local is not None
    assert cost.api is not None
    assert cost.local.total is not None
    assert cost.local_curve is not None
    assert cost.local_curve.fixed.p50 < cost.local.total.p50
    assert cost.volume is not None
    assert (cost.api_reference, cost.volume.requests_per_day) == ("maker/model", 500)
    assert cost.capacity is not None
    assert cost.capacity.verdict in set(Enough)
    assert cost.missing == ()


def test_watts_that_were_read_count_where_none_were_given() -> None:
    power = Power(9.0, 35.0, "processor package")
    around, few = replace(elsewhere(MACHINES["laptop"]), power=power), {"usd_per_kwh": 0.3}
    for costs, source, load in ((few, Source.READ, 35.0), (COSTS, Source.GIVEN, 180)):
        needs = stated(requests_per_day=500, costs=costs)
        running = cost_of(answer(ask()), needs, around).running
        assert running is not None
        assert (running.watts_source, running.watts_load) == (source, load)


def test_a_plan_costs_what_advice_says_where_their_speeds_agree() -> None:
    needs = stated(
        requests_per_day=500, prompt_tokens=200, answer_tokens=100, ttft_s_max=1.0, costs=COSTS
    )
    proposal = answer(ask("Qwen2.5-1.5B", "laptop"))
    speed = proposal.speed
    option = LocalOption(
        "Qwen2.5-1.5B",
        "Q4_K_M",
        Quality.FRONTIER,
        1,
        Verdict.FITS,
        stream_tok_s=speed.stream_tok_s,
        total_tok_s=speed.total_tok_s,
        prefill_tok_s=speed.prefill_tok_s,
        ttft_s=speed.ttft_s,
    )
    judgement = load_judgement()
    case = Case(
        needs.needs,
        MACHINES["laptop"],
        lambda *_: [option],
        tuple(api_options(needs.constraints, judgement)),
        judgement,
        needs.constraints.costs.to_core(),
    )
    assert look_at(case).cost == cost_of(proposal, needs, elsewhere(MACHINES["laptop"]))


def test_what_is_not_known_is_named_and_never_nothing() -> None:
    cost = cost_of(answer(ask()), stated(requests_per_day=500), elsewhere(MACHINES["laptop"]))
    assert cost.local is not None
    assert cost.local.total is None
    assert "the machine's price" in cost.missing
    without = cost_of(answer(ask()), stated(), elsewhere(MACHINES["laptop"]))
    assert (without.local, without.missing) == (None, ("requests a day, for the cost",))


def test_the_latency_of_a_volume_and_the_targets_of_a_plan_are_about_the_same_answers() -> None:
    """One answer alone where nobody asked for several at a time, however many places there are."""
    needs = stated(requests_per_day=9, tok_s_min=6.0, costs=COSTS)
    proposal = answer(ask(machine="laptop", needs=needs.needs))
    (target,) = proposal.targets
    assert proposal.speed.stream_tok_s != target.expected == proposal.speed.decode_tok_s
    capacity = cost_of(proposal, needs, elsewhere(MACHINES["laptop"])).capacity
    assert capacity is not None
    assert capacity.latency is not None
    assert target.expected is not None
    assert rate_span(target.expected) in capacity.latency.why


def test_a_model_that_makes_vectors_writes_no_answers_and_no_chat_endpoint_stands_for_it() -> None:
    model = ask("Qwen2.5-1.5B", "laptop").model
    facts = replace(model.facts, task=Task.EMBED, causal=False)
    proposal = answer(ask("Qwen2.5-1.5B", "laptop", model=replace(model, facts=facts)))
    around = elsewhere(MACHINES["laptop"])
    unnamed = StatedNeeds(read_constraints({"requests_per_day": 500, "costs": COSTS}))
    cost = cost_of(proposal, unnamed, around)
    assert cost.volume is not None
    assert cost.volume.answer_tokens == 0
    assert cost.local is not None
    assert cost.local.total is not None
    assert cost.capacity is not None
    assert cost.capacity.verdict is Enough.ENOUGH
    assert (cost.api, cost.break_even) == (None, None)
    lines = " ".join(cost_lines(cost))
    assert "texts of 1,000 tokens" in lines
    assert "answer" not in lines
    assert cost_of(proposal, stated(requests_per_day=500), around).api_reference == "maker/model"
    blind = cost_of(
        replace(proposal, speed=replace(proposal.speed, prefill_tok_s=None)), unnamed, around
    )
    assert blind.missing == ("prompt tokens per second here",)
