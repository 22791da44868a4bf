"""What somebody wants of a model, in the words of a business: the input of advice and plans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DataPlace(StrEnum):
    """Where requests and their data may go."""

    MACHINE = "machine"  # must stay on this machine
    NETWORK = "network"  # must stay in our own network
    MIXED = "mixed"  # some of it must stay, the rest may go anywhere
    ANYWHERE = "anywhere"


class Quality(StrEnum):
    """How good answers must be, in steps that people can tell apart."""

    BASIC = "basic"  # classification, extraction, short answers from given text
    GOOD = "good"  # everyday drafting and summaries
    BETTER = "better"  # reasoning over several steps, code
    FRONTIER = "frontier"  # the best there is


class Operations(StrEnum):
    """Who looks after a service."""

    NONE = "none"
    WEAK = "weak"  # somebody, at times
    STRONG = "strong"  # people who run services for a living


class Stage(StrEnum):
    """How far the project is."""

    PROTOTYPE = "prototype"
    PRODUCTION = "production"


@dataclass(frozen=True, slots=True)
class Needs:
    """What matters; None says that nobody stated it. Money is in US dollars.

    `ttft_s_max` and `tok_s_min` are what a person who waits accepts: seconds to the first token,
    and tokens a second after it. `requests_per_day`, `prompt_tokens` and `answer_tokens` are the
    volume; `concurrency` the most answers at a time. `context` is the longest prompt with its
    answer, in tokens. `budget_usd_month` bounds what it may cost. `right_share_least` is the share
    of the user's own tasks that must be answered right, 0 to 1.
    """

    data: DataPlace = DataPlace.ANYWHERE
    offline: bool = False
    quality: Quality | None = None
    stage: Stage = Stage.PRODUCTION
    operations: Operations | None = None
    ttft_s_max: float | None = None
    tok_s_min: float | None = None
    requests_per_day: float | None = None
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    concurrency: int = 1
    context: int | None = None
    budget_usd_month: float | None = None
    right_share_least: float | None = None
