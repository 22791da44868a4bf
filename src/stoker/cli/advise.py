"""`stoker advise`: from what you need to where models should run."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum, StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.options import json_option, print_json
from stoker.core.advice import Answer
from stoker.core.needs import DataPlace, Operations, Quality, Stage
from stoker.files.disk import expanded

if TYPE_CHECKING:
    from stoker.core.advice import Advice
    from stoker.library.judging.surroundings import Surroundings


def _words(kind: type[StrEnum]) -> click.Choice[str]:
    return click.Choice([one.value for one in kind])


_COSTS = ("purchase_usd", "usd_per_kwh", "watts_idle", "watts_load")


@click.command("advise", short_help="Say whether models should run here, at an API, or both.")
@click.option("--needs", "path", type=click.Path(path_type=Path), help="A TOML file of needs.")
@click.option("--data", type=_words(DataPlace), help="Where data may go.")
@click.option("--offline/--online", default=None, help="Whether it must work without a network.")
@click.option("--quality", type=_words(Quality), help="How good answers must be.")
@click.option("--stage", type=_words(Stage), help="How far the project is.")
@click.option("--operations", type=_words(Operations), help="Who looks after it.")
@click.option("--requests", "requests_per_day", type=float, help="Requests a day.")
@click.option("--prompt-tokens", type=int, help="Tokens in a prompt.")
@click.option("--answer-tokens", type=int, help="Tokens in an answer.")
@click.option("--concurrency", type=int, help="The most answers at a time.")
@click.option("--ctx", "context", type=int, help="The longest prompt with its answer, in tokens.")
@click.option("--ttft", "ttft_s_max", type=float, help="Seconds to the first token, at most.")
@click.option("--tok-s", "tok_s_min", type=float, help="Tokens a second after it, at least.")
@click.option("--usd-month", "budget_usd_month", type=float, help="Dollars a month, at most.")
@click.option("--tasks", help="A file of your own tasks, as `stoker compare` takes them.")
@click.option("--local-share", type=float, help="Share of requests that must stay, 0 to 1.")
@click.option("--right", "right_share_least", type=float, help="Share to be right, 0 to 1.")
@click.option("--api", metavar="PROVIDER/MODEL", help="The endpoint that you would use.")
@click.option("--purchase-usd", type=float, help="What the machine costs; 0 if you have it.")
@click.option("--usd-per-kwh", type=float, help="What a kWh costs.")
@click.option("--watts-idle", type=float, help="What the machine draws idle.")
@click.option("--watts-load", type=float, help="What it draws while it answers.")
@click.option("--machine", metavar="FILE|PRESET", help="Another machine; see `stoker machine`.")
@click.option("--explain", is_flag=True, help="Show every rule and every model that was weighed.")
@json_option
def command(
    *,
    path: Path | None,
    api: str | None,
    machine: str | None,
    explain: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Say whether models should run here, at an API, or both, and why.

    Without needs it asks, on a terminal; where data may go it asks there whenever nothing says so.
    Flags win over the file. The exit code is 3 where the needs contradict each other.

    \b
    A file of needs; every line may be left out:
      data = "mixed"             # machine, network, mixed, anywhere
      offline = false
      quality = "good"           # basic, good, better, frontier
      stage = "production"       # prototype, production
      operations = "weak"        # none, weak, strong
      requests_per_day = 2000
      prompt_tokens = 1500
      answer_tokens = 300
      concurrency = 4            # the most answers at a time
      context = 8192             # the longest prompt with its answer
      ttft_s_max = 2.0           # seconds to the first token
      tok_s_min = 10             # tokens a second after it
      budget_usd_month = 300
      local_share = 0.3          # of the requests must stay, where data is mixed
      tasks = "tasks.jsonl"
      right_share_least = 0.95   # of the tasks, if 0.9 is not what is enough
      [costs]
      purchase_usd = 1800        # 0 if you have the machine; spread over months = 36
      watts_idle = 40
      watts_load = 180
      usd_per_kwh = 0.30
      hours_per_day = 24
      person_hours_month = 2
      usd_per_person_hour = 60
      [api]
      model = "openai/gpt-5-mini"
      cached_share = 0.5         # of the prompt that was sent before, 0 to 1
      input_usd_mtok = 0.25      # your own prices, if you have them
      output_usd_mtok = 2.00
      cached_input_usd_mtok = 0.025
      priced_on = "2026-11-26"

    \b
    Examples:
      stoker advise
      stoker advise --data machine --quality good --requests 2000
      stoker advise --needs needs.toml --json
      stoker advise --machine m2-max --data machine
    """
    # pydantic is slow to import; only this verb pays for it.
    from stoker.library.judging.advising import advise_on  # noqa: PLC0415
    from stoker.library.judging.constraints import read_constraints  # noqa: PLC0415

    document = _with_flags(_document(path), flags, api)
    constraints = read_constraints(document)
    open_data = constraints.to_needs().leaves_data_open
    if (open_data or not document) and is_asked():
        from stoker.cli.terminal.asking import BOUNDARY, QUESTIONS, ask  # noqa: PLC0415

        constraints = read_constraints(ask(document, BOUNDARY if document else QUESTIONS))
    _check_tasks(constraints.tasks)
    advice = advise_on(constraints, _around(machine))
    if as_json:
        print_json(describe(advice))
    else:
        click.echo("\n".join(_lines(advice, everything=explain)))
    _refuse_contradiction(advice)


