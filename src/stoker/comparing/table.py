"""A comparison as text: one line for each candidate, then the kinds of task, then the verdict.

Pure. Columns that matter less are left out where there is no room, and it is said which. Figures
and their meaning are `report`'s, widths and lines `columns`'.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial

from stoker.comparing.accuracy import Accuracy
from stoker.comparing.columns import (
    NONE,
    Column,
    blocks_of,
    fit,
    lines_of,
    shortened,
    wrapped,
)
from stoker.comparing.report import Divergences, Failure, Report, Row, Speed, TaskScore
from stoker.core.units import GIB, MIB

Head = tuple[str, str]


def tables(report: Report) -> str:
    """Everything that a person is shown of a comparison, without a newline at its end."""
    parts = [
        _candidates(report),
        _legend(report),
        _tasks_by_category(report),
        _kl_by_category(report),
        _failures(report),
        _closing(report),
    ]
    return "\n\n".join(part for part in parts if part)


def _candidates(report: Report) -> str:
    kept, left_out = fit([one for one in _columns(report) if not one.empty])
    lines = lines_of(kept)
    if left_out:
        lines += wrapped(f"(no room for {', '.join(left_out)}: see --json)")
    return "\n".join(lines)


def _columns(report: Report) -> list[Column]:
    column = partial(_column, report.rows)
    unit, size = _unit(report.rows)
    return [
        column(("", "model"), lambda row: shortened(row.name)),
        column(("file", unit), lambda row: _size(row.file_bytes, size)),
        column(("needs", unit), lambda row: _size(row.memory_predicted_bytes, size), 2),
        column(("peak", unit), lambda row: _size(row.memory_peak_bytes, size), 1),
        column(("prefill", "tokens/s"), lambda row: _speed(row.prefill), 1),
        column(("decode", "tokens/s"), lambda row: _speed(row.decode), 1),
        column(("per-", "plexity"), _perplexity, 3),
        *([] if _is_comparable(report) else [column(("bits", "a byte"), _bits, 2)]),
        column(("KL", "mean"), lambda row: _milli(row, lambda one: one.kl_mean_nats), 1),
        column(("KL", "99 %"), lambda row: _milli(row, lambda one: one.kl_p99_nats), 4),
        column(("same", "top %"), _same_top, 2),
        column(("right", "% (interval)"), _right),
    ]


def _column(rows: Sequence[Row], head: Head, cell: Callable[[Row], str], weight: int = 0) -> Column:
    return Column(head, tuple(cell(row) for row in rows), weight)


def _is_comparable(report: Report) -> bool:
    """Whether every candidate that read the text read it in the base's vocabulary."""
    others = (row for row in report.rows if row.name != report.base)
    return all(row.text is None or row.text.divergence is not None for row in others)


# --- cells --------------------------------------------------------------------------------------


def _unit(rows: Sequence[Row]) -> tuple[str, int]:
    most = max((row.memory_peak_bytes or row.file_bytes or 0 for row in rows), default=0)
    return ("GiB", GIB) if most >= 10 * GIB else ("MiB", MIB)


def _size(count: int | None, unit: int) -> str:
    if count is None:
        return NONE
    size = count / unit
    return f"{size:.0f}" if size >= 100 else f"{size:.1f}"


def _speed(speed: Speed | None) -> str:
    if speed is None:
        return NONE
    value = speed.median_tok_s
    figure = f"{value:.0f}" if value >= 100 else f"{value:.1f}"
    return figure if speed.rounds == 1 else f"{figure} ±{speed.spread_percent:.0f}%"


def _perplexity(row: Row) -> str:
    if row.text is None:
        return NONE
    value = row.text.perplexity
    return f"{value:.4f}" if value < 10 else f"{value:.5g}"


def _bits(row: Row) -> str:
    return NONE if row.text is None else f"{row.text.bits_per_byte:.3f}"


def _milli(row: Row, nats: Callable[[Divergences], float]) -> str:
    if row.text is None or row.text.divergence is None:
        return NONE
    return thousandths(nats(row.text.divergence))


def thousandths(nats: float) -> str:
    """Nats as thousandths, three figures: `107`, `1.07`, `0.007`."""
    milli = 1000 * nats
    if milli >= 100:
        return f"{milli:.0f}"
    return f"{milli:#.3g}" if milli >= 1 else f"{milli:.3f}"


def _same_top(row: Row) -> str:
    if row.text is None or row.text.divergence is None:
        return NONE
    return f"{100 * row.text.divergence.same_top_share:.2f}"


