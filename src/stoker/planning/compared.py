"""From kept comparisons to what a model's quantizations lose: which figures are about it, and how.

Pure. Figures of the very file (by digest), or measured against it, come before those of another
file that states the same name and shape, then those on the user's own tasks; of alike ones the
newest counts. A build of the engine other than the one that is installed moves a loss by rounding
at most, so such figures are kept and it is said; a file whose bytes have changed has another
digest, so its old figures are another file's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stoker.core.comparison import KeptComparison, ModelCompared, lineage_of
from stoker.core.losses import MeasuredLoss
from stoker.core.model import ModelFacts


def measured_losses(
    kept: Sequence[KeptComparison],
    facts: ModelFacts,
    quantization: str,
    engine: str,
) -> tuple[MeasuredLoss, ...]:
    """What was measured of each quantization of the model of `facts`, one entry for each.

    `facts` has the file's digest where it is known, `quantization` is what its file is called by,
    `kept` are the oldest first, `engine` the build that is installed.
    """
    found = [loss for one in reversed(kept) for loss in _losses(one, facts, quantization, engine)]
    found.sort(key=_rank)  # stable: the newest of alike ones stays first
    first: dict[str, MeasuredLoss] = {}
    for loss in found:
        first.setdefault(loss.quantization.upper(), loss)
    return tuple(first.values())


def _rank(loss: MeasuredLoss) -> tuple[bool, bool]:
    return not loss.certain, not (loss.tasks_own and loss.tasks_right is not None)


def _losses(
    kept: KeptComparison, facts: ModelFacts, quantization: str, engine: str
) -> Iterator[MeasuredLoss]:
    digests = {one.digest for one in (kept.reference, *_quantized(kept))}
    known = facts.digest is not None and facts.digest in digests
    if not (known or kept.reference.lineage.is_of(lineage_of(facts))):
        return
    for at, one in enumerate(kept.models):
        if at and one.kin and _has_figures(one):
            own = one.quantization.upper() == quantization.upper()
            certain = known and (not own or one.digest == facts.digest)
            yield _loss(kept, at, certain=certain, engine=engine)


def _quantized(kept: KeptComparison) -> Iterator[ModelCompared]:
    return (one for one in kept.models[1:] if one.kin)


def _has_figures(one: ModelCompared) -> bool:
    return one.tasks is not None or (one.text is not None and one.text.kl_mean_nats is not None)


def _loss(kept: KeptComparison, at: int, *, certain: bool, engine: str) -> MeasuredLoss:
    one, base = kept.models[at], kept.reference
    text, tasks = one.text, one.tasks
    rise = text.perplexity - base.text.perplexity if text and base.text else None
    return MeasuredLoss(
        model=base.model,
        quantization=one.quantization.upper(),
        day=kept.day,
        against=base.quantization.upper(),
        file_bytes=one.file_bytes,
        kl_divergence=text.kl_mean_nats if text else None,
        ppl_delta=rise,
        same_top_pct=_percent(text.same_top_share) if text else None,
        tasks=tasks.total if tasks else 0,
        tasks_name=kept.tasks.name if tasks and kept.tasks else "",
        tasks_own=kept.tasks is None or kept.tasks.own,
        tasks_right=tasks.right if tasks else None,
        reference_right=base.tasks.right if tasks and base.tasks else None,
        tasks_lost=tasks.lost if tasks else None,
        tasks_won=tasks.won if tasks else None,
        worse=tasks.worse if tasks and kept.sees_losses else None,
        least_visible_loss=kept.least_visible_loss or 0,
        cheapest=kept.sees_losses and kept.cheapest == at,
        certain=certain,
        engine="" if kept.engine == engine else kept.engine,
    )


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
