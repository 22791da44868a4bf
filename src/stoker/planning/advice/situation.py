"""The facts that rules are held against: needs, what the machine can do, what an API costs.

Pure. Chooses the local model and the endpoint that are compared. What nobody stated or measured
is None and stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stoker.core.advice import ApiOption, LocalOption
from stoker.core.costs import (
    BreakEven,
    Capacity,
    Enough,
    LocalCosts,
    MonthlyCost,
    Source,
    Volume,
)
from stoker.core.judgement import Judgement
from stoker.core.machine import Gpu, Machine
from stoker.core.needs import Needs, Quality
from stoker.planning.capacity import check_capacity, fast_enough
from stoker.planning.catalogue import rank, reaches
from stoker.planning.cost import api_month, break_even, busy_seconds, hybrid_month, local_month

Estimate = Callable[[Needs, Machine], Sequence[LocalOption]]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that advice is asked with. `estimate` says how models would run on a machine.

    `tasks` says whether there is a file of the user's own tasks. `unstated` are needs that nobody
    stated and that have a value nevertheless. `gpus_idle` are there and not used, because the
    engine that is installed computes on the processor; they are not among the machine's.
    """

    needs: Needs
    machine: Machine
    estimate: Estimate
    apis: tuple[ApiOption, ...]
    judgement: Judgement
    costs: LocalCosts = field(default_factory=LocalCosts)
    cached_share: float = 0.0
    tasks: bool = False
    unstated: frozenset[str] = frozenset()
    gpus_idle: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """A case with what follows from it, before any rule is asked."""

    case: Case
    quality: Quality
    options: tuple[LocalOption, ...]
    local: LocalOption | None
    api: ApiOption | None
    volume: Volume | None
    capacity: Capacity | None = None
    local_cost: MonthlyCost | None = None
    api_cost: MonthlyCost | None = None
    hybrid_cost: MonthlyCost | None = None
    hybrid_capacity: Capacity | None = None
    even: BreakEven | None = None

    @property
    def local_speed(self) -> str | None:
        """Whether the local model is fast enough: `yes`, `no`, `unclear`, or not known."""
        return None if self.local is None else _speed(self.local, self.case.needs)

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
    options = tuple(case.estimate(needs, case.machine))
    volume = _volume(case)
    local = choose_local(options, needs, quality, lambda one: _strain(one, volume, case))
    api = choose_api(case.apis, quality, volume or _one_request(case))
    seen = Situation(case, quality, options, local, api, volume)
    return seen if volume is None else _with_costs(seen, volume)


def _with_costs(seen: Situation, volume: Volume) -> Situation:
    """`seen` with what `volume` means for the machine and the purse."""
    case, local = seen.case, seen.local
    price = None if seen.api is None else seen.api.price
    api_cost = None if seen.api is None else api_month(price, volume)
    if local is None:
        return replace(seen, api_cost=api_cost)
    busy = busy_seconds(volume, local.total_tok_s, local.prefill_tok_s)
    capacity = _capacity(local, volume, case)
    return replace(
        seen,
        capacity=capacity,
        local_cost=local_month(case.costs, volume, busy),
        api_cost=api_cost,
        hybrid_cost=hybrid_month(case.costs, price, volume, busy, case.needs.local_share),
        hybrid_capacity=_share_capacity(local, volume, case),
        even=break_even(case.costs, price, volume, busy, capacity.requests_per_day_most),
    )


def choose_local(
    options: Sequence[LocalOption],
    needs: Needs,
    quality: Quality,
    strain: Callable[[LocalOption], int] = lambda _: 0,
) -> LocalOption | None:
    """The smallest model that fits, is good enough, is fast enough and serves the volume.

    `strain` is 0 for one that serves it, 2 for one that cannot and 1 where that is not clear. Where
    none is good enough, the best that fits; where none fits, None.
    """

    def troubles(one: LocalOption) -> tuple[int, int]:
        found = (_slowness(one, needs), strain(one))
        return max(found), sum(found)

    usable = [one for one in options if one.fit.usable]
    good = [one for one in usable if reaches(one.tier, quality)]
    if good:
        return min(good, key=lambda one: (*troubles(one), one.memory_bytes))
    return min(usable, key=lambda one: (-rank(one.tier), one.memory_bytes), default=None)