def _right(row: Row) -> str:
    if row.tasks is None:
        return NONE
    one = row.tasks.accuracy
    return f"{100 * one.share:.1f} ({100 * one.low:.1f}-{100 * one.high:.1f})"


# --- below the candidates -----------------------------------------------------------------------


def _legend(report: Report) -> str:
    settings = report.settings
    words = []
    if any(row.memory_predicted_bytes for row in report.rows):
        words.append(
            f"needs: {report.memory_predicted_by}, predicted; peak: measured, with engine and"
            f" Python, 1 slot of {_contexts(report.rows)} tokens."
        )
        words.append(
            f"Speeds: {_rounds(settings.rounds)}, 1 answer at a time,"
            f" {_count(settings.threads, 'thread')}."
        )
    if scored := next((row.text.scored_tokens for row in report.rows if row.text), 0):
        words.append(
            f"Perplexity and KL: over {scored} tokens of {report.text_source}. KL: divergence from"
            f" {shortened(report.base)}, in thousandths of a nat; same top: the likeliest token is"
            " the same."
        )
    if total := next((row.tasks.accuracy.total for row in report.rows if row.tasks), 0):
        words.append(f"Right: of {total} tasks of {report.tasks_source}, with the 95 % interval.")
    return "\n".join(wrapped(*words))


def _tasks_by_category(report: Report) -> str:
    scores = [(row.name, row.tasks) for row in report.rows if row.tasks]
    names = tuple(scores[0][1].by_category) if scores else ()
    if len(names) < 2:
        return ""
    first = [
        Column(("", "right, % (95 %)"), names),
        Column(("", "tasks"), tuple(str(scores[0][1].by_category[name].total) for name in names)),
    ]
    columns = [
        Column(("", shortened(name)), tuple(_intervals(score, names))) for name, score in scores
    ]
    return blocks_of(first, columns)


def _intervals(score: TaskScore, names: Sequence[str]) -> list[str]:
    return [_interval(score.by_category[name]) for name in names]


def _interval(one: Accuracy) -> str:
    return f"{100 * one.share:.0f} {100 * one.low:.0f}-{100 * one.high:.0f}"


def _kl_by_category(report: Report) -> str:
    texts = [(row.name, row.text.by_category) for row in report.rows if row.text]
    texts = [(name, by_category) for name, by_category in texts if by_category]
    names = tuple(texts[0][1]) if texts else ()
    if not names:
        return ""
    first = [
        Column(("", "KL mean"), names),
        Column(("", "tokens"), tuple(str(texts[0][1][name].scored_tokens) for name in names)),
    ]
    columns = [
        Column(
            ("", shortened(candidate)),
            tuple(thousandths(found[name].kl_mean_nats) for name in names),
        )
        for candidate, found in texts
    ]
    return blocks_of(first, columns)


def _failures(report: Report) -> str:
    failed = [
        f"{row.name}: {', '.join(phases)} failed: {message}"
        for row in report.rows
        for message, phases in _by_message(row.failures).items()
    ]
    unanswered = [
        f"{row.name}: {_count(row.tasks.failed, 'task')} failed, which counts as wrong:"
        f" {next((one.error for one in row.tasks.wrong if one.error), '')}"
        for row in report.rows
        if row.tasks and row.tasks.failed
    ]
    return "\n".join(wrapped(*failed, *unanswered))


def _by_message(failures: Sequence[Failure]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in failures:
        found[one.message].append(one.phase)
    return found


def _contexts(rows: Sequence[Row]) -> str:
    lengths = [row.context_tokens for row in rows if row.context_tokens]
    low, high = min(lengths, default=0), max(lengths, default=0)
    return f"{low}" if low == high else f"{low} to {high}"


def _closing(report: Report) -> str:
    words = list(report.notes)
    words += [
        f"{row.name}: ended after {_count(so_far.total, 'task')}, of which {so_far.right} are right"
        f" ({100 * so_far.low:.1f}-{100 * so_far.high:.1f} %)."
        for row in report.rows
        if (so_far := row.tasks_so_far)
    ]
    if report.partial:
        words.append("Interrupted: this is a part of the comparison.")
    if report.verdict is not None:
        words.append(report.verdict.words)
    return "\n".join(wrapped(*words))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _rounds(number: int) -> str:
    return "of 1 round" if number == 1 else f"medians of {number} rounds ± half their range"
