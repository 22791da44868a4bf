"""Stated needs, as a plan uses them: are they consistent, may an API be asked, what does it cost.

Imports the prices only where a volume was stated.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.advice import Advice, Answer, ApiOption
from stoker.core.costs import Volume
from stoker.core.errors import ContradictoryNeedsError
from stoker.core.machine import Machine
from stoker.core.needs import DataPlace, Needs
from stoker.core.proposal import Alternative, ChangeKind, Cost, Proposal
from stoker.library.advising import advise_on, api_options
from stoker.library.constraints import Constraints
from stoker.library.surroundings import Surroundings
from stoker.planning.advice.situation import choose_api, with_assumed_watts
from stoker.planning.capacity import check_capacity
from stoker.planning.cost import (
    api_month,
    break_even,
    busy_seconds,
    fixed_month,
    local_month,
)
from stoker.published.judgement import load_judgement


@dataclass(frozen=True, slots=True)
class Stated:
    """Needs that somebody stated, with what things cost."""

    constraints: Constraints

    @property
    def needs(self) -> Needs:
        """The needs among them."""
        return self.constraints.to_needs()

    def check(self, around: Surroundings) -> Alternative | None:
        """The endpoint that may answer instead, None where requests may not leave.

        Raises:
            ContradictoryNeedsError: nothing meets the needs together; the hint is what to relax.
        """
        advice = advise_on(self.constraints, around)
        if advice.answer is Answer.CONTRADICTION:
            raise contradiction(advice)
        needs = self.needs
        if needs.offline or needs.data in {DataPlace.MACHINE, DataPlace.NETWORK}:
            return None
        if advice.api is None:
            return None
        part = ", for what may leave" if needs.data is DataPlace.MIXED else ""
        say = f"the endpoint {advice.api.reference}{part}, as `stoker advise` has it"
        return Alternative(ChangeKind.API, advice.api.reference, say, source="advice")


def contradiction(advice: Advice) -> ContradictoryNeedsError:
    """The error for needs that nothing meets, with what to relax."""
    relaxed = dict.fromkeys(change.need for change in advice.changes)
    hint = f"relax one of: {', '.join(relaxed)}" if relaxed else None
    return ContradictoryNeedsError(hint=hint)


def cost_of(proposal: Proposal, stated: Stated, machine: Machine) -> Cost:
    """What the stated volume costs here and at the endpoint; without a volume, what is missing."""
    constraints, judgement = stated.constraints, load_judgement()
    if constraints.requests_per_day is None:
        return Cost(missing=("requests a day, for the cost",))
    volume = Volume(
        constraints.requests_per_day,
        constraints.prompt_tokens or judgement.prompt_tokens,
        constraints.answer_tokens or judgement.answer_tokens,
        constraints.api.cached_share,
        judgement.days_per_month,
    )
    costs = with_assumed_watts(constraints.costs.to_core(), machine, judgement)
    api = _endpoint(constraints, volume)
    price = None if api is None else api.price
    busy = busy_seconds(volume, proposal.speed.total_tok_s, proposal.speed.prefill_tok_s)
    capacity = check_capacity(volume, busy, judgement, costs.hours_per_day)
    local, there = local_month(costs, volume, busy), api_month(price, volume)
    return Cost(
        volume_per_day=volume.requests_per_day,
        fixed_usd_month=fixed_month(costs, judgement.days_per_month),
        local=local,
        api=there,
        api_reference="" if api is None else api.reference,
        price_dated="" if price is None else price.dated,
        break_even=break_even(costs, price, volume, busy, capacity.requests_per_day_most),
        capacity=capacity,
        missing=tuple(dict.fromkeys((*local.missing, *there.missing))),
    )


def _endpoint(constraints: Constraints, volume: Volume) -> ApiOption | None:
    judgement = load_judgement()
    options = tuple(api_options(constraints, judgement))
    return choose_api(options, constraints.quality or judgement.quality, volume)
