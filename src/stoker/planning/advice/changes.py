"""What would change the answer: each need changed in turn, and the answer looked up again.

Pure. Says which single change leads where; for a volume, from how many requests a day on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from stoker.core.advice import Answer, Change
from stoker.core.machine import Gpu, Machine
from stoker.core.needs import DataPlace, Needs, Operations, Quality, Stage
from stoker.planning.words import exact

Ask = Callable[[Needs, Machine], Answer]

MEMORY_FACTORS = (2, 4, 8, 16, 32, 64)
REQUESTS_MOST = 10_000_000.0
_VOLUMES = (10.0, 100.0, 1_000.0, 10_000.0, 100_000.0)
# Where more than REQUESTS_MOST are stated already, so many times as many are looked at.
_BEYOND = 100.0
_STEPS = 24

_DATA_WORDS = {
    DataPlace.MACHINE: "data had to stay on this machine",
    DataPlace.NETWORK: "data had to stay in your network",
    DataPlace.MIXED: "only some of the data had to stay",
    DataPlace.ANYWHERE: "data might go anywhere",
}
_LOWER_WORDS = {
    Quality.BASIC: "basic answers were enough",
    Quality.GOOD: "good answers were enough",
    Quality.BETTER: "answers a step below the best were enough",
}
_HIGHER_WORDS = {
    Quality.GOOD: "answers had to be good, not basic",
    Quality.BETTER: "answers had to be better than good",
    Quality.FRONTIER: "answers had to be the best there is",
}
_OPERATIONS_WORDS = {
    Operations.NONE: "nobody looked after a service",
    Operations.WEAK: "somebody looked after it at times",
    Operations.STRONG: "people who run services looked after it",
}
_STAGE_WORDS = {
    Stage.PROTOTYPE: "it were a prototype",
    Stage.PRODUCTION: "it went into production",
}
RESULTS = {
    Answer.LOCAL: "local",
    Answer.API: "an API",
    Answer.HYBRID: "a hybrid",
    Answer.CONTRADICTION: "the needs would contradict each other",
}


@dataclass(frozen=True, slots=True)
class Variation:
    """The case with one need changed; `words` follow an "if"."""

    need: str
    value: str
    words: str
    needs: Needs
    machine: Machine


def find_changes(
    needs: Needs, machine: Machine, now: Answer, ask: Ask, more: Sequence[Variation] = ()
) -> tuple[Change, ...]:
    """The single changes that lead to another answer than `now`; of like ones the smallest.

    `more` are variations of something that is neither a need nor the machine's memory.
    """
    groups = [*_groups(needs, machine), [*more]]
    single = [change for group in groups for change in _first_changes(group, now, ask)]
    volume = _volume_changes(needs, machine, now, ask)
    return tuple(sorted((*single, *volume), key=lambda one: _RANKS[one.need]))


def find_pairs(needs: Needs, machine: Machine, ask: Ask) -> tuple[Change, ...]:
    """Two needs that together get out of a contradiction; the mildest change of each."""
    found = []
    groups = [group for group in _groups(needs, machine) if group and group[0].need in _LOOSENED]
    for first, second in combinations(groups, 2):
        pairs = ((one, other) for one in first for other in second)
        for one, other in pairs:
            both = _combined(one, other, needs, machine)
            answer = ask(both.needs, both.machine)
            if answer is not Answer.CONTRADICTION:
                found.append(_change(both, answer))
                break
    return tuple(found)


_RANKS = {
    name: rank
    for rank, name in enumerate(
        ("data", "offline", "quality", "stage", "operations", "volume", "latency", "budget")
    )
} | {"memory": 8, "gpu": 9}
_LOOSENED = frozenset({"data", "offline", "quality", "latency", "budget", "memory"})


def _groups(needs: Needs, machine: Machine) -> list[list[Variation]]:
    """Variations of one need and direction each, the smallest change first."""
    return [
        [*_data(needs, machine)],
        [*_offline(needs, machine)],
        [*_lower_quality(needs, machine)],
        [*_higher_quality(needs, machine)],
        [*_right_answers(needs, machine)],
        [*_stage(needs, machine)],
        [*_operations(needs, machine)],
        [*_latency(needs, machine)],
        [*_budget(needs, machine)],
        [*_memory(needs, machine)],
    ]


def _first_changes(group: Sequence[Variation], now: Answer, ask: Ask) -> Iterator[Change]:
    """The first variation for each other answer."""
    seen = {now}
    for variation in group:
        answer = ask(variation.needs, variation.machine)
        if answer not in seen:
            seen.add(answer)
            yield _change(variation, answer)


def _change(variation: Variation, answer: Answer) -> Change:
    text = f"If {variation.words}: {RESULTS[answer]}."
    return Change(variation.need, variation.value, answer, text)


def _data(needs: Needs, machine: Machine) -> Iterator[Variation]:
    """Looser places in their order, then the stricter ones."""
    order = list(DataPlace)
    at = order.index(needs.data or DataPlace.ANYWHERE)
    for place in (*order[at + 1 :], *reversed(order[:at])):
        changed = replace(needs, data=place)
        yield Variation("data", place.value, _DATA_WORDS[place], changed, machine)


def _offline(needs: Needs, machine: Machine) -> Iterator[Variation]:
    words = "it need not work offline" if needs.offline else "it had to work offline"
    changed = replace(needs, offline=not needs.offline)
    yield Variation("offline", str(not needs.offline).lower(), words, changed, machine)


def _lower_quality(needs: Needs, machine: Machine) -> Iterator[Variation]:
    order = list(Quality)
    stated = needs.quality or Quality.GOOD
    for tier in reversed(order[: order.index(stated)]):
        changed = replace(needs, quality=tier)
        yield Variation("quality", tier.value, _LOWER_WORDS[tier], changed, machine)


def _higher_quality(needs: Needs, machine: Machine) -> Iterator[Variation]:
    order = list(Quality)
    stated = needs.quality or Quality.GOOD
    for tier in order[order.index(stated) + 1 :]:
        changed = replace(needs, quality=tier)
        yield Variation("quality", tier.value, _HIGHER_WORDS[tier], changed, machine)


def _right_answers(needs: Needs, machine: Machine) -> Iterator[Variation]:
    if needs.right_share_least is not None:
        changed = replace(needs, right_share_least=None)
        words = "fewer of your own tasks had to be right"
        yield Variation("quality", "right_share_least", words, changed, machine)


def _stage(needs: Needs, machine: Machine) -> Iterator[Variation]:
    for stage in Stage:
        if stage is not needs.stage:
            changed = replace(needs, stage=stage)
            yield Variation("stage", stage.value, _STAGE_WORDS[stage], changed, machine)


def _operations(needs: Needs, machine: Machine) -> Iterator[Variation]:
    for kind in Operations:
        if kind is not needs.operations:
            changed = replace(needs, operations=kind)
            words = _OPERATIONS_WORDS[kind]
            yield Variation("operations", kind.value, words, changed, machine)


def _latency(needs: Needs, machine: Machine) -> Iterator[Variation]:
    if needs.ttft_s_max is not None or needs.tok_s_min is not None:
        changed = replace(needs, ttft_s_max=None, tok_s_min=None)
        yield Variation("latency", "none", "nobody minded waiting", changed, machine)


def _budget(needs: Needs, machine: Machine) -> Iterator[Variation]:
    if needs.budget_usd_month is not None:
        changed = replace(needs, budget_usd_month=None)
        yield Variation("budget", "none", "the budget did not matter", changed, machine)


def _memory(needs: Needs, machine: Machine) -> Iterator[Variation]:
    for factor in MEMORY_FACTORS:
        words = f"the machine had {factor} times the memory"
        yield Variation("memory", f"x{factor}", words, needs, _with_memory(machine, factor))


def with_gpus(needs: Needs, machine: Machine, gpus: Sequence[Gpu]) -> Iterator[Variation]:
    """The machine computing on GPUs that it has and that are not used."""
    if gpus:
        names = " and ".join(dict.fromkeys(gpu.name for gpu in gpus))
        changed = replace(machine, gpus=(*machine.gpus, *gpus))
        yield Variation("gpu", names, f"the engine computed on {names}", needs, changed)


def _with_memory(machine: Machine, factor: int) -> Machine:
    """`machine` with more memory of each kind; what others use stays used."""
    return replace(
        machine,
        memory_total_bytes=machine.memory_total_bytes * factor,
        memory_available_bytes=machine.memory_available_bytes
        + machine.memory_total_bytes * (factor - 1),
        gpus=tuple(_with_gpu_memory(gpu, factor) for gpu in machine.gpus),
    )


def _with_gpu_memory(gpu: Gpu, factor: int) -> Gpu:
    return replace(
        gpu,
        memory_total_bytes=gpu.memory_total_bytes * factor,
        memory_free_bytes=gpu.memory_free_bytes + gpu.memory_total_bytes * (factor - 1),
    )


def _combined(one: Variation, other: Variation, needs: Needs, machine: Machine) -> Variation:
    """Both changes together; they are of different needs."""
    fields = {
        name: getattr(other.needs, name)
        for name in Needs.__dataclass_fields__
        if getattr(other.needs, name) != getattr(needs, name)
    }
    return Variation(
        one.need,
        f"{one.value}, {other.need} {other.value}",
        f"{one.words} and {other.words}",
        replace(one.needs, **fields),
        other.machine if other.machine is not machine else one.machine,
    )


def _volume_changes(needs: Needs, machine: Machine, now: Answer, ask: Ask) -> Iterator[Change]:
    """From how many requests a day on, or down to how many, the answer is another."""

    def asked(requests: float) -> Answer:
        return ask(replace(needs, requests_per_day=requests), machine)

    stated = needs.requests_per_day
    if stated is None:
        yield from _first_volume(needs, machine, now, ask)
        return
    most = max(REQUESTS_MOST, stated * _BEYOND)
    for far, side in ((most, "more"), (1.0, "fewer")):
        found = _threshold(max(stated, 1.0), far, now, asked)
        if found is not None:
            requests, answer = found
            words = f"about {exact(requests)} requests a day or {side} came"
            yield Change("volume", f"{requests:g}", answer, f"If {words}: {RESULTS[answer]}.")


def _first_volume(needs: Needs, machine: Machine, now: Answer, ask: Ask) -> Iterator[Change]:
    """Where no volume was stated: the first of some round ones with another answer."""
    group = [
        Variation(
            "volume",
            f"{requests:g}",
            f"{exact(requests)} requests a day were stated",
            replace(needs, requests_per_day=requests),
            machine,
        )
        for requests in _VOLUMES
    ]
    yield from _first_changes(group, now, ask)


def _threshold(
    near: float, far: float, now: Answer, asked: Callable[[float], Answer]
) -> tuple[float, Answer] | None:
    """The volume between `near` and `far` where the answer first changes, to two figures."""
    steps = max(1, math.ceil(abs(math.log10(far / near)) * 2)) if near != far else 0
    inside = near
    for step in range(1, steps + 1):
        outside = near * (far / near) ** (step / steps)
        if asked(outside) is not now:
            return _bisected(inside, outside, now, asked)
        inside = outside
    return None


def _bisected(
    inside: float, outside: float, now: Answer, asked: Callable[[float], Answer]
) -> tuple[float, Answer]:
    for _ in range(_STEPS):
        middle = math.sqrt(inside * outside)
        if asked(middle) is now:
            inside = middle
        else:
            outside = middle
    rounded = _round_away(outside, up=outside > inside)
    return rounded, asked(rounded)


def _round_away(value: float, *, up: bool) -> float:
    """Two significant figures, on the side where the answer is the other one already."""
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    unit = max(unit, 1.0)
    return (math.ceil(value / unit) if up else max(1, math.floor(value / unit))) * unit
