"""What is lost by a quantization: published figures as a range, or the model's own measurement.

Nothing is interpolated between quantizations or models: what nobody published is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stoker.core.published import PublishedLoss

_LOSSLESS = frozenset({"F32", "F16", "BF16"})


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

    The fields mean what they mean in `PublishedLoss`; `tasks_lost` is the share of the user's
    own tasks that the reference answers right and this file does not, of `tasks` tasks.
    """

    model: str
    quantization: str
    kl_divergence: float | None = None
    ppl_delta: float | None = None
    same_top_pct: float | None = None
    tasks_lost: float | None = None
    tasks: int = 0


@dataclass(frozen=True, slots=True)
class QuantizationLoss:
    """What is known of a quantization's loss. `source` is `measured`, `published` or `unknown`.

    `models` are those that the figures come from: a loss depends on the model, and smaller models
    lose more. `tasks_lost` is known only where it was measured.
    """

    quantization: str
    source: str
    models: tuple[str, ...] = ()
    kl_divergence: Range | None = None
    ppl_delta: Range | None = None
    same_top_pct: Range | None = None
    tasks_lost: float | None = None
    tasks: int = 0


def known_loss(
    quantization: str,
    published: Sequence[PublishedLoss],
    measured: MeasuredLoss | None = None,
    *,
    native: bool = False,
) -> QuantizationLoss:
    """What is known of the loss by `quantization`, against the model as it was published.

    A measurement of the model's own file replaces what others published; with and without an
    importance matrix count as one quantization. Names are compared without regard to case.
    `native` says that the model was published in this form.
    """
    wanted = quantization.upper()
    if measured is not None and measured.quantization.upper() == wanted:
        return _from_measured(measured)
    rows = [row for row in published if row.quantization.upper() == wanted and _has_loss(row)]
    if native or not rows:
        lossless = native or wanted in _LOSSLESS
        return QuantizationLoss(wanted, "none" if lossless else "unknown")
    return QuantizationLoss(
        wanted,
        "published",
        tuple(dict.fromkeys(row.model for row in rows)),
        Range.of(row.kl_divergence for row in rows),
        Range.of(row.ppl_delta for row in rows),
        Range.of(row.same_top_pct for row in rows),
    )


def describe_loss(loss: QuantizationLoss) -> str:
    """`loss` as one sentence for a person."""
    if loss.source == "none":
        return f"{loss.quantization} is the model as it is published: nothing is lost."
    if loss.source == "unknown":
        return f"What {loss.quantization} loses is unknown: nobody published it; compare it."
    told = [
        text
        for text in (
            _told("KL divergence", loss.kl_divergence, "{:.3g}"),
            _told("perplexity up by", loss.ppl_delta, "{:.3g}"),
            _told("the same likeliest token in", loss.same_top_pct, "{:.3g}", " %"),
        )
        if text
    ]
    if loss.tasks_lost is not None:
        told.append(f"{loss.tasks_lost:.1%} of {loss.tasks} tasks lost")
    where = "measured here" if loss.source == "measured" else "published"
    models = ", ".join(loss.models)
    return f"{loss.quantization}: {', '.join(told)} ({where} on {models}; smaller models lose more)"


def _from_measured(measured: MeasuredLoss) -> QuantizationLoss:
    return QuantizationLoss(
        measured.quantization.upper(),
        "measured",
        (measured.model,),
        Range.of([measured.kl_divergence]),
        Range.of([measured.ppl_delta]),
        Range.of([measured.same_top_pct]),
        measured.tasks_lost,
        measured.tasks,
    )


def _has_loss(row: PublishedLoss) -> bool:
    return any(
        figure is not None for figure in (row.kl_divergence, row.ppl_delta, row.same_top_pct)
    )


def _told(name: str, known: Range | None, form: str, unit: str = "") -> str:
    if known is None:
        return ""
    low, high = form.format(known.least), form.format(known.most)
    return f"{name} {low if low == high else f'{low} to {high}'}{unit}"
