"""The facts that rules are held against: needs, what the machine can do, what an API costs.

Pure. Chooses the local model and the endpoint that are compared. What nobody stated or measured
is None and stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stoker.core.advice import ApiOption, LocalOption
from stoker.core.costs import Cost, Enough, LocalCosts, Volume
from stoker.core.judgement import Judgement
from stoker.core.machine import Gpu, Machine
from stoker.core.needs import Needs, Quality
from stoker.planning.advice.tried import Tried, enough, good_enough, with_tried
from stoker.planning.capacity import fast_enough
from stoker.planning.catalogue import rank, reaches
from stoker.planning.cost import api_month
from stoker.planning.stakes import Stakes, capacity_of, compare_costs

EstimateOptions = Callable[[Needs, Machine], Sequence[LocalOption]]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that advice is asked with. `estimate` says how models would run on a machine.

    `tasks` says whether there is a file of the user's own tasks, `tried` are the models that were
    compared on it, and `compare_command` is the command that would compare them. `unstated` are
    needs that nobody stated and that have a value nevertheless, and `endpoint_named` says whether
    somebody chose the endpoint. `gpus_idle` are there and not used,
    because the engine that is installed computes on the processor: the machine is without them.
    """

    needs: Needs
    machine: Machine
    estimate: EstimateOptions
    apis: tuple[ApiOption, ...]
    judgement: Judgement
    costs: LocalCosts = field(default_factory=LocalCosts)
    cached_share: float = 0.0
    tasks: bool = False
    tried: tuple[Tried, ...] = ()
    compare_command: str = ""
    unstated: frozenset[str] = frozenset()
    endpoint_named: bool = False
    gpus_idle: tuple[Gpu, ...] = ()

    @property
    def right_share_least(self) -> float:
        """The share of the user's tasks that must be right, stated or assumed."""
        stated = self.needs.right_share_least
        return self.judgement.right_share_least if stated is None else stated


@dataclass(frozen=True, slots=True)
class Situation:
    """A case with what follows from it, before any rule is asked.

    Nothing costs anything where no volume was stated.
    """

    case: Case
    quality: Quality
    options: tuple[LocalOption, ...]
    local: LocalOption | None
    api: ApiOption | None
    cost: Cost = field(default_factory=Cost)

    @property
    def local_speed(self) -> str | None:
        """Whether the local model is fast enough: `yes`, `no`, `unclear`, or not known."""
        return None if self.local is None else _speed(self.local, self.case.needs)

    @property
    def local_enough(self) -> str | None:
        """Whether the local model is enough on the user's tasks; None where it was not tried."""
        return None if self.local is None else enough(self.local, self.case.right_share_least)

    @property
    def api_speed(self) -> str | None:
        """The same of the endpoint."""
        return None if self.api is None else _speed(self.api, self.case.needs)


def with_case(case: Case, needs: Needs, machine: Machine) -> Case:
    """`case` with other needs and another machine."""
    return replace(case, needs=needs, machine=machine)


def look_at(case: Case) -> Situation:
    """What follows from `case`."""
    needs, judgement = case.needs, case.judgement
    quality = needs.quality or judgement.quality
    estimated = case.estimate(needs, case.machine)
    options = with_tried(estimated, case.tried, needs, case.machine, judgement)
    stakes = Stakes(needs, case.costs, judgement, case.cached_share)
    local = choose_local(
        options, needs, quality, case.right_share_least, lambda one: _strain(one, stakes)
    )
    api = choose_api(case.apis, quality, stakes.volume)
    seen = Situation(case, quality, options, local, api)
    if needs.requests_per_day is None:
        return seen
    return replace(seen, cost=compare_costs(stakes, api, local))


def choose_local(
    options: Sequence[LocalOption],
    needs: Needs,
    quality: Quality,
    share_least: float,
    strain: Callable[[LocalOption], int] = lambda _: 0,
) -> LocalOption | None:
    """The smallest model that fits, is good enough, is fast enough and serves the volume.

    `strain` is 0 for one that serves it, 2 for one that cannot and 1 where that is not clear. One
    that the user's own tasks show to be enough goes before one that only its size speaks for. Where
    none is good enough, the best that fits; where none fits, None.
    """

    def found(one: LocalOption) -> str | None:
        return enough(one, share_least)

    def troubles(one: LocalOption) -> tuple[int, int]:
        both = (_slowness(one, needs), strain(one))
        return max(both), sum(both)

    usable = [one for one in options if one.fit.usable]
    good = [one for one in usable if good_enough(one, quality, share_least)]
    if good:
        return min(good, key=lambda one: (*troubles(one), found(one) != "yes", one.memory_bytes))
    return min(
        usable,
        key=lambda one: (found(one) == "no", -rank(one.tier), one.memory_bytes),
        default=None,
    )


def choose_api(apis: Sequence[ApiOption], quality: Quality, volume: Volume) -> ApiOption | None:
    """The cheapest that is good enough and has a price; else the best there is."""
    good = [one for one in apis if reaches(one.tier, quality)]
    if good:
        return min(good, key=lambda one: (*_dearness(one, volume), rank(one.tier)))
    return max(apis, key=lambda one: rank(one.tier), default=None)


def _speed(option: LocalOption | ApiOption, needs: Needs) -> str | None:
    rate = option.stream_tok_s if isinstance(option, LocalOption) else option.tok_s
    return fast_enough(option.ttft_s, rate, needs.ttft_s_max, needs.tok_s_min)


def _strain(option: LocalOption, stakes: Stakes) -> int:
    """How little `option` is up to the volume: 0 if it serves it, 2 if it cannot."""
    if stakes.needs.requests_per_day is None:
        return 0
    verdict = capacity_of(stakes, stakes.volume, option).verdict
    return {Enough.ENOUGH: 0, Enough.SHORT: 2}.get(verdict, 1)


def _slowness(option: LocalOption, needs: Needs) -> int:
    order: Mapping[str | None, int] = {"yes": 0, "unclear": 1, None: 1, "no": 2}
    return order[_speed(option, needs)]


def _dearness(option: ApiOption, volume: Volume) -> tuple[bool, float]:
    total = api_month(option.price, volume).total
    return total is None, 0.0 if total is None else total.p50
