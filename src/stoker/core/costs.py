"""What answers cost: what is put in, and what comes out. Money is in US dollars.

What is not known is None and stays unknown: it is never counted as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from stoker.core.estimate import Interval


class Source(StrEnum):
    """Where a figure comes from."""

    READ = "read"  # from a meter of this machine
    GIVEN = "given"  # somebody stated it
    ASSUMED = "assumed"  # a judgement that can be changed


@dataclass(frozen=True, slots=True)
class LocalCosts:
    """What running a machine costs.

    The purchase is spread over `months`; the machine is on for `hours_per_day`, and draws
    `watts_load` while it answers and `watts_idle` otherwise. `watts_source` is the weaker source of
    the two; `watts_note` says what was read of the machine, or why nothing was, and `watts_filled`
    names which of the two (`idle`, `load`) were not given. `person_hours_month` is what somebody
    spends on looking after it. `speed_unknown` names the speed without which nobody knows how long
    a request keeps it busy.

    Raises:
        ValueError: a figure is below 0, there are no months or hours, or load draws less than
            idle.
    """

    purchase_usd: float | None = None
    months: float = 36.0
    watts_idle: float | None = None
    watts_load: float | None = None
    watts_source: Source = Source.GIVEN
    watts_note: str = ""
    watts_filled: tuple[str, ...] = ()
    usd_per_kwh: float | None = None
    hours_per_day: float = 24.0
    person_hours_month: float | None = None
    usd_per_person_hour: float | None = None
    speed_unknown: str = "tokens per second here"

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            if isinstance(value, float | int) and value < 0:
                raise ValueError(f"{name} is below 0")
        if not self.months or not 0 < self.hours_per_day <= 24:
            raise ValueError("there are no months, or not 0 to 24 hours a day")
        if (self.watts_load or 0.0) < (self.watts_idle or 0.0) and self.watts_load is not None:
            raise ValueError("watts_load is below watts_idle")


@dataclass(frozen=True, slots=True)
class ApiPrice:
    """Dollars for a million tokens of one model behind an API.

    `dated` is the day for which the prices hold as far as their `source` knows, ISO 8601, or
    empty. `note` says what the three figures leave out.
    """

    reference: str
    input_usd_mtok: float | None
    output_usd_mtok: float | None
    cached_input_usd_mtok: float | None = None
    dated: str = ""
    source: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """How much is asked. `cached_share` of the prompt was sent before (0 to 1)."""

    requests_per_day: float
    prompt_tokens: float
    answer_tokens: float
    cached_share: float = 0.0
    days_per_month: float = 30.4

    def part(self, share: float) -> Volume:
        """That share of the requests, 0 to 1."""
        return replace(self, requests_per_day=self.requests_per_day * share)

    @property
    def requests_per_month(self) -> float:
        """Requests in an average month."""
        return self.requests_per_day * self.days_per_month

    @property
    def tokens_per_month(self) -> float:
        """Tokens of prompts and answers in an average month."""
        return self.requests_per_month * (self.prompt_tokens + self.answer_tokens)


@dataclass(frozen=True, slots=True)
class CostPart:
    """One part of a month's cost; `usd` is None when a figure is `missing`.

    `source` is where the least certain of its figures comes from.
    """

    name: str
    usd: Interval | None
    missing: tuple[str, ...] = ()
    source: Source = Source.GIVEN


@dataclass(frozen=True, slots=True)
class MonthlyCost:
    """A month's cost in its parts, for `tokens` tokens."""

    parts: tuple[CostPart, ...]
    tokens: float

    @property
    def missing(self) -> tuple[str, ...]:
        """The figures that are not known, each once."""
        return tuple(dict.fromkeys(name for part in self.parts for name in part.missing))

    @property
    def known(self) -> Interval:
        """The sum of the parts that are known: the cost is at least that."""
        total = Interval.exact(0.0)
        for part in self.parts:
            total = total + part.usd if part.usd is not None else total
        return total

    @property
    def total(self) -> Interval | None:
        """The whole cost, or None when a part is not known."""
        return None if self.missing else self.known

    @property
    def usd_per_mtok(self) -> Interval | None:
        """Dollars for a million tokens, or None when a part is unknown or nothing is asked."""
        total = self.total
        return None if total is None or self.tokens < 1 else total.scaled(1e6 / self.tokens)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The volume from which on the machine is the cheaper, or the `reason` why there is none.

    The upper end is infinite where a slow machine would never be the cheaper one.
    """

    requests_per_day: Interval | None
    tokens_per_month: Interval | None
    reason: str = ""


class Enough(StrEnum):
    """Whether a machine can serve a volume."""

    ENOUGH = "enough"
    SHORT = "short"
    UNCLEAR = "unclear"  # the interval of its speed holds both
    UNKNOWN = "unknown"  # a figure is missing


@dataclass(frozen=True, slots=True)
class Latency:
    """Whether answers come as fast as was wanted; `why` says both in words."""

    verdict: Enough
    why: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """Whether a machine can serve a volume in its busiest hour, and within the latency wanted.

    `verdict` is about the volume alone. `utilisation` is the share of that hour in which the
    machine is busy (1 is all of it); `requests_per_day_most` what it could serve. `why` says it in
    words, with what was assumed. `latency` is None where none was wanted.
    """

    verdict: Enough
    utilisation: Interval | None
    requests_per_day_most: Interval | None
    why: str
    missing: tuple[str, ...] = ()
    latency: Latency | None = None

    @property
    def serves(self) -> Enough:
        """Whether it serves the volume within the latency: the worse of both."""
        verdicts = {self.verdict, self.latency.verdict if self.latency else self.verdict}
        order = (Enough.SHORT, Enough.UNKNOWN, Enough.UNCLEAR, Enough.ENOUGH)
        return next(one for one in order if one in verdicts)


@dataclass(frozen=True, slots=True)
class CostCurve:
    """A month's cost by requests a day: what is `fixed`, and `each` for each request a day more."""

    fixed: Interval
    each: Interval

    def at(self, requests_per_day: float) -> Interval:
        """Dollars a month at so many requests a day."""
        return self.fixed + self.each.scaled(requests_per_day)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a volume costs on this machine and at an API, and what follows from both.

    None is what cannot be told or was not asked for. `running` is what running the machine was
    taken to cost. The curves are those of requests like the volume's; the machine's ends where it
    can serve no more. `hybrid` is a month with the volume split, `hybrid_capacity` whether the
    machine serves the share that must stay, where that was stated.
    """

    volume: Volume | None = None
    running: LocalCosts | None = None
    local: MonthlyCost | None = None
    api: MonthlyCost | None = None
    hybrid: MonthlyCost | None = None
    hybrid_capacity: Capacity | None = None
    local_curve: CostCurve | None = None
    api_curve: CostCurve | None = None
    api_reference: str = ""
    price: ApiPrice | None = None
    break_even: BreakEven | None = None
    capacity: Capacity | None = None
    missing: tuple[str, ...] = ()
