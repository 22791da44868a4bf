"""This machine against an API for one volume: what plans and advice say of costs, in one place.

Pure. Owns which figures go together; each is `cost`'s or `capacity`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from stoker.core.advice import ApiOption
from stoker.core.costs import Capacity, Cost, LocalCosts, MonthlyCost, Volume
from stoker.core.estimate import Interval
from stoker.core.judgement import Judgement
from stoker.core.needs import Needs
from stoker.planning.capacity import check_capacity, check_latency
from stoker.planning.cost import (
    api_curve,
    api_month,
    break_even,
    busy_seconds,
    hybrid_month,
    local_curve,
    local_month,
)


class Rates(Protocol):
    """The speeds of a model at the planned concurrency; a `Speed` and a `LocalOption` have them."""

    @property
    def ttft_s(self) -> Interval | None:
        """Seconds to the first token."""

    @property
    def stream_tok_s(self) -> Interval | None:
        """Tokens a second of each answer."""

    @property
    def total_tok_s(self) -> Interval | None:
        """Tokens a second of all of them together."""

    @property
    def prefill_tok_s(self) -> Interval | None:
        """Tokens a second of prompts."""


@dataclass(frozen=True, slots=True)
class Stakes:
    """What is weighed, whoever would answer: the needs and what running this machine costs.

    `cached_share` of each prompt was sent before. A model that `embeds` writes no answer.
    """

    needs: Needs
    running: LocalCosts
    judgement: Judgement
    cached_share: float = 0.0
    embeds: bool = False

    @property
    def volume(self) -> Volume:
        """What is asked, of one request a day where none were stated.

        What nobody stated of a request is the judgement's.
        """
        needs, judgement = self.needs, self.judgement
        return Volume(
            requests_per_day=1.0 if needs.requests_per_day is None else needs.requests_per_day,
            prompt_tokens=needs.prompt_tokens or judgement.prompt_tokens,
            answer_tokens=0 if self.embeds else needs.answer_tokens or judgement.answer_tokens,
            cached_share=self.cached_share,
            days_per_month=judgement.days_per_month,
        )


def compare_costs(stakes: Stakes, api: ApiOption | None, rates: Rates | None) -> Cost:
    """What the volume costs at `api`, and on a machine that runs a model at `rates`.

    None of one leaves out its half, and what compares the two.
    """
    volume = stakes.volume
    found = Cost(volume=volume, running=stakes.running)
    if api is not None:
        found = replace(
            found,
            api=api_month(api.price, volume),
            api_curve=api_curve(api.price, volume),
            api_reference=api.reference,
            price=api.price,
        )
    if rates is not None:
        found = _with_machine(found, stakes, rates)
    return replace(found, missing=_missing(found.local, found.api))


def capacity_of(stakes: Stakes, volume: Volume, rates: Rates) -> Capacity:
    """Whether a machine that runs a model at `rates` serves `volume`."""
    busy = busy_seconds(volume, rates.total_tok_s, rates.prefill_tok_s)
    return check_capacity(volume, busy, stakes.judgement, _with_unknown(stakes, rates))


def _with_unknown(stakes: Stakes, rates: Rates) -> LocalCosts:
    """What running costs, with the speed that `rates` lack: of prompts, where answers are known."""
    answers = rates.total_tok_s is not None or stakes.embeds
    if not answers or rates.prefill_tok_s is not None:
        return stakes.running
    return replace(stakes.running, speed_unknown="prompt tokens per second here")


def _with_machine(found: Cost, stakes: Stakes, rates: Rates) -> Cost:
    volume, running = stakes.volume, _with_unknown(stakes, rates)
    busy = busy_seconds(volume, rates.total_tok_s, rates.prefill_tok_s)
    capacity, share = capacity_of(stakes, volume, rates), stakes.needs.local_share
    latency = check_latency(rates.ttft_s, rates.stream_tok_s, stakes.needs)
    most = capacity.requests_per_day_most
    return replace(
        found,
        local=local_month(running, volume, busy),
        hybrid=hybrid_month(running, found.price, volume, busy, share),
        hybrid_capacity=None if share is None else capacity_of(stakes, volume.part(share), rates),
        local_curve=local_curve(running, volume, busy),
        break_even=break_even(running, found.price, volume, busy, most),
        capacity=replace(capacity, latency=latency),
    )


def _missing(*months: MonthlyCost | None) -> tuple[str, ...]:
    names = (name for month in months if month is not None for name in month.missing)
    return tuple(dict.fromkeys(names))
