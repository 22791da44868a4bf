"""What a comparison has found: the names here are those of `stoker compare --json`, and stay.

Owns the shape and nothing else: rows are filled as they are measured, so that what is missing is
None and a comparison that was cut short loses nothing. Units come last in a name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from stoker.comparing.accuracy import Accuracy
from stoker.comparing.verdict import Verdict

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Speed:
    """The median over `rounds`, and the slowest and fastest of them; tokens per second."""

    median_tok_s: float
    low_tok_s: float
    high_tok_s: float
    rounds: int

    @property
    def spread_percent(self) -> float:
        """Half of the range, as a percentage of the median."""
        return 50 * (self.high_tok_s - self.low_tok_s) / self.median_tok_s


@dataclass(frozen=True, slots=True)
class Divergences:
    """How far a candidate's next-token distributions are from the base's.

    `kl_error_nats` is the standard error of the mean; `same_top_share` is 0 to 1.
    """

    scored_tokens: int
    kl_mean_nats: float
    kl_error_nats: float
    kl_p99_nats: float
    same_top_share: float


@dataclass(frozen=True, slots=True)
class TextScore:
    """What a model makes of the scored text.

    `divergence` is None for the base itself, and where the vocabularies differ; then
    `bits_per_byte` can still be compared. `by_category` is empty where the text has none.
    """

    scored_tokens: int
    perplexity: float
    bits_per_byte: float
    divergence: Divergences | None = None
    by_category: dict[str, Divergences] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A task that was not answered right: its place, from 0 on, and what was said or went wrong."""

    task: int
    answer: str
    error: str | None = None


@dataclass(frozen=True, slots=True)
class TaskScore:
    """All tasks of one candidate; `failed` of the wrong ones gave no answer that was judged."""

    accuracy: Accuracy
    by_category: dict[str, Accuracy]
    failed: int
    wrong: tuple[WrongAnswer, ...]

    def right(self) -> list[bool]:
        """Whether each task was answered right, in their order."""
        wrong = {one.task for one in self.wrong}
        return [at not in wrong for at in range(self.accuracy.total)]


@dataclass(frozen=True, slots=True)
class Failure:
    """What could not be measured of a candidate, in which phase, and why."""

    phase: str
    message: str


@dataclass(slots=True)
class Row:
    """One candidate. What is not measured, or not yet, is None.

    `tasks_so_far` has the tasks that were answered before something ended them early.
    `memory_predicted_bytes` is what `Report.memory_predicted_by` says; `memory_peak_bytes` the most
    that its process had resident, with one slot of `context_tokens`.
    """

    name: str
    model: str
    quantization: str
    digest: str | None = None
    file_bytes: int | None = None
    bits_per_weight: float | None = None
    context_tokens: int | None = None
    memory_predicted_bytes: int | None = None
    memory_peak_bytes: int | None = None
    prefill: Speed | None = None
    decode: Speed | None = None
    text: TextScore | None = None
    tasks: TaskScore | None = None
    tasks_so_far: Accuracy | None = None
    failures: list[Failure] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Settings:
    """How the candidates were run; `slots` at a time for the tasks, for speeds one."""

    slots: int
    threads: int
    rounds: int
    cores: int


@dataclass(slots=True)
class Report:
    """A whole comparison, or as much of one as there is (`partial`).

    `seconds` is the time that each phase took. `notes` are said below the table.
    """

    base: str
    settings: Settings
    tasks_source: str | None
    text_source: str | None
    memory_predicted_by: str
    rows: list[Row]
    stoker: str
    date: str
    partial: bool = True
    verdict: Verdict | None = None
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def base_row(self) -> Row:
        """The row of the highest precision, or of the largest model."""
        return next(row for row in self.rows if row.name == self.base)


_ADAPTER = TypeAdapter(Report)


def to_document(report: Report) -> dict[str, Any]:
    """The report as plain JSON values."""
    document: dict[str, Any] = _ADAPTER.dump_python(report, mode="json")
    for row in document["rows"]:
        if row["tasks"]:
            _with_share(row["tasks"])
    if report.verdict is not None:
        document["verdict"]["words"] = report.verdict.words
    return document


def from_document(document: dict[str, Any]) -> Report:
    """The report that `to_document` gave.

    Raises:
        pydantic.ValidationError: it is none.
    """
    return _ADAPTER.validate_python(document)


def _with_share(tasks: dict[str, Any]) -> None:
    for one in (tasks["accuracy"], *tasks["by_category"].values()):
        one["share"] = round(one["right"] / one["total"], 6)
