"""`stoker serve`: the service."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stoker.cli.completing import Model
from stoker.cli.options import context_option, threads_option
from stoker.cli.storing import open_store
from stoker.core.plan import Plan
from stoker.machine.facts import read_machine
from stoker.models.catalogue import find_model
from stoker.planning.defaults import Wishes, make_plan

if TYPE_CHECKING:
    from stoker.library.plan_files.execution import Execution

SERVICE_SLOTS = 4


@click.command("serve", short_help="Answer OpenAI clients from models on this machine.")
@click.argument("models", nargs=-1, type=Model(), metavar="[MODEL]...")
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="Run a written plan.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8707, show_default=True, type=click.IntRange(0, 65535))
@click.option(
    "--parallel",
    type=click.IntRange(1, 256),
    help=f"Answers at a time for each model.  [default: {SERVICE_SLOTS}]",
)
@click.option(
    "--queue",
    type=click.IntRange(0, 100_000),
    default=64,
    show_default=True,
    help="Requests that may wait for each model.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0.1),
    default=120.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a request may wait for its turn.",
)
@click.option(
    "--load-timeout",
    type=click.FloatRange(min=1),
    default=600.0,
    show_default=True,
    metavar="SECONDS",
    help="How long a model may take to load.",
)
@click.option(
    "--drain",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long answers may go on after SIGTERM.",
)
@context_option
@threads_option
@click.option("--preload", is_flag=True, help="Load every model at once, not on first use.")
@click.option("--allow-host", multiple=True, metavar="NAME", help="Another Host header to take.")
def command(  # noqa: PLR0913 - one parameter for each option
    models: tuple[str, ...],
    plan_file: Path | None,
    host: str,
    port: int,
    parallel: int | None,
    queue: int,
    wait: float,
    load_timeout: float,
    drain: float,
    ctx: int | None,
    threads: int | None,
    *,
    preload: bool,
    allow_host: tuple[str, ...],
) -> None:
    """Answer OpenAI clients from models on this machine.

    Each MODEL is `starter`, a stored name, a .gguf file's path, or NAME=PATH; clients use the name.
    Without one, the starter model is served. A model is loaded on first use and kept. SIGTERM and
    Ctrl-C let running answers end.

    With --plan the models of a plan run as `stoker plan --write` wrote it, if their files are those
    that were planned and this machine can hold them and has the planned device.

    An address other than loopback needs an API key in the environment variable STOKER_API_KEY.

    \b
    Examples:
      stoker serve
      stoker serve --plan stoker.toml
      stoker serve starter shop=./shop-7b-q8_0.gguf --parallel 2 --ctx 4096
      STOKER_API_KEY=... stoker serve --host 0.0.0.0 --allow-host models.example
    """
    from stoker import app  # noqa: PLC0415 - help must not import the web server
    from stoker.state.home import Home  # noqa: PLC0415
    from stoker.workers.limits import WorkerLimits  # noqa: PLC0415

    _log_to_stderr()
    planned = _planned(models, plan_file, Wishes(ctx, parallel, threads))
    settings = app.ServiceSettings(
        plans=planned.plans,
        pins=planned.pins,
        predicted=planned.predicted,
        host=host,
        port=port,
        key=os.environ.pop("STOKER_API_KEY", None) or None,
        allowed_hosts=frozenset(name.lower() for name in allow_host),
        queue_max=queue,
        queue_wait_s=wait,
        preload=preload,
        drain_s=drain,
        limits=WorkerLimits(load_s=load_timeout),
    )
    app.run(settings, Home.find(), _announce)


def _planned(models: tuple[str, ...], plan_file: Path | None, wishes: Wishes) -> Execution:
    """What is to be served: what a written plan says, or what the options do."""
    from stoker.library.plan_files.execution import Execution  # noqa: PLC0415 - help stays light

    if plan_file is not None:
        return _written(plan_file, given=bool(models) or wishes != Wishes())
    machine, store = read_machine(), open_store()
    plans = [
        make_plan(find_model(model, store), machine, wishes, slots_default=SERVICE_SLOTS)
        for model in models or ("starter",)
    ]
    _refuse_twice(plans)
    return Execution(tuple(plans))


def _written(path: Path, *, given: bool) -> Execution:
    if given:
        raise click.UsageError(
            "A plan says which models run and how: leave MODEL and its options out."
        )
    from stoker.library.plan_files.executing import prepare  # noqa: PLC0415 - pydantic
    from stoker.library.plan_files.plan_file import read_plan  # noqa: PLC0415

    execution = prepare(read_plan(path), open_store(), read_machine())
    _refuse_twice(execution.plans)
    for warning in execution.warnings:
        click.echo(f"warning: {warning}", err=True)
    return execution


def _refuse_twice(plans: Sequence[Plan]) -> None:
    names = [plan.model.ref for plan in plans]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise click.UsageError(f"Two models have the name {twice[0]}: give one as NAME=PATH.")


def _announce(url: str) -> None:
    click.echo(f"Stoker listens on {url} (Ctrl-C ends it)", err=True)


def _log_to_stderr() -> None:
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
