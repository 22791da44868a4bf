"""What a month costs here and at an API, and from which volume on here is the cheaper.

Pure. A cost with an unknown part is unknown; the known parts are its lower bound.
"""

from __future__ import annotations

import math
from dataclasses import replace

from stoker.core.costs import (
    ApiPrice,
    BreakEven,
    CostCurve,
    CostPart,
    LocalCosts,
    MonthlyCost,
    Volume,
)
from stoker.core.estimate import Interval
from stoker.planning.words import number

NOTHING = Interval.exact(0.0)
_UNKNOWN_PRICE = ApiPrice("", None, None)


def busy_seconds(
    volume: Volume, total_tok_s: Interval | None, prefill_tok_s: Interval | None
) -> Interval | None:
    """Seconds that one request keeps the machine busy, its share of what runs beside it.

    Prompts at `prefill_tok_s` and answers at `total_tok_s`, both of all concurrent requests
    together. None when a speed is unknown. That parts of prompts repeat is not counted here: it
    can only make the machine faster.
    """
    is_unknown = total_tok_s is None and volume.answer_tokens
    if is_unknown or (prefill_tok_s is None and volume.prompt_tokens):
        return None
    answer = Interval.exact(0.0)
    if total_tok_s is not None:
        answer = total_tok_s.inverse().scaled(volume.answer_tokens)
    if prefill_tok_s is None:
        return answer
    return prefill_tok_s.inverse().scaled(volume.prompt_tokens) + answer


def local_month(costs: LocalCosts, volume: Volume, busy_s: Interval | None) -> MonthlyCost:
    """What a month of `volume` costs on this machine."""
    return MonthlyCost(
        (_purchase(costs), _electricity(costs, volume, busy_s), _person(costs)),
        volume.tokens_per_month,
    )


def local_curve(costs: LocalCosts, volume: Volume, busy_s: Interval | None) -> CostCurve | None:
    """What requests like `volume`'s cost here, by how many there are; None for a missing figure."""
    fixed, each = _fixed_and_each(costs, volume, busy_s)
    return None if fixed.usd is None or each.usd is None else CostCurve(fixed.usd, each.usd)


def api_curve(price: ApiPrice | None, volume: Volume) -> CostCurve | None:
    """The same at an API."""
    each = api_month(price, _one_a_day(volume)).total
    return None if each is None else CostCurve(NOTHING, each)


def api_month(price: ApiPrice | None, volume: Volume) -> MonthlyCost:
    """What a month of `volume` costs at an API; tokens that were sent before have their price."""
    price = price or _UNKNOWN_PRICE
    prompt = volume.requests_per_month * volume.prompt_tokens
    cached = prompt * volume.cached_share
    parts = [
        _tokens("input", prompt - cached, price.input_usd_mtok),
        _tokens("output", volume.requests_per_month * volume.answer_tokens, price.output_usd_mtok),
    ]
    if cached:
        parts.append(_tokens("cached input", cached, price.cached_input_usd_mtok))
    return MonthlyCost(tuple(parts), volume.tokens_per_month)


def hybrid_month(
    costs: LocalCosts,
    price: ApiPrice | None,
    volume: Volume,
    busy_s: Interval | None,
    local_share: float | None,
) -> MonthlyCost:
    """What a month costs where `local_share` of the requests are answered here, the rest at an API.

    The machine is paid for whatever its share. Where the share is not known the cost reaches from
    the cheapest share to the dearest one.
    """
    if local_share is not None:
        here = local_month(costs, volume.part(local_share), busy_s)
        there = api_month(price, volume.part(1 - local_share))
        return MonthlyCost((*here.parts, *there.parts), volume.tokens_per_month)
    whose = costs.watts_source
    idle = _idle(costs, volume.days_per_month)
    idle = replace(idle, name="electricity when idle", source=whose)
    split = replace(_any_share(costs, price, volume, busy_s), source=whose)
    return MonthlyCost((_purchase(costs), idle, _person(costs), split), volume.tokens_per_month)


def _any_share(
    costs: LocalCosts, price: ApiPrice | None, volume: Volume, busy_s: Interval | None
) -> CostPart:
    """What requests cost beyond what is paid anyhow, whatever the share that is answered here.

    It changes evenly with the share until the machine is busy all the time: the ends and that share
    hold all others.
    """
    on_h = costs.hours_per_day * volume.days_per_month
    api, load = api_month(price, volume), _load(costs, volume, busy_s, hours_most=on_h)
    missing = tuple(dict.fromkeys((*load.missing, *api.missing)))
    if api.total is None or load.usd is None or busy_s is None:
        return CostPart("requests", None, missing)
    asked_h = busy_s.p90 * volume.requests_per_month / 3600
    full = min(1.0, on_h / asked_h) if asked_h else 1.0
    highest = load.usd.p90 + api.total.p90 * (1 - full)
    low, high = min(load.usd.p10, api.total.p10), max(api.total.p90, highest)
    return CostPart("requests", Interval(low, (load.usd.p50 + api.total.p50) / 2, high))


