"""Costs rise with their parts, agree at the break-even, and are unknown where a part is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stoker.core.costs import ApiPrice, CostPart, LocalCosts, MonthlyCost, Source, Volume
from stoker.core.estimate import Interval
from stoker.planning.cost import api_month, break_even, busy_seconds, local_month

COSTS = LocalCosts(
    purchase_usd=1800,
    months=36,
    watts_idle=40,
    watts_load=240,
    usd_per_kwh=0.25,
    hours_per_day=24,
    person_hours_month=1,
    usd_per_person_hour=50,
)
PRICE = ApiPrice("maker/model", 1.0, 4.0, 0.1)
VOLUME = Volume(1000, 1000, 250, days_per_month=30)
BUSY = Interval(2.0, 3.0, 4.5)

MONEY = st.floats(0, 1e5)
POSITIVE = st.floats(1e-3, 1e4)


@st.composite
def local_costs(draw: st.DrawFn) -> LocalCosts:
    idle = draw(st.floats(0, 1000))
    return LocalCosts(
        purchase_usd=draw(MONEY),
        months=draw(st.floats(1, 120)),
        watts_idle=idle,
        watts_load=idle + draw(st.floats(0, 3000)),
        usd_per_kwh=draw(st.floats(0, 2)),
        hours_per_day=draw(st.floats(1, 24)),
        person_hours_month=draw(st.floats(0, 200)),
        usd_per_person_hour=draw(st.floats(0, 500)),
    )


prices = st.builds(ApiPrice, st.just("a/b"), POSITIVE, POSITIVE, POSITIVE)
volumes = st.builds(
    Volume, st.floats(0, 1e7), st.floats(1, 1e5), st.floats(1, 1e5), st.floats(0, 1)
)
busy = st.tuples(POSITIVE, POSITIVE, POSITIVE).map(lambda three: Interval(*sorted(three)))


def test_a_month_here_is_purchase_power_and_a_person() -> None:
    month = local_month(COSTS, VOLUME, BUSY)
    # 1800/36; 40 W * 720 h; 200 W * 25 h (30 000 requests of 3 s); 1 h of a person.
    parts = [part.usd.p50 for part in month.parts if part.usd is not None]
    assert parts == pytest.approx([50, 7.2 + 0.2 * 25 * 0.25, 50])
    assert month.total.p50 == pytest.approx(108.45)
    assert month.usd_per_mtok.p50 == pytest.approx(108.45 / 37.5)
    assert month.total.p10 < month.total.p50 < month.total.p90


def test_a_month_at_an_api_is_input_and_output() -> None:
    month = api_month(PRICE, VOLUME)
    assert month.total.p50 == pytest.approx(30 * 1.0 + 7.5 * 4.0)
    assert month.usd_per_mtok.p50 == pytest.approx(60 / 37.5)


def test_what_was_sent_before_has_its_own_price() -> None:
    month = api_month(PRICE, replace(VOLUME, cached_share=0.5))
    assert month.total.p50 == pytest.approx(15 * 1.0 + 15 * 0.1 + 30)


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        ("purchase_usd", "the machine's price"),
        ("watts_idle", "watts idle"),
        ("watts_load", "watts under load"),
        ("usd_per_kwh", "the price of a kWh"),
        ("person_hours_month", "the hours of a person"),
        ("usd_per_person_hour", "what a person's hour costs"),
    ],
)
def test_an_unknown_figure_makes_the_cost_unknown_and_never_less(name: str, missing: str) -> None:
    costs = replace(COSTS, **{name: None})
    month = local_month(costs, VOLUME, BUSY)
    assert (month.total, month.usd_per_mtok, month.missing) == (None, None, (missing,))
    assert 0 < month.known.p50 < local_month(COSTS, VOLUME, BUSY).total.p50
    assert missing in break_even(costs, PRICE, VOLUME, BUSY).reason


def test_an_unknown_speed_makes_the_cost_unknown() -> None:
    assert local_month(COSTS, VOLUME, None).missing == ("tokens per second here",)
    assert "tokens per second" in break_even(COSTS, PRICE, VOLUME, None).reason


@pytest.mark.parametrize("price", [None, ApiPrice("a/b", None, 4.0), ApiPrice("a/b", 1.0, None)])
def test_an_unknown_price_is_unknown_and_never_0(price: ApiPrice | None) -> None:
    month = api_month(price, VOLUME)
    assert month.total is None
    assert any("price" in name for name in month.missing)
    assert break_even(COSTS, price, VOLUME, BUSY).requests_per_day is None


def test_the_price_of_cached_tokens_is_asked_for_only_where_there_are_any() -> None:
    price = replace(PRICE, cached_input_usd_mtok=None)
    assert api_month(price, VOLUME).total is not None
    assert api_month(price, replace(VOLUME, cached_share=0.1)).total is None


def test_a_person_who_costs_nothing_needs_no_hours() -> None:
    costs = replace(COSTS, usd_per_person_hour=0.0, person_hours_month=None)
    assert local_month(costs, VOLUME, BUSY).missing == ()


def test_assumed_watts_are_marked() -> None:
    month = local_month(replace(COSTS, watts_source=Source.ASSUMED), VOLUME, BUSY)
    assert [part.source for part in month.parts if part.name == "electricity"] == [Source.ASSUMED]


@given(local_costs(), volumes, busy, st.floats(1, 1000))
def test_more_requests_never_cost_less_here(
    costs: LocalCosts, volume: Volume, busy_s: Interval, factor: float
) -> None:
    more = replace(volume, requests_per_day=volume.requests_per_day * factor)
    few, many = local_month(costs, volume, busy_s).total, local_month(costs, more, busy_s).total
    assert few.p10 <= many.p10 * (1 + 1e-9)
    assert few.p90 <= many.p90 * (1 + 1e-9)


@given(local_costs(), volumes, busy, st.sampled_from(["purchase_usd", "usd_per_kwh", "watts_load"]))
def test_a_dearer_machine_never_costs_less(
    costs: LocalCosts, volume: Volume, busy_s: Interval, name: str
) -> None:
    dearer = replace(costs, **{name: getattr(costs, name) * 2})
    assert local_month(costs, volume, busy_s).total.p50 <= local_month(
        dearer, volume, busy_s
    ).total.p50 * (1 + 1e-9)


@given(prices, volumes, st.floats(1, 100))
def test_an_api_costs_in_proportion_to_the_volume(
    price: ApiPrice, volume: Volume, factor: float
) -> None:
    more = replace(volume, requests_per_day=volume.requests_per_day * factor)
    assert api_month(price, more).total.p50 == pytest.approx(
        api_month(price, volume).total.p50 * factor
    )


@given(local_costs(), prices, volumes, busy)
def test_at_the_break_even_both_cost_the_same(
    costs: LocalCosts, price: ApiPrice, volume: Volume, busy_s: Interval
) -> None:
    even = break_even(costs, price, volume, busy_s)
    assume(even.requests_per_day is not None)
    at = replace(volume, requests_per_day=even.requests_per_day.p50)
    busy_h = at.requests_per_month * busy_s.p50 / 3600
    assume(busy_h <= costs.hours_per_day * at.days_per_month)
    here, there = local_month(costs, at, busy_s).total.p50, api_month(price, at).total.p50
    assert here == pytest.approx(there, rel=1e-6, abs=1e-6)
    assert even.tokens_per_month.p50 == pytest.approx(at.tokens_per_month)


@given(local_costs(), prices, volumes, busy, st.floats(1.01, 100))
def test_a_dearer_api_brings_the_break_even_nearer(
    costs: LocalCosts, price: ApiPrice, volume: Volume, busy_s: Interval, factor: float
) -> None:
    dearer = replace(
        price,
        input_usd_mtok=price.input_usd_mtok * factor,
        output_usd_mtok=price.output_usd_mtok * factor,
        cached_input_usd_mtok=price.cached_input_usd_mtok * factor,
    )
    near, far = (break_even(costs, one, volume, busy_s) for one in (dearer, price))
    if far.requests_per_day is not None:
        assert near.requests_per_day.p50 <= far.requests_per_day.p50 * (1 + 1e-9)


def test_there_is_no_break_even_where_power_costs_more_than_the_api() -> None:
    cheap = ApiPrice("a/b", 0.0001, 0.0001)
    even = break_even(COSTS, cheap, VOLUME, BUSY)
    assert even.requests_per_day is None
    assert even.reason.startswith("never")


def test_there_is_no_break_even_above_what_the_machine_can_serve() -> None:
    most = Interval.exact(100.0)
    even = break_even(COSTS, PRICE, VOLUME, BUSY, most)
    assert even.requests_per_day is None
    assert "serves about 100" in even.reason


def test_a_slow_machine_may_never_be_the_cheaper_one() -> None:
    even = break_even(COSTS, PRICE, VOLUME, Interval(2.0, 3.0, 1e6))
    assert math.isinf(even.requests_per_day.p90)
    assert math.isfinite(even.requests_per_day.p50)


def test_a_request_keeps_the_machine_busy_for_its_prompt_and_its_answer() -> None:
    speed = Interval(10, 20, 40)
    both = busy_seconds(VOLUME, speed, Interval.exact(500))
    assert (both.p10, both.p50, both.p90) == pytest.approx((8.25, 14.5, 27.0))
    assert busy_seconds(VOLUME, None, speed) is None
    assert busy_seconds(VOLUME, speed, None) is None
    assert busy_seconds(replace(VOLUME, prompt_tokens=0), speed, None).p50 == pytest.approx(12.5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"purchase_usd": -1},
        {"months": 0},
        {"hours_per_day": 25},
        {"watts_idle": 100, "watts_load": 50},
    ],
)
def test_impossible_costs_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"below|months"):
        LocalCosts(**wrong)


def test_less_than_a_token_a_month_has_no_cost_of_a_million() -> None:
    month = MonthlyCost((CostPart("input", Interval.exact(0.0)),), 1e-320)
    assert month.usd_per_mtok is None
