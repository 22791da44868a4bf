"""From what power meters count to watts.

Pure. Owns wrapping counters, meters that come and go, and which of them together say the most of
a machine. How meters are read is `rapl`'s and `nvidia`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stoker.core.power import Power


class Sees(StrEnum):
    """What part of a machine a meter sees."""

    PLATFORM = "platform"
    PACKAGE = "processor package"
    MEMORY = "memory"
    GPU = "GPU"


@dataclass(frozen=True, slots=True)
class Meter:
    """One meter; its `name` is its own among those that see the same."""

    sees: Sees
    name: str


@dataclass(frozen=True, slots=True)
class Count:
    """What one meter showed at one instant.

    Either `energy_uj`, microjoules that it counted so far, beginning anew after `energy_uj_most`
    (None where that is not told); or `watts`, of a meter that does not count.
    """

    meter: Meter
    energy_uj: int | None = None
    energy_uj_most: int | None = None
    watts: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """All meters at one instant, and why others that are there could not be read."""

    at_s: float
    counts: tuple[Count, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """What each meter saw drawn between two readings."""

    seconds: float
    joules: Mapping[Meter, float]


def span_between(before: Reading, after: Reading) -> Span | None:
    """What was drawn from `before` to `after`; None where no time passed or no meter tells.

    A meter that is only in one of the two, or that went back and does not tell where it begins
    anew, says nothing of the span. One that wraps more than once goes unnoticed: read it within
    the minutes that the largest of machines take for it.
    """
    seconds = after.at_s - before.at_s
    if seconds <= 0:
        return None
    then = {count.meter: count for count in before.counts}
    joules = {
        now.meter: drawn
        for now in after.counts
        if now.meter in then and (drawn := _drawn_j(then[now.meter], now, seconds)) is not None
    }
    return Span(seconds, joules) if joules else None


def _drawn_j(before: Count, after: Count, seconds: float) -> float | None:
    if before.energy_uj is not None and after.energy_uj is not None:
        risen = after.energy_uj - before.energy_uj
        if risen < 0:
            if before.energy_uj_most is None or before.energy_uj_most < before.energy_uj:
                return None
            risen += before.energy_uj_most
        return risen / 1e6
    if before.watts is not None and after.watts is not None:
        return (before.watts + after.watts) / 2 * seconds
    return None


def mean_watts(spans: Sequence[Span]) -> dict[Meter, float]:
    """The mean power of each meter that tells of all `spans`."""
    if not spans:
        return {}
    seconds = sum(span.seconds for span in spans)
    meters = set(spans[0].joules).intersection(*(span.joules for span in spans[1:]))
    return {meter: sum(span.joules[meter] for span in spans) / seconds for meter in meters}


def power_of(idle: Sequence[Span], load: Sequence[Span]) -> Power:
    """What the meters saw of the machine, idle and under load.

    A platform's meter and the sum of the parts' are both lower bounds, so the larger counts. The
    processor does the work here: where no meter sees it, the others say nothing of it.
    """
    still, busy = mean_watts(idle), mean_watts(load)
    both = still.keys() & busy.keys()
    parts = frozenset(meter for meter in both if meter.sees is not Sees.PLATFORM)
    if not any(meter.sees is Sees.PACKAGE for meter in parts):
        parts = frozenset()
    groups = [parts, frozenset(meter for meter in both if meter.sees is Sees.PLATFORM)]
    if not any(groups):
        return Power(missing="no meter of the processor told its power all the time")
    chosen = max(groups, key=lambda group: _sum(busy, group))
    watts_idle, watts_load = _sum(still, chosen), _sum(busy, chosen)
    if watts_load <= watts_idle:
        return Power(missing="the power meters show no more under load than idle")
    return Power(
        watts_idle,
        watts_load,
        scope_of(chosen),
        sum(span.seconds for span in idle),
        sum(span.seconds for span in load),
    )


def scope_of(meters: Iterable[Meter]) -> str:
    """What `meters` see together: `2 processor packages, memory and GPU`."""
    seen = [meter.sees for meter in meters]
    words = [_counted(sees, seen.count(sees)) for sees in Sees if sees in seen]
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def _counted(sees: Sees, count: int) -> str:
    return sees.value if count == 1 or sees is Sees.MEMORY else f"{count} {sees.value}s"


def _sum(watts: Mapping[Meter, float], meters: Iterable[Meter]) -> float:
    return sum(watts[meter] for meter in meters)
