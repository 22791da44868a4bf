"""A situation as named facts: what rules compare, and how sentences show it.

Pure. The names are those of `core.rules.VOCABULARY`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from stoker.core.advice import Answer, ApiOption, LocalOption, OwnTasks
from stoker.core.costs import ApiPrice, BreakEven, Enough, MonthlyCost
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.plan import Verdict
from stoker.core.rules import VOCABULARY
from stoker.core.units import format_bytes, format_seconds
from stoker.planning.advice.situation import Situation
from stoker.planning.advice.tried import good_enough
from stoker.planning.catalogue import reaches
from stoker.planning.words import exact, number_span, rate_span, seconds_span, usd, usd_span

NOT_STATED = "not stated"


@dataclass(frozen=True, slots=True)
class Fact:
    """`value` is what conditions compare, None for unknown; `shown` what sentences say."""

    value: str | float | None
    shown: str


UNKNOWN = Fact(None, "unknown")
Facts = Mapping[str, Fact]


def state_facts(situation: Situation, answer: Answer | None = None) -> dict[str, Fact]:
    """Every fact of the vocabulary, known or not."""
    facts = {
        **dict(_needs(situation)),
        **dict(_choice(situation)),
        **dict(_local(situation.local, situation)),
        **dict(_api(situation.api, situation)),
        **dict(_compared(situation)),
        "answer": _word(answer),
    }
    return {name: facts.get(name, UNKNOWN) for name in VOCABULARY}


def _needs(situation: Situation) -> Iterator[tuple[str, Fact]]:
    needs = situation.case.needs
    yield "data", _word(needs.data)
    yield "offline", _yes(needs.offline)
    yield "quality", _word(situation.quality)
    yield "stage", _word(needs.stage)
    yield "operations", _word(needs.operations)
    yield "tasks", _yes(situation.case.tasks)
    yield "right_share_least", _share_wanted(situation)
    yield "requests_per_day", _stated(needs.requests_per_day, exact)
    yield "concurrency", _stated(needs.concurrency, exact)
    yield "context", _stated(needs.context, exact)
    yield "local_share", _stated(needs.local_share, lambda value: f"{value:.0%}")
    yield "ttft_s_max", _stated(needs.ttft_s_max, format_seconds)
    yield "tok_s_min", _stated(needs.tok_s_min, lambda value: f"{value:g} tokens/s")
    yield "budget_usd_month", _stated(needs.budget_usd_month, usd)


def _choice(situation: Situation) -> Iterator[tuple[str, Fact]]:
    yield "local_lacking", _text(_lacking(situation))
    yield "memory_available", _text(free_memory(situation.case.machine))
    yield "gpus_idle", _text(", ".join(gpu.name for gpu in situation.case.gpus_idle))
    yield "local_fits", _yes(situation.local is not None)
    yield "compare_command", _text(situation.case.compare_command)
    yield "tried_best", _text(_best(situation.options))
    yield "api_reaches_quality", _word(_api_reaches(situation))
    yield "api_model", _text("an endpoint" if situation.api is None else situation.api.reference)
    cost = situation.cost
    for place, capacity in (("local", cost.capacity), ("hybrid", cost.hybrid_capacity)):
        if capacity is not None:
            yield f"{place}_capacity_why", _text(capacity.why)
        if capacity is not None and capacity.verdict is not Enough.UNKNOWN:
            yield f"{place}_capacity", _word(capacity.verdict)


def _lacking(situation: Situation) -> str:
    """Why no model fits, where none does: memory, or a context that none was made for."""
    smallest = min(situation.options, key=lambda one: one.memory_bytes, default=None)
    if smallest is None:
        return f"none takes {exact(situation.case.needs.context or 0)} tokens of context"
    free = free_memory(situation.case.machine)
    needs = format_bytes(smallest.memory_bytes)
    return f"the smallest, {smallest.name}, needs {needs}, and {free} is free"


def _local(local: LocalOption | None, situation: Situation) -> Iterator[tuple[str, Fact]]:
    if local is None:
        return
    yield "local_tight", _yes(local.fit is Verdict.TIGHT)
    yield "local_model", _text(f"{local.name} ({local.quantization})")
    yield "local_memory", _text(format_bytes(local.memory_bytes))
    yield "local_quality", _word(local.tier or "unproven")
    share = situation.case.right_share_least
    yield "local_reaches_quality", _yes(good_enough(local, situation.quality, share))
    yield "local_ttft_s", _interval(local.ttft_s, seconds_span)
    yield "local_tok_s", _interval(local.stream_tok_s, rate_span)
    yield "local_fast_enough", _word(situation.local_speed)
    if local.own is not None:
        yield "local_enough", _word(situation.local_enough)
        yield "local_right", Fact(local.own.share, describe_answers(local.own))
        yield "local_made", _yes(bool(local.own.made_of))
        command = f"stoker quantize {local.own.made_of} --to {local.quantization.lower()}"
        yield "local_make", _text(command if local.own.made_of else None)


def describe_answers(own: OwnTasks) -> str:
    """How a model did: `355 of your 360 tasks right (97 % to 100 %), measured on 2026-11-26`."""
    span = f"{own.low:.0%} to {own.high:.0%}"
    return f"{own.right} of your {own.total} tasks right ({span}), measured on {own.day}"


def _best(options: Sequence[LocalOption]) -> str | None:
    """Of those that were tried the one with the most right answers, the smallest of several."""
    tried = [(one, one.own) for one in options if one.own is not None]
    if not tried:
        return None
    best, own = min(tried, key=lambda pair: (-pair[1].share, pair[0].memory_bytes))
    return f"{best.name} ({best.quantization}) with {own.right} of {own.total}"


def _share_wanted(situation: Situation) -> Fact:
    """What was stated; where nobody did, what is assumed is shown and decides nothing by itself."""
    stated, used = situation.case.needs.right_share_least, situation.case.right_share_least
    return Fact(stated, f"{used:.0%}" if stated is not None else f"{used:.0%} (assumed)")


def _api_reaches(situation: Situation) -> str | None:
    """Whether the endpoint is good enough; not known where nobody judged it."""
    if situation.api is None:
        return "no"
    if situation.api.tier is None:
        return None
    return "yes" if reaches(situation.api.tier, situation.quality) else "no"


def _api(api: ApiOption | None, situation: Situation) -> Iterator[tuple[str, Fact]]:
    if api is None:
        return
    yield "api_fast_enough", _word(situation.api_speed)
    yield "api_ttft_s", _interval(api.ttft_s, seconds_span)
    yield "api_tok_s", _interval(api.tok_s, rate_span)
    yield "api_near", Fact(None, f" (near names: {', '.join(api.near)})" if api.near else "")
    if api.price is not None:
        yield "api_price", _text(describe_price(api.price))
        yield "api_price_dated", _text(describe_source(api.price))


def _compared(situation: Situation) -> Iterator[tuple[str, Fact]]:
    cost = situation.cost
    local, api, even = cost.local, cost.api, cost.break_even
    budget = situation.case.needs.budget_usd_month
    yield "local_usd_month", _cost(local)
    yield "api_usd_month", _cost(api)
    if (hybrid := situation.cost.hybrid) is not None:
        yield "hybrid_usd_month", _cost(hybrid)
        yield "hybrid_within_budget", _word(_within(hybrid, budget))
    if local is not None:
        yield "local_missing", _text(", ".join(local.missing))
        yield "local_within_budget", _word(_within(local, budget))
    if api is not None:
        yield "api_within_budget", _word(_within(api, budget))
    if local is not None and api is not None:
        yield "cheaper", _word(_cheaper(local, api))
    if even is not None:
        yield "break_even", _text(describe_break_even(even))
    if even is not None and even.requests_per_day is not None:
        yield (
            "break_even_requests_per_day",
            Fact(even.requests_per_day.p50, number_span(even.requests_per_day)),
        )


def _cheaper(local: MonthlyCost, api: MonthlyCost) -> str | None:
    """Which costs less for certain; what is known of a cost is its lower bound."""
    if api.total is not None and local.known.p10 > api.total.p90:
        return "api"
    if local.total is not None and api.known.p10 > local.total.p90:
        return "local"
    return None if local.total is None or api.total is None else "unclear"


def describe_break_even(even: BreakEven) -> str:
    """From which volume on a machine is the cheaper, or why there is none."""
    if even.requests_per_day is None:
        return f"break-even {even.reason}"
    found = number_span(even.requests_per_day)
    return f"above {found} requests a day this machine is the cheaper"


def _within(cost: MonthlyCost, budget: float | None) -> str | None:
    if budget is None:
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
    dated = f"{price.source} as of {price.dated}" if price.dated else f"{price.source}, no date"
    return f"{dated}; {price.note}" if price.note else dated


def free_memory(machine: Machine) -> str:
    """What is free, of the machine and of each GPU that has memory of its own."""
    own = [
        f"{format_bytes(gpu.memory_free_bytes)} on {gpu.name}"
        for gpu in machine.gpus
        if not gpu.integrated
    ]
    return " and ".join([format_bytes(machine.memory_available_bytes), *own])


def _word(value: str | None) -> Fact:
    text = None if value is None else str(value)
    return Fact(text, text or NOT_STATED)


def _yes(value: bool) -> Fact:
    return _word("yes" if value else "no")


def _text(value: str | None) -> Fact:
    return Fact(value or None, value or "unknown")


def _stated(value: float | None, form: Callable[[float], str]) -> Fact:
    return Fact(value, NOT_STATED if value is None else form(value))


def _interval(value: Interval | None, form: Callable[[Interval], str]) -> Fact:
    return UNKNOWN if value is None else Fact(value.p50, form(value))
