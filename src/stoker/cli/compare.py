"""`stoker compare`: what smaller models lose, on one's own tasks."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.completing import Model
from stoker.cli.options import context_option, json_option, print_json, threads_option
from stoker.cli.storing import open_store
from stoker.core.errors import InvalidRequestError
from stoker.core.units import format_seconds
from stoker.models.catalogue import STARTER, find_model

if TYPE_CHECKING:
    from stoker.comparing.comparison import Comparison, Step
    from stoker.comparing.order import Order
    from stoker.comparing.passages import ScoredText
    from stoker.comparing.plan import Candidates
    from stoker.comparing.tasks import Task
    from stoker.core.comparison import KeptComparison
    from stoker.core.model import LocalModel

Named = list[tuple[str, "LocalModel"]]
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("compare", short_help="Measure what smaller models lose.")
@click.argument("models", nargs=-1, required=True, type=Model(), metavar="MODEL...")
@click.option("--quants", metavar="TYPES", help="Smaller types to make, such as q8_0,q4_0.")
@click.option("--tasks", type=_FILE, help="Tasks, one JSON object a line.")
@click.option("--text", type=_FILE, help="A text to score, or a .jsonl file of tasks.")
@click.option("--plot", type=_FILE, help="Write a picture, as SVG.")
@click.option("--parallel", type=click.IntRange(1, 64), help="Tasks at a time (default: 4).")
@click.option("--rounds", type=click.IntRange(1, 50), help="Rounds of speed (default: 5).")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Bounds each answer to a task.")
@context_option
@threads_option
@json_option
def command(  # noqa: PLR0913 - one parameter for each option
    models: tuple[str, ...],
    *,
    quants: str | None,
    tasks: Path | None,
    text: Path | None,
    plot: Path | None,
    as_json: bool,
    **numbers: int | None,
) -> None:
    """Measure what smaller models lose: file, memory, speed, text, and answers to tasks.

    With one MODEL, smaller files of it are made, compared with it and removed. With several, they
    are compared with each other. MODEL is `starter`, a stored name or a .gguf file's path.

    A task is a line such as {"prompt": "2 + 2?", "expected": "4"}; it may have "messages" in place
    of the prompt, a "match" (exact, contains, regex, json) and a "category". The starter model has
    tasks of its own. Where no --text is given, the tasks' expected answers are scored. Without
    tasks and text, files, memory and speeds are compared.

    Ctrl-C shows what was measured so far. What was found is kept, figures and digests alone:
    `stoker plan` then says what a quantization of the model lost here, and `stoker advise --tasks`
    whether a small model is enough.

    \b
    Examples:
      stoker compare starter
      stoker compare ./my-model-f16.gguf --quants q8_0,q4_0 --tasks mine.jsonl
      stoker compare ./small.gguf ./large.gguf --tasks mine.jsonl --plot sizes.svg
      stoker compare ./small.gguf ./large.gguf --text letters.txt
      stoker compare starter --quants q4_0 --json > compared.json
    """
    if plot is not None and plot.suffix.lower() != ".svg":
        raise InvalidRequestError(f"{plot} is no name for a picture", hint="end it in .svg.")
    if plot is not None and not plot.expanduser().absolute().parent.is_dir():
        raise InvalidRequestError(f"There is no folder for {plot}", hint="make it first.")
    order = _order(models, quants, tasks, text, {k: v for k, v in numbers.items() if v})
    if plot is not None and not order.tasks and order.text is None:
        raise InvalidRequestError("There is nothing to draw", hint="give --tasks or --text.")
    # numpy and gguf are slow to import; only a comparison that begins pays for them.
    from stoker.cli.terminal.stopping import run_until_stopped  # noqa: PLC0415
    from stoker.comparing.comparison import Comparison  # noqa: PLC0415
    from stoker.state.home import Home  # noqa: PLC0415

    meter = _Meter()
    comparison = Comparison(order, Home.find(), on_step=meter)
    stopped = run_until_stopped(comparison.run())
    meter.clear()
    _show(comparison, as_json=as_json)
    if not as_json and comparison.kept is not None:
        _say_what_follows(comparison.kept, models, tasks)
    if plot is not None:
        _write_plot(comparison, plot.expanduser())
    if stopped is not None:
        sys.exit(stopped)
    if comparison.errors:
        sys.exit(comparison.errors[0].exit_code)


def _order(
    texts: tuple[str, ...],
    quants: str | None,
    tasks: Path | None,
    text: Path | None,
    numbers: dict[str, int],
) -> Order:
    """What is asked for, read and checked before anything is started."""
    from stoker.comparing.order import Order  # noqa: PLC0415 - help needs no rules
    from stoker.comparing.tasks import STARTER_TASKS  # noqa: PLC0415 - as above
    from stoker.models.storing.store import hash_file  # noqa: PLC0415 - as above

    store = open_store()
    models: Named = [(one, find_model(one, store)) for one in texts]
    candidates = _candidates(models, quants)
    asked, tasks_source = _tasks(models, tasks)
    digest = hash_file(tasks or STARTER_TASKS) if asked else ""
    names = {"ctx": "context", "parallel": "slots", "max_tokens": "tokens_max"}
    settings: dict[str, Any] = {names.get(name, name): value for name, value in numbers.items()}
    scored = _text(text, tasks, asked)
    settings |= {"tasks_digest": digest, "tasks_own": tasks is not None}
    return Order(candidates, asked, tasks_source, scored, **settings)


def _candidates(models: Named, quants: str | None) -> Candidates:
    from stoker.comparing import plan  # noqa: PLC0415 - as above

    if len(models) > 1:
        if quants is not None:
            raise click.UsageError("--quants is for one MODEL; several are compared as they are.")
        return plan.several(models)
    model = models[0][1]
    wanted = plan.default_quants(model) if quants is None else _words(quants)
    found = plan.precisions(model, wanted)
    if len(found.all) < 2:
        raise InvalidRequestError(
            f"There is nothing to compare {model.ref} with",
            hint="name smaller --quants, or a second MODEL.",
        )
    return found


def _words(quants: str) -> list[str]:
    return [word.strip() for word in quants.split(",") if word.strip()]


def _tasks(models: Named, path: Path | None) -> tuple[tuple[Task, ...], str | None]:
    """The tasks and where they are from; none for models that are not ours, unless given."""
    from stoker.comparing.tasks import STARTER_TASKS, load_tasks  # noqa: PLC0415 - as above

    if path is None and all(model.ref != STARTER for _, model in models):
        return (), None
    found = path or STARTER_TASKS
    return load_tasks(found), found.name


def _text(path: Path | None, tasks: Path | None, asked: tuple[Task, ...]) -> ScoredText | None:
    from stoker.comparing import passages  # noqa: PLC0415 - as above

    if path is not None:
        return passages.load_text(path)
    if not asked:
        return None
    if tasks is None:
        return passages.load_text(passages.STARTER_TEXT)
    found = passages.of_tasks(f"the answers that {tasks.name} expects", asked)
    return found if found.conversations else None


def _show(comparison: Comparison, *, as_json: bool) -> None:
    report = comparison.report
    if as_json:
        from stoker.comparing.report import to_document  # noqa: PLC0415 - slow to import

        print_json(to_document(report))
        return
    from stoker.comparing.table import tables  # noqa: PLC0415 - as above

    click.echo(tables(report))
    parts = ", ".join(f"{name} {format_seconds(took)}" for name, took in report.seconds.items())
    click.echo(f"took {format_seconds(sum(report.seconds.values()))}: {parts}", err=True)
    chosen = report.verdict.cheapest if report.verdict else None
    if any(one.name == chosen and one.make for one in comparison.candidates):
        made_from = comparison.candidates[0].model.ref
        click.echo(f"hint: `stoker quantize {made_from} --to {chosen}` makes that file", err=True)


def _say_what_follows(kept: KeptComparison, models: tuple[str, ...], tasks: Path | None) -> None:
    """One line: what plans and advice make of it from now on."""
    from stoker.comparing.recording import quantizations_lost  # noqa: PLC0415 - as above

    parts = []
    if lost := quantizations_lost(kept):
        source = shlex.quote(models[0]) if len(models) == 1 else str(kept.reference.model)
        parts.append(
            f"`stoker plan {source}` now says what {', '.join(lost)} lost here, not what was"
            " published"
        )
    if tasks is not None and any(one.tasks for one in kept.models):
        parts.append(f"`stoker advise --tasks {shlex.quote(str(tasks))}` counts these answers")
    if parts:
        click.echo(f"kept: {'; '.join(parts)}", err=True)


def _write_plot(comparison: Comparison, path: Path) -> None:
    from stoker.comparing.plot import plot  # noqa: PLC0415 - only where one is wanted

    try:
        path.write_text(plot(comparison.report), encoding="utf-8")
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be written: {error.strerror}") from error


class _Meter:
    """Progress on a terminal's standard error: the phase, the candidate and its share."""

    def __init__(self) -> None:
        self._visible = sys.stderr.isatty()
        self._shown = ""

    def __call__(self, step: Step) -> None:
        text = f"{step.phase}  {step.name}  {step.share:4.0%}"
        if self._visible and text != self._shown:
            self._shown = text
            click.echo(f"\r\x1b[K{text}", err=True, nl=False)

    def clear(self) -> None:
        """Leave the line empty for what is said next."""
        if self._visible and self._shown:
            click.echo("\r\x1b[K", err=True, nl=False)
