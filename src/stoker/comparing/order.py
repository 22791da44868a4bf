"""What somebody wants compared, and the report that a comparison begins and ends with. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from stoker.comparing import answering, speed
from stoker.comparing.passages import ScoredText
from stoker.comparing.plan import Candidate, Candidates, is_requantized
from stoker.comparing.report import Report, Row, Settings
from stoker.comparing.tasks import Task
from stoker.comparing.verdict import Answers, judge
from stoker.core.errors import NotEnoughMemoryError
from stoker.core.machine import Machine
from stoker.planning.defaults import Wishes, default_threads, make_plan

ROUNDS_MAX = 50
_CELLS_STEP = 256
_TEMPLATE_TOKENS = 256


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that is asked of one comparison; None leaves a number to us.

    Without `tasks` no answers are judged, and without `text` none is scored. `tasks_digest` is that
    of the tasks' file, and `tasks_own` says that the user gave it. `context` is tokens
    of each slot, `slots` answers at a time (for the tasks alone), `tokens_max` bounds each answer
    to a task.
    """

    candidates: Candidates
    tasks: tuple[Task, ...]
    tasks_source: str | None
    text: ScoredText | None
    tasks_digest: str = ""
    tasks_own: bool = True
    context: int | None = None
    slots: int = answering.SLOTS_DEFAULT
    threads: int | None = None
    rounds: int = speed.ROUNDS_DEFAULT
    tokens_max: int | None = None

    def threads_on(self, machine: Machine) -> int:
        """The same for every candidate, so that their speeds can be compared."""
        return self.threads or default_threads(self.candidates.base.model, machine)

    def tasks_context(self, default: int) -> int:
        """A context that holds every task and its answer, and no more than that or `default`.

        No token is shorter than a byte; what a chat template adds is a guess on the safe side.
        """
        if self.context:
            return self.context
        longest = max(_prompt_bytes(task) + self._answer_tokens(task) for task in self.tasks)
        cells = -(-(longest + _TEMPLATE_TOKENS) // _CELLS_STEP) * _CELLS_STEP
        return min(default, cells)

    def _answer_tokens(self, task: Task) -> int:
        return self.tokens_max or answering.tokens_max_for(task)


def begin(order: Order, machine: Machine, *, predicted_by: str, stoker: str, date: str) -> Report:
    """The report before anything is measured.

    Raises:
        InvalidRequestError: a number of the order is out of its bounds for one of the models.
    """
    candidates = order.candidates
    for one in candidates.all:
        _check(order, one, machine)
    report = Report(
        base=candidates.base.name,
        settings=Settings(
            slots=order.slots,
            threads=order.threads_on(machine),
            rounds=order.rounds,
            cores=machine.cores,
        ),
        tasks_source=order.tasks_source,
        text_source=order.text.source if order.text else None,
        memory_predicted_by=predicted_by,
        rows=[_row(one) for one in candidates.all],
        stoker=stoker,
        date=date,
    )
    if is_requantized(candidates):
        report.notes.append(
            f"{candidates.base.model.ref} is {candidates.base.name} already; smaller files that are"
            " made of its F16 file lose less."
        )
    report.notes += _left_out(order)
    return report


def _left_out(order: Order) -> list[str]:
    """What will not be compared, and what would be needed for it."""
    notes = []
    if order.text is None:
        notes.append("There is no text: perplexity and KL are left out; --text FILE scores one.")
    if not order.tasks:
        notes.append(
            "There are no tasks: right answers are left out; --tasks FILE gives some, with lines"
            ' like {"prompt": "2 + 2?", "expected": "4"}.'
        )
    return notes


def conclude(report: Report) -> None:
    """Judge the candidates that answered all tasks, and say what could not be compared."""
    answers = [
        Answers(row.name, row.file_bytes, row.tasks.right())
        for row in report.rows
        if row.tasks is not None and row.file_bytes is not None
    ]
    report.verdict = judge(answers) if len(answers) > 1 else None
    if names := _incomparable(report.rows, report.base_row):
        report.notes.append(
            f"{', '.join(names)}: another vocabulary than {report.base}, so no divergence from it;"
            " bits per byte can be compared."
        )


def _check(order: Order, candidate: Candidate, machine: Machine) -> None:
    wishes = Wishes(order.context, order.slots, order.threads)
    with suppress(NotEnoughMemoryError):  # a smaller candidate may fit; this one will say so
        make_plan(candidate.model, machine, wishes, slots_default=1)


def _incomparable(rows: Sequence[Row], base: Row) -> list[str]:
    if base.text is None:
        return []
    return [
        row.name
        for row in rows
        if row is not base and row.text is not None and row.text.divergence is None
    ]


def _row(candidate: Candidate) -> Row:
    return Row(candidate.name, str(candidate.model.ref), candidate.quantization)


def _prompt_bytes(task: Task) -> int:
    if isinstance(task.asked, str):
        return len(task.asked.encode())
    return sum(len(message["content"].encode()) + 16 for message in task.asked)