def is_asked() -> bool:
    """Whether a person is there to be asked."""
    return sys.stdin.isatty()


def describe(advice: Advice) -> dict[str, Any]:
    """What `advise --json` prints; money in US dollars, an infinite or unknown figure is null."""
    plain: dict[str, Any] = _plain(asdict(advice))
    cost = plain.pop("cost")
    months = {"local": advice.local_cost, "api": advice.api_cost, "hybrid": advice.hybrid_cost}
    for name, month in months.items():
        plain[f"{name}_cost"] = cost[name]
        if month is not None:
            figures = {"total_usd_month": month.total, "usd_per_mtok": month.usd_per_mtok}
            plain[f"{name}_cost"] |= {
                key: _plain(asdict(value)) if value is not None else None
                for key, value in figures.items()
            }
    same = (
        "break_even",
        "capacity",
        "hybrid_capacity",
        "volume",
        "running",
        "local_curve",
        "api_curve",
    )
    return {**plain, **{name: cost[name] for name in same}, "decided_by": advice.decided_by}


def _around(machine: str | None) -> Surroundings:
    """This machine, or the named one."""
    from stoker.library.judging.surroundings import survey  # noqa: PLC0415
    from stoker.machine.document import load_machine  # noqa: PLC0415
    from stoker.state.home import Home  # noqa: PLC0415

    return survey(Home.find(), load_machine(machine) if machine else None)


def _document(path: Path | None) -> dict[str, Any]:
    from stoker.library.judging.constraints import read_document  # noqa: PLC0415

    return {} if path is None else read_document(expanded(path))


def _with_flags(
    document: Mapping[str, Any], flags: Mapping[str, Any], api: str | None
) -> dict[str, Any]:
    """`document` with the flags that were given over it."""
    stated = {name: value for name, value in flags.items() if value is not None}
    costs = {name: stated.pop(name) for name in _COSTS if name in stated}
    merged = {**document, **stated}
    for name, table in (("costs", costs), ("api", {"model": api} if api else {})):
        below = merged.get(name, {})
        if table and isinstance(below, dict):  # what is no table is refused when it is read
            merged[name] = {**below, **table}
    return merged


def _check_tasks(path: str | None) -> None:
    """Refuse a file of tasks that is none, before anybody counts on it."""
    if path is not None:
        from stoker.comparing.tasks import load_tasks  # noqa: PLC0415

        load_tasks(expanded(Path(path)))


def _lines(advice: Advice, *, everything: bool) -> list[str]:
    from stoker.cli.drawing.glyphs import glyphs_of_output  # noqa: PLC0415
    from stoker.cli.pages.advice_text import WIDTH, explain, render  # noqa: PLC0415
    from stoker.published.rules import load_rules  # noqa: PLC0415

    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    lines = render(advice, width=width, glyphs=glyphs_of_output())
    return [*lines, *explain(advice, load_rules(), width=width)] if everything else lines


def _refuse_contradiction(advice: Advice) -> None:
    if advice.answer is Answer.CONTRADICTION:
        from stoker.library.judging.costing import contradiction  # noqa: PLC0415

        raise contradiction(advice)


def _plain(value: Any) -> Any:
    """`value` in JSON's own kinds."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value
