"""Costs for tests of what shows them: both curves straight, and what follows from them."""

from __future__ import annotations

from stoker.core.costs import (
    ApiPrice,
    BreakEven,
    Capacity,
    Cost,
    CostCurve,
    CostPart,
    Enough,
    LocalCosts,
    MonthlyCost,
    Volume,
)
from stoker.core.estimate import Interval

TOKENS = 1300


def straight_cost(
    fixed: float,
    each: tuple[float, float, float],
    api: float,
    asked: float,
    most: tuple[float, float, float] | None = None,
) -> Cost:
    """`fixed` dollars a month here and `each` for a request a day; at the API `api` for each."""
    here = CostCurve(Interval.exact(fixed), Interval(*each))
    there = CostCurve(Interval.exact(0.0), Interval.exact(api))
    tokens = asked * TOKENS * 30.4
    crossing = None
    if api > each[2]:
        crossing = Interval(*sorted(fixed / (api - one) for one in each))
    return Cost(
        volume=Volume(asked, 1000, 300),
        running=LocalCosts(watts_idle=40, watts_load=180),
        local=MonthlyCost((CostPart("all", here.at(asked)),), tokens),
        api=MonthlyCost((CostPart("all", there.at(asked)),), tokens),
        local_curve=here,
        api_curve=there,
        api_reference="maker/model",
        price=ApiPrice("maker/model", 1.0, 2.0, dated="2026-11-26"),
        break_even=BreakEven(crossing, crossing, "" if crossing else "never: it costs more"),
        capacity=Capacity(
            Enough.ENOUGH, None, None if most is None else Interval(*most), "it is quick"
        ),
    )
