"""The facts that rules are held against: needs, what the machine can do, what an API costs.

Pure. Chooses the local model and the endpoint that are compared. What nobody stated or measured
is None and stays None.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stoker.core.advice import ApiOption, LocalOption
from stoker.core.costs import BreakEven, Capacity, LocalCosts, MonthlyCost, Source, Volume
from stoker.core.judgement import Judgement
from stoker.core.machine import Machine
from stoker.core.needs import Needs, Quality
from stoker.planning.advice.tried import Tried, enough, good_enough, with_tried
from stoker.planning.capacity import check_capacity, fast_enough
from stoker.planning.catalogue import rank, reaches
from stoker.planning.cost import api_month, break_even, busy_seconds, local_month

Estimate = Callable[[Needs, Machine], Sequence[LocalOption]]


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that advice is asked with. `estimate` says how models would run on a machine.

    `tasks` says whether there is a file of the user's own tasks, `tried` are the models that were
    compared on it, and `compare_command` is the command that would compare them.
    """

    needs: Needs
    machine: Machine
    estimate: Estimate
    apis: tuple[ApiOption, ...]
    judgement: Judgement
    costs: LocalCosts = field(default_factory=LocalCosts)
    cached_share: float = 0.0
    tasks: bool = False
    tried: tuple[Tried, ...] = ()
    compare_command: str = ""

    @property
    def right_share_least(self) -> float:
        """The share of the user's tasks that must be right, stated or assumed."""
        stated = self.needs.right_share_least
        return self.judgement.right_share_least if stated is None else stated


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
    even: BreakEven | None = None

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
    local = choose_local(options, needs, quality, case.right_share_least)
    volume = _volume(case)
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
    capacity = check_capacity(volume, busy, case.judgement, case.costs.hours_per_day)
    return replace(
        seen,
        capacity=capacity,
        local_cost=local_month(case.costs, volume, busy),
        api_cost=api_cost,
        even=break_even(case.costs, price, volume, busy, capacity.requests_per_day_most),
    )


def choose_local(
    options: Sequence[LocalOption], needs: Needs, quality: Quality, share_least: float
) -> LocalOption | None:
    """The smallest model that fits, is good enough and is fast enough.

    One that the user's own tasks show to be enough goes before one that only its size speaks for.
    Where none is good enough, the best that fits; where none fits, None.
    """

    def found(one: LocalOption) -> str | None:
        return enough(one, share_least)

    usable = [one for one in options if one.fit.usable]
    good = [one for one in usable if good_enough(one, quality, share_least)]
    if good:
        return min(good, key=lambda one: (_slowness(one, needs), found(one) != "yes", _size(one)))
    return min(
        usable, key=lambda one: (found(one) == "no", -rank(one.tier), _size(one)), default=None
    )


def choose_api(apis: Sequence[ApiOption], quality: Quality, volume: Volume) -> ApiOption | None:
    """The cheapest that is good enough and has a price; else the best there is."""
    good = [one for one in apis if reaches(one.tier, quality)]
    if good:
        return min(good, key=lambda one: (*_dearness(one, volume), rank(one.tier)))
    return max(apis, key=lambda one: rank(one.tier), default=None)


def with_assumed_watts(costs: LocalCosts, machine: Machine, judgement: Judgement) -> LocalCosts:
    """`costs` with the judgement's watts where none were given; the source says so."""
    if costs.watts_idle is not None and costs.watts_load is not None:
        return costs
    own = any(not gpu.integrated for gpu in machine.gpus)
    watts = judgement.watts_gpu if own else judgement.watts_cpu
    return replace(costs, watts_idle=watts.idle, watts_load=watts.load, watts_source=Source.ASSUMED)


def _speed(option: LocalOption | ApiOption, needs: Needs) -> str | None:
    rate = option.stream_tok_s if isinstance(option, LocalOption) else option.tok_s
    return fast_enough(option.ttft_s, rate, needs.ttft_s_max, needs.tok_s_min)


def _size(option: LocalOption) -> int:
    return option.memory_bytes


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
