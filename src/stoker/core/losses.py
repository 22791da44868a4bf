"""What is known of a quantization's loss: published figures as a range, or a measurement."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the most of `count` published or measured figures."""

    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Range | None:
        """The range of those of `values` that are known; None when there is none."""
        known = [value for value in values if value is not None]
        return cls(min(known), max(known), len(known)) if known else None


@dataclass(frozen=True, slots=True)
class MeasuredLoss:
    """What `compare` measured of one file against its reference, on this machine.

    `kl_divergence`, `ppl_delta` and `same_top_pct` mean what they mean in `PublishedLoss`, but
    against the reference, whose quantization is `against`. `tasks_right` and `reference_right`
    count right answers to `tasks` tasks of the file `tasks_name`, which is the user's where
    `tasks_own`; `tasks_lost` and `tasks_won` those that only the one or the other had right.
    `worse` says whether the paired test found it significantly worse than the best that was
    compared, None where there were too few tasks to see a loss; `least_visible_loss` is how many
    tasks must be lost to be seen. `cheapest` says that it was the smallest that was not worse.

    `day` is when. `certain` says that it is about the very file, or was measured against it, by
    digest; else another file that states the same name and shape was measured. `engine` names the
    engine's build where that is another one than is installed now, else it is empty.
    """

    model: str
    quantization: str
    day: str = ""
    against: str = "F16"
    file_bytes: int = 0
    kl_divergence: float | None = None
    ppl_delta: float | None = None
    same_top_pct: float | None = None
    tasks: int = 0
    tasks_name: str = ""
    tasks_own: bool = True
    tasks_right: int | None = None
    reference_right: int | None = None
    tasks_lost: int | None = None
    tasks_won: int | None = None
    worse: bool | None = None
    least_visible_loss: int = 0
    cheapest: bool = False
    certain: bool = True
    engine: str = ""


@dataclass(frozen=True, slots=True)
class QuantizationLoss:
    """What is known of a quantization's loss.

    `source` is `measured`, `published`, `none` (nothing is lost) or `unknown`. `models` are those
    that the figures come from: a loss depends on the model, and smaller models lose more.
    `measured` is there only where it was.
    """

    quantization: str
    source: str
    models: tuple[str, ...] = ()
    kl_divergence: Range | None = None
    ppl_delta: Range | None = None
    same_top_pct: Range | None = None
    measured: MeasuredLoss | None = None
