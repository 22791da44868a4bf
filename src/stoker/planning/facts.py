"""A situation as named facts: what rules compare, and how sentences show it.

Pure. The names are those of `core.rules.VOCABULARY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from stoker.core.advice import Answer, ApiOption
from stoker.core.costs import ApiPrice, Enough, MonthlyCost
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.rules import VOCABULARY
from stoker.core.units import format_bytes, format_seconds
from stoker.planning.catalogue import reaches
from stoker.planning.situation import Situation
from stoker.planning.words import exact, number_span, rate_span, seconds_span, usd, usd_span

NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Fact:
    """`value` is what conditions compare, None for unknown; `shown` what sentences say."""

    value: str | float | None
    shown: str


Facts = Mapping[str, Fact]


def state_facts(situation: Situation, answer: Answer | None = None) -> dict[str, Fact]:
    """Every fact of the vocabulary, known or not."""
    facts = {
        **dict(_needs(situation)),
        **dict(_local(situation)),
        **dict(_api(situation)),
        **dict(_compared(situation)),
        "answer": _word(answer),
    }
    return {name: facts[name] for name in VOCABULARY}


def _needs(situation: Situation) -> Iterator[tuple[str, Fact]]:
    needs = situation.case.needs
    yield "data", _word(needs.data)
    yield "offline", _yes(needs.offline)
    yield "quality", _word(situation.quality)
    yield "stage", _word(needs.stage)
    yield "operations", _word(needs.operations)
    yield "tasks", _yes(situation.case.tasks)
    for name, figure in (
        ("requests_per_day", needs.requests_per_day),
        ("concurrency", needs.concurrency),
        ("context", needs.context),
    ):
        yield name, Fact(figure, NOT_STATED if figure is None else exact(figure))
    yield "ttft_s_max", _stated(needs.ttft_s_max, format_seconds)
    yield "tok_s_min", _stated(needs.tok_s_min, lambda value: f"{value:g} tokens/s")
    yield "budget_usd_month", _stated(needs.budget_usd_month, usd)


def _local(situation: Situation) -> Iterator[tuple[str, Fact]]:
    local = situation.local
    smallest = min(situation.options, key=lambda one: one.memory_bytes, default=None)
    yield "memory_available", _text(free_memory(situation.case.machine))
    yield "smallest_model", _text(smallest and smallest.name)
    yield "smallest_memory", _text(smallest and format_bytes(smallest.memory_bytes))
    yield "local_fits", _yes(local is not None)
    yield "local_tight", _yes(local and local.fit.value == "tight")
    yield "local_model", _text(local and f"{local.name} ({local.quantization})")
    yield "local_memory", _text(local and format_bytes(local.memory_bytes))
    yield "local_quality", _word(local and (local.tier or "unproven"))
    yield "local_reaches_quality", _yes(local and reaches(local.tier, situation.quality))
    yield "local_ttft_s", _interval(local and local.ttft_s, seconds_span)
    yield "local_tok_s", _interval(local and local.stream_tok_s, rate_span)
    yield "local_fast_enough", _word(situation.local_speed)
    capacity = situation.capacity
    known = capacity is not None and capacity.verdict is not Enough.UNKNOWN
    yield "local_capacity", _word(capacity.verdict if capacity and known else None)
    yield "local_capacity_why", _text(capacity and capacity.why)


def _api(situation: Situation) -> Iterator[tuple[str, Fact]]:
    api = situation.api
    price = api and api.price
    yield "api_model", _text(api.reference if api else "an endpoint")
    yield "api_reaches_quality", _yes(api is not None and reaches(api.tier, situation.quality))
    yield "api_fast_enough", _word(situation.api_speed)
    yield "api_ttft_s", _interval(api and api.ttft_s, seconds_span)
    yield "api_tok_s", _interval(_rate(api), rate_span)
    yield "api_price", _text(price and describe_price(price))
    yield "api_price_dated", _text(price and describe_source(price))


def _compared(situation: Situation) -> Iterator[tuple[str, Fact]]:
    local, api, even = situation.local_cost, situation.api_cost, situation.even
    budget = situation.case.needs.budget_usd_month
    yield "local_usd_month", _cost(local)
    yield "local_missing", _text(local and ", ".join(local.missing))
    yield "local_within_budget", _word(_within(local, budget))
    yield "api_usd_month", _cost(api)
    yield "api_within_budget", _word(_within(api, budget))
    yield "cheaper", _word(_cheaper(local, api))
    found = even and even.requests_per_day
    yield "break_even_requests_per_day", Fact(
        found and found.p50, number_span(found) if found else "no number of"
    )


def _cheaper(local: MonthlyCost | None, api: MonthlyCost | None) -> str | None:
    """Which costs less for certain; what is known of a cost is its lower bound."""
    if local is None or api is None:
        return None
    if api.total is not None and local.known.p10 > api.total.p90:
        return "api"
    if local.total is not None and api.known.p10 > local.total.p90:
        return "local"
    return None if local.total is None or api.total is None else "unclear"


def _within(cost: MonthlyCost | None, budget: float | None) -> str | None:
    if cost is None or budget is None:
        return None
    if cost.known.p10 > budget:
        return "no"
    if cost.total is None:
        return None
    return "yes" if cost.total.p90 <= budget else "unclear"


def _cost(cost: MonthlyCost | None) -> Fact:
    """The whole cost; where a part is unknown, no value, and its lower bound to be shown."""
    if cost is None:
        return Fact(None, "an unknown amount")
    if cost.total is None:
        return Fact(None, f"{usd_span(cost.known)} and what is not known")
    return Fact(cost.total.p50, usd_span(cost.total))


def describe_price(price: ApiPrice) -> str:
    """`$0.10 in and $0.50 out for a million tokens`, `unknown` for what is not known."""
    shown = [
        "unknown" if one is None else usd(one)
        for one in (price.input_usd_mtok, price.output_usd_mtok)
    ]
    return f"{shown[0]} in and {shown[1]} out for a million tokens"


def describe_source(price: ApiPrice) -> str:
    """Where a price comes from, as of when, and what it leaves out."""
    dated = f", checked until {price.dated}" if price.dated else ", no date"
    return f"{price.source}{dated}{f'; {price.note}' if price.note else ''}"


def free_memory(machine: Machine) -> str:
    """What is free, of the machine and of each GPU that has memory of its own."""
    own = [
        f"{format_bytes(gpu.memory_free_bytes)} on {gpu.name}"
        for gpu in machine.gpus
        if not gpu.integrated
    ]
    return " and ".join([format_bytes(machine.memory_available_bytes), *own])


def _rate(api: ApiOption | None) -> Interval | None:
    return api.tok_s if api else None


def _word(value: str | None) -> Fact:
    text = None if value is None else str(value)
    return Fact(text, text or NOT_STATED)


def _yes(value: object) -> Fact:
    """Yes or no; None is unknown."""
    return _word(None if value is None else "yes" if value else "no")


def _text(value: str | None) -> Fact:
    return Fact(value or None, value or "unknown")


def _stated(value: float | None, form: Callable[[float], str]) -> Fact:
    return Fact(value, NOT_STATED if value is None else form(value))


def _interval(value: Interval | None, form: Callable[[Interval], str]) -> Fact:
    return Fact(value and value.p50, "unknown" if value is None else form(value))