def break_even(
    costs: LocalCosts,
    price: ApiPrice | None,
    volume: Volume,
    busy_s: Interval | None,
    most: Interval | None = None,
) -> BreakEven:
    """The requests a day from which on this machine is the cheaper, for requests like `volume`'s.

    `most` is what the machine can serve in a day: a break-even above its middle is none. Both
    costs rise linearly: local = fixed + slope * requests, api = slope * requests.
    """
    one = _one_a_day(volume)
    api = api_month(price, one)
    fixed, slope = _fixed_and_each(costs, volume, busy_s)
    missing = dict.fromkeys((*api.missing, *fixed.missing, *slope.missing))
    if missing or api.total is None or fixed.usd is None or slope.usd is None:
        return BreakEven(None, None, f"not known: {', '.join(missing)} missing")
    found = Interval(
        _crossing(fixed.usd.p10, api.total.p10, slope.usd.p10),
        _crossing(fixed.usd.p50, api.total.p50, slope.usd.p50),
        _crossing(fixed.usd.p90, api.total.p90, slope.usd.p90),
    )
    if not math.isfinite(found.p50):
        return BreakEven(None, None, "never: a request costs no more at the API than power here")
    if most is not None and found.p50 > most.p50:
        return BreakEven(
            None,
            None,
            f"never: it would take {number(found.p50)} requests a day, "
            f"and this machine serves about {number(most.p50)}",
        )
    return BreakEven(found, found.scaled(one.tokens_per_month))


def _one_a_day(volume: Volume) -> Volume:
    return replace(volume, requests_per_day=1.0)


def _fixed_and_each(
    costs: LocalCosts, volume: Volume, busy_s: Interval | None
) -> tuple[CostPart, CostPart]:
    """What a month here costs when nobody asks anything, and with each request a day more."""
    each = _load(costs, _one_a_day(volume), busy_s, hours_most=math.inf)
    return _fixed(costs, volume.days_per_month), each


def _crossing(fixed: float, api: float, slope: float) -> float:
    return fixed / (api - slope) if api > slope else math.inf


def _tokens(name: str, count: float, usd_mtok: float | None) -> CostPart:
    if usd_mtok is None:
        return CostPart(f"{name} tokens", None, (f"the price of {name} tokens",))
    return CostPart(f"{name} tokens", Interval.exact(count * usd_mtok / 1e6))


def _purchase(costs: LocalCosts) -> CostPart:
    if costs.purchase_usd is None:
        return CostPart("purchase", None, ("the machine's price",))
    return CostPart("purchase", Interval.exact(costs.purchase_usd / costs.months))


def _person(costs: LocalCosts) -> CostPart:
    missing = [
        name
        for name, figure in (
            ("the hours of a person", costs.person_hours_month),
            ("what a person's hour costs", costs.usd_per_person_hour),
        )
        if figure is None
    ]
    if 0.0 in {costs.person_hours_month, costs.usd_per_person_hour}:
        return CostPart("person", NOTHING)
    if costs.person_hours_month is None or costs.usd_per_person_hour is None:
        return CostPart("person", None, tuple(missing))
    return CostPart("person", Interval.exact(costs.person_hours_month * costs.usd_per_person_hour))


def _electricity(costs: LocalCosts, volume: Volume, busy_s: Interval | None) -> CostPart:
    """Idle power for every hour that the machine is on, and what load adds while it answers.

    It answers for no more hours than it is on.
    """
    idle = _idle(costs, volume.days_per_month)
    on_h = costs.hours_per_day * volume.days_per_month
    load = _load(costs, volume, busy_s, hours_most=on_h)
    missing = tuple(dict.fromkeys((*idle.missing, *load.missing)))
    usd = None if idle.usd is None or load.usd is None else idle.usd + load.usd
    return CostPart("electricity", usd, missing, costs.watts_source)


def _fixed(costs: LocalCosts, days_per_month: float) -> CostPart:
    """What a month costs when nobody asks anything."""
    parts = (_purchase(costs), _idle(costs, days_per_month), _person(costs))
    whole = MonthlyCost(parts, 0.0)
    return CostPart("fixed", whole.total, whole.missing)


def _idle(costs: LocalCosts, days_per_month: float) -> CostPart:
    missing = _missing_power(costs)
    if missing or costs.watts_idle is None or costs.usd_per_kwh is None:
        return CostPart("idle", None, missing)
    hours = costs.hours_per_day * days_per_month
    return CostPart("idle", Interval.exact(costs.watts_idle / 1000 * hours * costs.usd_per_kwh))


def _load(
    costs: LocalCosts, volume: Volume, busy_s: Interval | None, *, hours_most: float
) -> CostPart:
    """What load adds to idle power while the machine is busy with `volume`."""
    missing = _missing_power(costs)
    if busy_s is None:
        missing = (*missing, costs.speed_unknown)
    if missing or busy_s is None or costs.watts_load is None or costs.usd_per_kwh is None:
        return CostPart("load", None, missing)
    per_hour = (costs.watts_load - (costs.watts_idle or 0.0)) / 1000 * costs.usd_per_kwh
    asked = busy_s.scaled(volume.requests_per_month / 3600)
    hours = (min(end, hours_most) for end in (asked.p10, asked.p50, asked.p90))
    return CostPart("load", Interval(*hours).scaled(per_hour))


def _missing_power(costs: LocalCosts) -> tuple[str, ...]:
    return tuple(
        name
        for name, figure in (
            ("watts idle", costs.watts_idle),
            ("watts under load", costs.watts_load),
            ("the price of a kWh", costs.usd_per_kwh),
        )
        if figure is None
    )
