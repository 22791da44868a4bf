"""What nobody measured and somebody has to assume, said out loud; people may change it.

The shipped values stand in `published/data/judgement.toml`, each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.estimate import Interval
from stoker.core.needs import Quality


@dataclass(frozen=True, slots=True)
class SizeClass:
    """What models from `parameters_least` on (dense, or of like ability) are trusted with.

    `tier` is None where nothing should be expected before it is tried.
    """

    parameters_least: float
    tier: Quality | None
    why: str


@dataclass(frozen=True, slots=True)
class ApiModel:
    """One model behind an API, `provider/name`, and what it is trusted with."""

    reference: str
    tier: Quality
    why: str


@dataclass(frozen=True, slots=True)
class Watts:
    """What a machine draws, idle and under load."""

    idle: float
    load: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """All of it. `size_classes` rise; `watts_gpu` is for a machine with a GPU of its own.

    `peak_factor` is how much busier the busiest hour is than the average hour that is served;
    `right_share_least` is the share of the user's own tasks, 0 to 1, that must be right for a model
    to be enough; `utilisation_most` the share of that hour a machine may be busy, so that hardly
    anybody waits.
    """

    date: str
    size_classes: tuple[SizeClass, ...]
    api_models: tuple[ApiModel, ...]
    quantization: str
    prompt_tokens: int
    answer_tokens: int
    context: int
    quality: Quality
    right_share_least: float
    hours_per_day: float
    days_per_month: float
    months: float
    peak_factor: float
    utilisation_most: float
    watts_cpu: Watts
    watts_gpu: Watts
    api_ttft_s: Interval
    api_tok_s: Interval
