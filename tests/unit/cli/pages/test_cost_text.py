"""Costs are told with their parts, that of a million tokens, the prices' date and whose watts."""

from __future__ import annotations

from dataclasses import replace

from stoker.cli.pages.cost_text import cost_lines
from stoker.core.costs import Cost, CostPart, Enough, Latency, LocalCosts, MonthlyCost, Source
from stoker.core.estimate import Interval
from support.costing import straight_cost

COST = straight_cost(96, (0.01, 0.02, 0.04), 0.12, asked=500, most=(2000, 3000, 4000))


def told(cost: Cost) -> str:
    return "\n".join(cost_lines(cost))


def test_everything_is_told() -> None:
    assert told(COST).splitlines() == [
        "For 500 requests a day with 1,000 tokens of prompt and 300 of answer.",
        "Here: $101 to $116 a month, $5.11 to $5.87 for a million tokens (all $101 to $116).",
        "maker/model: $60 a month, $3.04 for a million tokens (all $60), prices of 2026-11-26.",
        "Above 870 to 1,200 requests a day this machine is the cheaper.",
        "Capacity is enough: it is quick.",
        "Power: 40 W idle and 180 W under load, as given.",
    ]


def test_without_a_volume_nothing_is_told() -> None:
    assert told(Cost(missing=("requests a day",))) == ""


def test_what_is_not_known_is_a_lower_bound_or_unknown() -> None:
    parts = (CostPart("a", Interval.exact(3)), CostPart("b", None, ("the b",)))
    partly = told(replace(COST, local=MonthlyCost(parts, 1e6)))
    assert "Here: at least $3.00 a month (a $3.00, b unknown)." in partly
    nothing = told(replace(COST, local=MonthlyCost(parts[1:], 1e6)))
    assert "Here: unknown (the b missing)." in nothing


def test_watts_that_were_read_make_a_lower_bound() -> None:
    power = CostPart("electricity", Interval.exact(3), source=Source.READ)
    read = replace(
        COST,
        local=MonthlyCost((power,), 1e6),
        running=LocalCosts(
            watts_idle=9,
            watts_load=30,
            watts_source=Source.READ,
            watts_note="processor package",
        ),
    )
    assert "Here: at least $3.00 a month, $3.00 for a million tokens" in told(read)
    assert "read of the processor package: the whole machine draws more" in told(read)


def test_capacity_is_told_with_the_latency() -> None:
    assert COST.capacity is not None
    slow = replace(COST.capacity, latency=Latency(Enough.SHORT, "the first token comes late"))
    assert "Capacity is short: it is quick; the first token comes late." in told(
        replace(COST, capacity=slow)
    )


def test_tokens_that_were_sent_before_are_told() -> None:
    assert COST.volume is not None
    volume = replace(COST.volume, cached_share=0.5)
    assert "1,000 tokens of prompt, 50% of it sent before, and 300" not in told(COST)
    assert "50% of it sent before" in told(replace(COST, volume=volume))
