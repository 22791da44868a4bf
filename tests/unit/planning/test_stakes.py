"""Plans and advice weigh the same figures the same way, and half of it goes missing alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.advice import ApiOption, LocalOption
from stoker.core.costs import ApiPrice, Enough, LocalCosts, Volume
from stoker.core.estimate import Interval
from stoker.core.needs import Needs, Quality
from stoker.core.plan import Verdict
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.planning.stakes import Stakes, compare_costs
from stoker.published.judgement import load_judgement

JUDGEMENT = load_judgement()
RUNNING = LocalCosts(
    purchase_usd=1800,
    watts_idle=40,
    watts_load=240,
    usd_per_kwh=0.25,
    person_hours_month=1,
    usd_per_person_hour=50,
)
API = ApiOption("maker/model", Quality.GOOD, ApiPrice("maker/model", 1.0, 4.0, dated="2026-11-26"))
RATES = {
    "ttft_s": Interval(0.5, 1.0, 2.0),
    "stream_tok_s": Interval(10, 15, 20),
    "total_tok_s": Interval(40, 60, 80),
    "prefill_tok_s": Interval(300, 500, 700),
}
SPEED = Speed(Occasion(streams=4), SpeedSource.CALIBRATION, **RATES)
OPTION = LocalOption("m", "Q4_K_M", Quality.GOOD, 1, Verdict.FITS, **RATES)
NEEDS = Needs(requests_per_day=1000, prompt_tokens=1000, answer_tokens=250, concurrency=4)
STAKES = Stakes(NEEDS, RUNNING, JUDGEMENT)


def test_a_plan_and_advice_with_the_same_speeds_cost_the_same() -> None:
    assert compare_costs(STAKES, API, SPEED) == compare_costs(STAKES, API, OPTION)


def test_everything_of_both_sides_is_there() -> None:
    cost = compare_costs(STAKES, API, SPEED)
    assert cost.local is not None
    assert cost.api is not None
    assert cost.local.usd_per_mtok is not None
    assert cost.api.usd_per_mtok is not None
    assert cost.break_even is not None
    assert cost.capacity is not None
    assert cost.capacity.utilisation is not None
    assert cost.price is not None
    assert (cost.price.dated, cost.api_reference, cost.missing) == ("2026-11-26", "maker/model", ())


def test_the_curves_go_through_the_months_and_cross_at_the_break_even() -> None:
    cost = compare_costs(STAKES, API, SPEED)
    assert cost.local_curve is not None
    assert cost.api_curve is not None
    assert cost.local is not None
    assert cost.api is not None
    here, there = cost.local_curve, cost.api_curve
    assert here.at(1000).p50 == pytest.approx(cost.local.known.p50)
    assert there.at(1000).p50 == pytest.approx(cost.api.known.p50)
    assert cost.break_even is not None
    even = cost.break_even.requests_per_day
    assert even is not None
    assert here.at(even.p50).p50 == pytest.approx(there.at(even.p50).p50)


def test_without_a_model_that_runs_only_the_api_is_told() -> None:
    cost = compare_costs(STAKES, API, None)
    assert cost.api is not None
    assert (cost.local, cost.local_curve, cost.break_even, cost.capacity) == (None,) * 4


def test_without_an_endpoint_only_the_machine_is_told() -> None:
    cost = compare_costs(STAKES, None, SPEED)
    assert cost.local is not None
    assert (cost.api, cost.api_curve, cost.price) == (None, None, None)
    assert cost.break_even is not None
    assert "price" in cost.break_even.reason


def test_an_unknown_price_or_figure_has_no_curve_and_is_missing() -> None:
    dark = replace(STAKES, running=replace(RUNNING, usd_per_kwh=None))
    cost = compare_costs(dark, replace(API, price=None), SPEED)
    assert (cost.local_curve, cost.api_curve) == (None, None)
    assert "the price of a kWh" in cost.missing
    assert "the price of input tokens" in cost.missing


@pytest.mark.parametrize(
    ("needs", "serves"),
    [
        ({}, Enough.ENOUGH),
        ({"ttft_s_max": 3.0, "tok_s_min": 5.0}, Enough.ENOUGH),
        ({"ttft_s_max": 1.5}, Enough.UNCLEAR),
        ({"ttft_s_max": 0.1}, Enough.SHORT),
        ({"tok_s_min": 50.0}, Enough.SHORT),
    ],
)
def test_capacity_is_within_the_latency_that_is_wanted(
    needs: dict[str, float], serves: Enough
) -> None:
    cost = compare_costs(replace(STAKES, needs=replace(NEEDS, **needs)), API, SPEED)
    assert cost.capacity is not None
    assert cost.capacity.verdict is Enough.ENOUGH
    assert cost.capacity.serves is serves
    assert (cost.capacity.latency is None) == (not needs)


def test_what_a_volume_lacks_is_the_judgements() -> None:
    assert Stakes(Needs(), RUNNING, JUDGEMENT, 0.5).volume == Volume(
        1.0,
        JUDGEMENT.prompt_tokens,
        JUDGEMENT.answer_tokens,
        0.5,
        JUDGEMENT.days_per_month,
    )
    assert Stakes(Needs(requests_per_day=0), RUNNING, JUDGEMENT).volume.requests_per_day == 0


def test_the_speed_that_is_missing_is_the_one_that_is_named() -> None:
    """Of a GPU it is often known how fast answers are and not how fast prompts are read."""
    unread = compare_costs(STAKES, API, replace(OPTION, prefill_tok_s=None))
    unknown = compare_costs(STAKES, API, replace(OPTION, prefill_tok_s=None, total_tok_s=None))
    named = ((unread, "prompt tokens per second here"), (unknown, "tokens per second here"))
    for cost, name in named:
        assert cost.capacity is not None
        assert cost.missing == cost.capacity.missing == (name,)
        assert cost.capacity.why == f"{name} are not known"