def choose_api(apis: Sequence[ApiOption], quality: Quality, volume: Volume) -> ApiOption | None:
    """The cheapest that is good enough and has a price; else the best there is."""
    good = [one for one in apis if reaches(one.tier, quality)]
    if good:
        return min(good, key=lambda one: (*_dearness(one, volume), rank(one.tier)))
    return max(apis, key=lambda one: rank(one.tier), default=None)


def with_assumed_watts(
    costs: LocalCosts, machine: Machine, judgement: Judgement, gpus_idle: Sequence[Gpu] = ()
) -> LocalCosts:
    """`costs` with the judgement's watts where none were given; the source says so.

    A figure that was given stays: load adds to given idle watts what it adds in the judgement, and
    idle watts are at most the load that was given.
    """
    idle, load = costs.watts_idle, costs.watts_load
    if idle is not None and load is not None:
        return costs
    own = any(not gpu.integrated for gpu in (*machine.gpus, *gpus_idle))
    watts = judgement.watts_gpu if own else judgement.watts_cpu
    assumed = tuple(name for name, one in (("idle", idle), ("load", load)) if one is None)
    if idle is None:
        idle = watts.idle if load is None else min(watts.idle, load)
    if load is None:
        load = idle + watts.load - watts.idle
    return replace(
        costs,
        watts_idle=idle,
        watts_load=load,
        watts_source=Source.ASSUMED,
        watts_assumed=assumed,
    )


def _speed(option: LocalOption | ApiOption, needs: Needs) -> str | None:
    rate = option.stream_tok_s if isinstance(option, LocalOption) else option.tok_s
    return fast_enough(option.ttft_s, rate, needs.ttft_s_max, needs.tok_s_min)


def _capacity(option: LocalOption, volume: Volume, case: Case) -> Capacity:
    busy = busy_seconds(volume, option.total_tok_s, option.prefill_tok_s)
    return check_capacity(volume, busy, case.judgement, case.costs.hours_per_day)


def _share_capacity(option: LocalOption, volume: Volume, case: Case) -> Capacity | None:
    """Whether the machine serves the share that must stay; None where that was not stated."""
    share = case.needs.local_share
    return None if share is None else _capacity(option, volume.part(share), case)


def _strain(option: LocalOption, volume: Volume | None, case: Case) -> int:
    """How little `option` is up to the volume: 0 if it serves it, 2 if it cannot."""
    if volume is None:
        return 0
    verdict = _capacity(option, volume, case).verdict
    return {Enough.ENOUGH: 0, Enough.SHORT: 2}.get(verdict, 1)


def _slowness(option: LocalOption, needs: Needs) -> int:
    order: Mapping[str | None, int] = {"yes": 0, "unclear": 1, None: 1, "no": 2}
    return order[_speed(option, needs)]


def _dearness(option: ApiOption, volume: Volume) -> tuple[bool, float]:
    total = api_month(option.price, volume).total
    return total is None, 0.0 if total is None else total.p50


def _volume(case: Case) -> Volume | None:
    if case.needs.requests_per_day is None:
        return None
    return replace(_one_request(case), requests_per_day=case.needs.requests_per_day)


def _one_request(case: Case) -> Volume:
    judgement = case.judgement
    return Volume(
        requests_per_day=1.0,
        prompt_tokens=case.needs.prompt_tokens or judgement.prompt_tokens,
        answer_tokens=case.needs.answer_tokens or judgement.answer_tokens,
        cached_share=case.cached_share,
        days_per_month=judgement.days_per_month,
    )
