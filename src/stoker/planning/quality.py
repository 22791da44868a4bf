"""What is lost by a quantization: published figures as a range, or the model's own measurement.

Nothing is interpolated between quantizations or models: what nobody published is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoker.core.losses import MeasuredLoss, QuantizationLoss, Range
from stoker.core.published import PublishedLoss

_LOSSLESS = frozenset({"F32", "F16", "BF16"})


def known_loss(
    quantization: str,
    published: Sequence[PublishedLoss],
    measured: Sequence[MeasuredLoss] = (),
    *,
    native: bool = False,
) -> QuantizationLoss:
    """What is known of the loss by `quantization`, against F16 unless the measurement says else.

    A measurement of the model's own file replaces what others published; with and without an
    importance matrix count as one quantization. Names are compared without regard to case.
    `native` says that the model was published in this form.
    """
    wanted = quantization.upper()
    for one in measured:
        if one.quantization.upper() == wanted:
            return _from_measured(one)
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
        _told("KL divergence", loss.kl_divergence),
        _told_change("perplexity", loss.ppl_delta),
        _told("the same likeliest token in", loss.same_top_pct, " %"),
    ]
    if loss.measured is not None:
        told += _answers(loss.measured)
        end = ", ".join(_circumstances(loss.measured))
    else:
        end = f"published on {', '.join(loss.models)}; smaller models lose more"
    return f"{loss.quantization}: {', '.join(filter(None, told))} ({end})"


def _from_measured(measured: MeasuredLoss) -> QuantizationLoss:
    return QuantizationLoss(
        measured.quantization.upper(),
        "measured",
        (measured.model,),
        Range.of([measured.kl_divergence]),
        Range.of([measured.ppl_delta]),
        Range.of([measured.same_top_pct]),
        measured,
    )


def _answers(measured: MeasuredLoss) -> Iterator[str]:
    """How it did on the tasks, beside the reference, and what the paired test says."""
    if measured.tasks_right is None:
        return
    beside = measured.reference_right
    other = "" if beside is None else f" ({measured.against}: {beside})"
    yield f"{measured.tasks_right} of {measured.tasks} tasks right{other}"
    if measured.worse is None:
        yield "too few tasks to see a loss"
    elif measured.worse:
        yield "significantly worse than the best compared"
    else:
        unseen = f"a loss of fewer than {measured.least_visible_loss} cannot be seen"
        yield f"not significantly worse than the best compared, but {unseen}"


def _circumstances(measured: MeasuredLoss) -> Iterator[str]:
    """When and on what it was measured, and why it may be another file's figure."""
    yield f"measured here on {measured.day}" if measured.day else "measured here"
    if measured.tasks_right is not None:
        whose = "your tasks" if measured.tasks_own else "the starter's own tasks"
        yield f"{measured.tasks} of {whose}"
    yield f"against {measured.model} in {measured.against}"
    if not measured.certain:
        yield "on a file that states the same name and size as this one"
    if measured.engine:
        yield f"by {measured.engine}, another build than is installed now"


def _has_loss(row: PublishedLoss) -> bool:
    return any(
        figure is not None for figure in (row.kl_divergence, row.ppl_delta, row.same_top_pct)
    )


def _told_change(name: str, known: Range | None) -> str:
    """A rise; noise can make one measured figure a fall."""
    if known is not None and known.most < 0:
        return _told(f"{name} down by", Range(-known.most, -known.least, known.count))
    return _told(f"{name} up by", known)


def _told(name: str, known: Range | None, unit: str = "") -> str:
    if known is None:
        return ""
    low, high = f"{known.least:.3g}", f"{known.most:.3g}"
    return f"{name} {low if low == high else f'{low} to {high}'}{unit}"
