"""Stated needs, as a plan uses them: are they consistent, may an API be asked, what does it cost.

Imports the prices only where a volume was stated.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from stoker.core.advice import Advice, Answer
from stoker.core.costs import Cost
from stoker.core.errors import ContradictoryNeedsError
from stoker.core.model import Task
from stoker.core.needs import DataPlace, Needs
from stoker.core.proposal import Alternative, ChangeKind, Proposal
from stoker.library.judging.advising import advise_on, api_options
from stoker.library.judging.constraints import Constraints
from stoker.library.judging.surroundings import Surroundings
from stoker.planning.advice.situation import choose_api
from stoker.planning.stakes import Stakes, compare_costs
from stoker.planning.watts import with_watts
from stoker.published.judgement import load_judgement


@dataclass(frozen=True, slots=True)
class StatedNeeds:
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
        if needs.data is None:
            part = ", if data may leave, which nobody stated"
        say = f"the endpoint {advice.api.reference}{part}, as `stoker advise` has it"
        return Alternative(ChangeKind.API, advice.api.reference, say, source="advice")


def contradiction(advice: Advice) -> ContradictoryNeedsError:
    """The error for needs that nothing meets, with what to relax."""
    relaxed = dict.fromkeys(change.need for change in advice.changes)
    hint = f"relax one of: {', '.join(relaxed)}" if relaxed else None
    return ContradictoryNeedsError(hint=hint)


def cost_of(proposal: Proposal, stated: StatedNeeds, around: Surroundings) -> Cost:
    """What the stated volume costs there and at the endpoint; without a volume, what is missing."""
    constraints, needs, judgement = stated.constraints, stated.needs, load_judgement()
    if needs.requests_per_day is None:
        return Cost(missing=("requests a day, for the cost",))
    running = with_watts(constraints.costs.to_core(), around.machine, judgement, around.power)
    embeds = proposal.plan.model.facts.task is Task.EMBED
    stakes = Stakes(needs, running, judgement, constraints.api.cached_share, embeds)
    # The endpoints that the judgement proposes write answers: none stands for a model of vectors.
    is_comparable = not embeds or constraints.api.model is not None
    options = tuple(api_options(constraints, judgement)) if is_comparable else ()
    api = choose_api(options, needs.quality or judgement.quality, stakes.volume)
    # What is wanted of an answer is wanted of as many at a time as the plan's targets say.
    rates = proposal.speed
    for target in proposal.targets:
        if target.name == "tok_s_min":
            rates = replace(rates, stream_tok_s=target.expected)
    cost = compare_costs(stakes, api, rates)
    return cost if is_comparable else replace(cost, break_even=None, hybrid=None)
