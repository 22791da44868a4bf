"""From a comparison's report to the record that plans and advice find again. Pure.

Hashing files and writing the record is `keeping`'s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stoker.comparing.order import Order
from stoker.comparing.plan import Candidate
from stoker.comparing.report import Report, Row, Speed, TaskScore, TextScore
from stoker.comparing.verdict import Verdict
from stoker.core.comparison import (
    KeptComparison,
    ModelCompared,
    RunMeasured,
    TasksMeasured,
    TasksUsed,
    TextMeasured,
    lineage_of,
)
from stoker.core.errors import ModelFileError
from stoker.core.estimate import Interval
from stoker.core.model import ModelFacts
from stoker.core.plan import Plan
from stoker.library.judging.subjects import called
from stoker.planning.memory.formula import count

_NAME_MAX = 255


@dataclass(frozen=True, slots=True)
class Seen:
    """What a comparison saw of one candidate besides its row: its file's facts and its plan."""

    facts: ModelFacts
    plan: Plan | None = None


def record_of(
    order: Order, report: Report, seen: Mapping[str, Seen], engine: str
) -> KeptComparison | None:
    """What is worth keeping of `report`; None where neither a text nor tasks were measured.

    `seen` has what was seen of each candidate by its name, `engine` is the build that ran them.
    """
    names = [one.name for one in order.candidates.all if one.name in seen]
    rows = {row.name: row for row in report.rows}
    base = order.candidates.base
    if base.name not in names or not any(_has_figures(rows[name]) for name in names):
        return None
    candidates = [one for one in order.candidates.all if one.name in names]
    models = tuple(_model(one, base, rows, seen, report.verdict) for one in candidates)
    verdict = report.verdict
    return KeptComparison(
        date=report.date,
        stoker=report.stoker,
        engine=engine,
        tasks=_tasks_used(order),
        text=_clean(report.text_source) if report.text_source else None,
        models=models,
        best=_place(names, verdict.best) if verdict else None,
        cheapest=_place(names, verdict.cheapest) if verdict else None,
        least_visible_loss=verdict.least_visible_loss if verdict else None,
    )


def _place(names: Sequence[str], name: str) -> int | None:
    return names.index(name) if name in names else None


def _tasks_used(order: Order) -> TasksUsed | None:
    if not order.tasks:
        return None
    return TasksUsed(_clean(order.tasks_source or ""), order.tasks_digest, order.tasks_own)


def _model(
    candidate: Candidate,
    base: Candidate,
    rows: Mapping[str, Row],
    seen: Mapping[str, Seen],
    verdict: Verdict | None,
) -> ModelCompared:
    row, facts = rows[candidate.name], seen[candidate.name].facts
    lineage, made = lineage_of(facts), candidate.make is not None
    named = f"{candidate.model.ref} {candidate.model.path.name}"
    return ModelCompared(
        model=str(candidate.model.ref),
        quantization=candidate.make or called(facts, named),
        digest=facts.digest,
        lineage=lineage,
        file_bytes=facts.file_bytes,
        context_length=facts.context_length,
        made=made,
        kin=made or (candidate is not base and lineage.is_of(lineage_of(seen[base.name].facts))),
        text=_text(row.text),
        tasks=_answers(row, rows[base.name].tasks, verdict),
        run=_run(row, seen[candidate.name].plan),
    )


def _text(score: TextScore | None) -> TextMeasured | None:
    if score is None:
        return None
    from_base = score.divergence
    if from_base is None:
        return TextMeasured(score.scored_tokens, score.perplexity)
    return TextMeasured(
        score.scored_tokens,
        score.perplexity,
        from_base.kl_mean_nats,
        from_base.kl_error_nats,
        from_base.same_top_share,
    )


def _answers(row: Row, base: TaskScore | None, verdict: Verdict | None) -> TasksMeasured | None:
    if row.tasks is None:
        return None
    pairs = list(zip(base.right(), row.tasks.right(), strict=True)) if base else []
    one = row.tasks.accuracy
    return TasksMeasured(
        one.right,
        one.total,
        one.low,
        one.high,
        lost=sum(first and not second for first, second in pairs) if base else None,
        won=sum(second and not first for first, second in pairs) if base else None,
        p_value=verdict.p_values.get(row.name) if verdict else None,
        worse=verdict is not None and row.name in verdict.worse,
    )


def _run(row: Row, plan: Plan | None) -> RunMeasured | None:
    if not (row.memory_peak_bytes and row.context_tokens and row.prefill and row.decode and plan):
        return None
    return RunMeasured(
        row.memory_peak_bytes,
        row.context_tokens,
        _kv_bytes_per_token(plan),
        _interval(row.prefill),
        _interval(row.decode),
    )


def _kv_bytes_per_token(plan: Plan) -> int:
    try:
        return count(plan).kv_bytes // (plan.context * plan.slots)
    except ModelFileError:  # its header does not state what the formula needs
        return 0


def _interval(speed: Speed) -> Interval:
    return Interval(speed.low_tok_s, speed.median_tok_s, speed.high_tok_s)


def _has_figures(row: Row) -> bool:
    return row.tasks is not None or row.text is not None


def _clean(name: str) -> str:
    return "".join(one if one.isprintable() else "?" for one in name)[:_NAME_MAX]


def quantizations_lost(kept: KeptComparison) -> Sequence[str]:
    """The quantizations of the reference whose loss was measured."""
    return [one.quantization for one in kept.models[1:] if one.kin and (one.text or one.tasks)]
