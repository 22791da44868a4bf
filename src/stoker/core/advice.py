"""What advice is: the options it weighs and the answer with its reasons."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from stoker.core.costs import ApiPrice, BreakEven, Capacity, Cost, MonthlyCost
from stoker.core.estimate import Interval
from stoker.core.needs import Quality
from stoker.core.plan import Verdict
from stoker.core.speed import SpeedSource


class Answer(StrEnum):
    """Where models should run."""

    LOCAL = "local"
    API = "api"
    HYBRID = "hybrid"
    CONTRADICTION = "contradiction"  # the needs cannot be met together

    @property
    def sends_data(self) -> bool:
        """Whether anything leaves for somebody else's machine."""
        return self in {Answer.API, Answer.HYBRID}


@dataclass(frozen=True, slots=True)
class OwnTasks:
    """How a model did on the user's own tasks: `right` of `total`, measured on `day`.

    `low` and `high` bound the share of right answers by its 95 % interval, 0 to 1. `made_of` names
    the model that its file was made of for the comparison, where that file is gone.
    """

    right: int
    total: int
    low: float
    high: float
    day: str
    made_of: str = ""

    @property
    def share(self) -> float:
        """The share of right answers, 0 to 1."""
        return self.right / self.total


@dataclass(frozen=True, slots=True)
class LocalOption:
    """One model as it would run on a machine; a speed that is not known is None.

    `tier` is None where nobody should expect anything untried. `stream_tok_s` is what each of the
    planned concurrent answers gets, `total_tok_s` all of them together, both of decode;
    `prefill_tok_s` is of all prompts together, `ttft_s` for the planned prompt alone.
    `speed_source` says whose measurements decode rests on. `own` is there where it was tried on the
    user's tasks.
    """

    name: str
    quantization: str
    tier: Quality | None
    memory_bytes: int
    fit: Verdict
    device: str = "cpu"
    stream_tok_s: Interval | None = None
    total_tok_s: Interval | None = None
    prefill_tok_s: Interval | None = None
    ttft_s: Interval | None = None
    speed_source: SpeedSource = SpeedSource.UNKNOWN
    own: OwnTasks | None = None


@dataclass(frozen=True, slots=True)
class ApiOption:
    """One model behind an API. Its latency is assumed unless somebody measured it.

    `tier` is None where nobody judged it. `near` are names like its own that have a price, where it
    has none.
    """

    reference: str
    tier: Quality | None
    price: ApiPrice | None = None
    ttft_s: Interval | None = None
    tok_s: Interval | None = None
    near: tuple[str, ...] = ()


class ReasonRole(StrEnum):
    """What a rule that fired did for the answer."""

    DECIDES = "decides"
    FORBIDS = "forbids"
    SUPPORTS = "supports"
    OUTVOTED = "outvoted"


@dataclass(frozen=True, slots=True)
class Fired:
    """A rule whose conditions held, as a sentence with its figures."""

    rule: str
    role: ReasonRole
    say: str
    relax: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One need changed, and the answer that it would lead to. `say` has both in plain words."""

    need: str
    value: str
    answer: Answer
    say: str


@dataclass(frozen=True, slots=True)
class Advice:
    """Where to run, and why.

    `changes` are single changes that lead to another answer; in a contradiction they are what to
    relax. `boundary` says what stays and what may leave, for a hybrid. `cost` is the stated
    volume's, empty without one. `assumed` and `missing` name what nobody stated. `rules` names
    every rule and whether it fired, for explanation.

    Where nobody stated whether data may leave, `if_data_stays` is the answer if it had to stay on
    this machine, and `data_note` says both.
    """

    answer: Answer
    headline: str
    reasons: tuple[Fired, ...]
    changes: tuple[Change, ...]
    watch: tuple[str, ...]
    boundary: tuple[str, ...] = ()
    local: LocalOption | None = None
    api: ApiOption | None = None
    cost: Cost = field(default_factory=Cost)
    assumed: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    rules: tuple[tuple[str, bool], ...] = ()
    options: tuple[LocalOption, ...] = ()
    if_data_stays: Answer | None = None
    data_note: str = ""

    @property
    def decided_by(self) -> str:
        """The name of the rule that decided, empty if none did."""
        return next((one.rule for one in self.reasons if one.role is ReasonRole.DECIDES), "")

    @property
    def local_cost(self) -> MonthlyCost | None:
        """A month of the stated volume on this machine."""
        return self.cost.local

    @property
    def api_cost(self) -> MonthlyCost | None:
        """The same at the endpoint."""
        return self.cost.api

    @property
    def hybrid_cost(self) -> MonthlyCost | None:
        """The same with the volume split between both."""
        return self.cost.hybrid

    @property
    def break_even(self) -> BreakEven | None:
        """From which volume on this machine is the cheaper."""
        return self.cost.break_even

    @property
    def capacity(self) -> Capacity | None:
        """Whether this machine can serve the stated volume."""
        return self.cost.capacity
