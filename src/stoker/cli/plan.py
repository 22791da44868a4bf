"""`stoker plan`: does a model fit here, how is it run, how fast, and why."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.completing import MachineName, Model
from stoker.cli.options import context_option, json_option, print_json, threads_option
from stoker.core.errors import InvalidPlanError, InvalidRequestError, NotEnoughMemoryError
from stoker.core.needs import DataPlace, Needs, Quality
from stoker.core.plan import KV_TYPES, Verdict
from stoker.core.units import MIB, format_bytes, parse_bytes

if TYPE_CHECKING:
    from stoker.core.machine import Machine
    from stoker.core.proposal import Proposal, Resident
    from stoker.library.judging.costing import StatedNeeds
    from stoker.library.judging.planning import Order

WIDTH = 100


class Size(click.ParamType[int]):
    """A number of bytes as people write it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The bytes; a usage error where it is no size."""
        try:
            size = value if isinstance(value, int) else parse_bytes(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if size < MIB:
            self.fail(f"{value} is {format_bytes(size)}: add a unit, as in 8GiB", param, ctx)
        return size


@click.command("plan", short_help="Say whether models fit here, how to run them, and how fast.")
@click.argument("models", nargs=-1, type=Model(), metavar="[MODEL]...")
@context_option
@click.option("--parallel", type=click.IntRange(1, 256), help="Answers at a time.")
@click.option("--kv-type", type=click.Choice(list(KV_TYPES)), help="Format of the KV cache.")
@threads_option
@click.option("--engine", type=click.Choice(["llamacpp"]), default="llamacpp", help="What runs it.")
@click.option("--budget", type=Size(), help="Memory that may be taken, such as 8GiB.")
@click.option("--needs", type=click.Path(path_type=Path), help="A TOML file of needs; see advise.")
@click.option(
    "--data", type=click.Choice([one.value for one in DataPlace]), help="Where data may go."
)
@click.option("--offline", is_flag=True, default=None, help="It must work without a network.")
@click.option(
    "--quality", type=click.Choice([one.value for one in Quality]), help="How good it must be."
)
@click.option("--requests", "requests_per_day", type=float, help="Requests a day, for the cost.")
@click.option(
    "--machine",
    type=MachineName(),
    metavar="FILE|PRESET",
    help="Another machine; see `stoker machine`.",
)
@click.option(
    "--write", type=click.Path(path_type=Path), help="Write the plan, for `serve --plan`."
)
@click.option("--force", is_flag=True, help="Overwrite the plan if the file exists.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw it as an SVG file.")
@click.option("--explain", "explained", is_flag=True, help="Explain it in plain words.")
@json_option
def command(  # noqa: PLR0913 - one parameter for each option
    models: tuple[str, ...],
    ctx: int | None,
    parallel: int | None,
    kv_type: str | None,
    threads: int | None,
    engine: str,
    budget: int | None,
    needs: Path | None,
    machine: str | None,
    write: Path | None,
    plot: Path | None,
    *,
    force: bool,
    explained: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Say whether models fit here, how to run them, how fast they will be, and why.

    MODEL is whatever `stoker show` takes: of a far one only the header is fetched. Several are
    planned so that all are loaded at a time. Without one: what this machine can run. The exit code
    is 3 where a model does not fit, and the hint is the smallest change that would help.

    \b
    Examples:
      stoker plan starter
      stoker plan hf:owner/repo:Q4_K_M --ctx 8192 --parallel 2
      stoker plan shop reader --budget 12GiB --write stoker.toml
      stoker plan --machine rtx-4090
    """
    from stoker.library.judging.planning import Order  # noqa: PLC0415 - help stays light
    from stoker.planning.defaults import Wishes  # noqa: PLC0415

    _check_files(write, plot, force=force)
    order = Order(
        models=models,
        wishes=Wishes(context=ctx, slots=parallel, threads=threads),
        kv_type=kv_type or "f16",
        engine=engine,
        budget_bytes=budget,
        machine=_machine(machine),
        stated=_stated(needs, {"context": ctx, **flags}),
        pin=write is not None,
    )
    if explained and as_json:
        raise InvalidRequestError(
            "--explain is for people, and JSON has the reasons as it is",
            hint="leave one of them out",
        )
    if not models:
        _refuse_without_a_model(write, plot)
        _list(order, explained=explained, as_json=as_json)
        return
    _plan(order, write, plot, explained=explained, as_json=as_json)


def _plan(
    order: Order, write: Path | None, plot: Path | None, *, explained: bool, as_json: bool
) -> None:
    from stoker.library.judging.planning import plan_models  # noqa: PLC0415

    resident, machine = plan_models(order)
    if as_json:
        from stoker.cli.pages.plan_document import describe  # noqa: PLC0415

        print_json(describe(resident, machine))
    else:
        click.echo("\n".join(_lines(resident, machine, explained=explained)))
    if plot is not None:
        from stoker.cli.drawing.plan_plot import plot as drawn  # noqa: PLC0415

        _write_file(plot.expanduser(), drawn(resident))
    if resident.contradiction is not None:
        raise resident.contradiction
    _refuse_what_does_not_fit(resident, order.stated.needs if order.stated else Needs())
    if write is not None:
        elsewhere = order.machine is not None
        _write_plan(write.expanduser(), resident, machine, elsewhere=elsewhere)


def _check_files(write: Path | None, plot: Path | None, *, force: bool) -> None:
    """Refuse what cannot be written as it was asked, before anything is planned.

    Raises:
        InvalidRequestError: the plan's file exists, or is no plan; or the plot's is no SVG.
    """
    if "-" in {str(write), str(plot)}:
        raise InvalidRequestError(
            "A plan is written to a file, not to the standard output",
            hint="name one; or use --json",
        )
    if plot is not None and plot.suffix.lower() not in {"", ".svg"}:
        raise InvalidRequestError(
            f"{plot} would hold SVG", hint=f"call it {plot.with_suffix('.svg')}"
        )
    if write is None or not write.expanduser().exists():
        return
    if not _is_plan(write.expanduser()):
        raise InvalidRequestError(f"{write} is there and is no plan", hint="choose another --write")
    if not force:
        raise InvalidRequestError(
            f"{write} exists", hint="choose another --write, or use --force to overwrite it"
        )


def _is_plan(path: Path) -> bool:
    from stoker.library.plan_files.plan_file import read_plan  # noqa: PLC0415 - help stays light

    try:
        read_plan(path)
    except InvalidPlanError:
        return False
    return True


def _write_plan(path: Path, resident: Resident, machine: Machine, *, elsewhere: bool) -> None:
    from stoker.library.plan_files.plan_file import plan_file_of, to_toml  # noqa: PLC0415

    _write_file(path, to_toml(plan_file_of(resident, machine)))
    where = f" on {machine.name or 'that machine'}, not here," if elsewhere else ""
    click.echo(f"written to {path}; run it{where} with `stoker serve --plan {path}`", err=True)


def _write_file(path: Path, text: str) -> None:
    from stoker.files.disk import write_whole  # noqa: PLC0415

    if not path.absolute().parent.is_dir():
        raise InvalidRequestError(f"There is no folder for {path}", hint="make it first")
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise InvalidRequestError(
            f"{path} cannot be written: {error.strerror}", hint="choose another place"
        ) from error


def _list(order: Order, *, explained: bool, as_json: bool) -> None:
    from stoker.library.judging.planning import what_runs  # noqa: PLC0415

    found = what_runs(order)
    if as_json:
        from stoker.cli.pages.plan_document import describe_rows  # noqa: PLC0415

        print_json(describe_rows(found.rows, found.machine, found.too_short))
        return
    from stoker.cli.pages.plan_table import explain_rows, render_rows  # noqa: PLC0415

    width = _width()
    lines = render_rows(found.rows, found.machine, found.too_short, width=width)
    click.echo("\n".join([*lines, *(explain_rows(width=width) if explained else ())]))


def _lines(resident: Resident, machine: Machine, *, explained: bool) -> list[str]:
    from stoker.cli.drawing.glyphs import glyphs_of_output  # noqa: PLC0415
    from stoker.cli.pages.plan_text import explain, render  # noqa: PLC0415

    width = _width()
    lines = render(resident, machine, width=width, glyphs=glyphs_of_output())
    return [*lines, *explain(resident, width=width)] if explained else lines


def _width() -> int:
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def _machine(words: str | None) -> Machine | None:
    if words is None:
        return None
    from stoker.machine.document import load_machine  # noqa: PLC0415

    return load_machine(words)


def _stated(path: Path | None, flags: dict[str, Any]) -> StatedNeeds | None:
    """The needs that somebody stated; None where nobody did."""
    given = {name: value for name, value in flags.items() if value is not None}
    if path is None and not set(given) - {"context"}:
        return None
    from stoker.library.judging.constraints import read_constraints, read_document  # noqa: PLC0415
    from stoker.library.judging.costing import StatedNeeds  # noqa: PLC0415

    document = read_document(path.expanduser()) if path is not None else {}
    return StatedNeeds(read_constraints({**document, **given}))


def _refuse_without_a_model(write: Path | None, plot: Path | None) -> None:
    if write is not None or plot is not None:
        raise InvalidRequestError(
            "There is no model to plan", hint="name one, for instance `stoker plan starter`"
        )


def _refuse_what_does_not_fit(resident: Resident, needs: Needs) -> None:
    """Exit code 3, and the smallest change as the hint.

    Raises:
        NotEnoughMemoryError: a model of the set does not fit.
    """
    for proposal in resident.proposals:
        if not proposal.verdict.usable:
            reason = next(one.say for one in proposal.reasons if one.about == "verdict")
            ref = proposal.plan.model.ref
            hint = _way_out(proposal, resident, needs)
            word = proposal.verdict.value.replace("_", " ")
            raise NotEnoughMemoryError(f"{ref} {word}: it takes {reason}", hint=hint)


def _way_out(proposal: Proposal, resident: Resident, needs: Needs) -> str:
    """The smallest change; and to wait, where only other programs stand in the way."""
    change = proposal.changes[0].say if proposal.changes else ""
    if proposal.verdict is not Verdict.DOES_NOT_FIT_NOW:
        return change or _nothing_helps(resident, needs)
    wait = "close other programs, or wait: it fits here once they give back what they have"
    if len(resident.proposals) > 1 and not change:
        return _nothing_helps(resident, needs)
    return f"{change}; or {wait}" if change else wait


def _nothing_helps(resident: Resident, needs: Needs) -> str:
    if len(resident.proposals) > 1:
        return "plan fewer models at a time, or give a larger --budget"
    where = f"use a larger machine{_or_an_api(needs)}"
    return f"no smaller form of it fits, nor any model that is known; {where}"


def _or_an_api(needs: Needs) -> str:
    """An endpoint as the way out, as far as data may go to one."""
    if needs.offline or needs.data in {DataPlace.MACHINE, DataPlace.NETWORK}:
        return ""
    limits = {DataPlace.MIXED: " for what may leave", None: ", if data may leave"}
    return f" or an API{limits.get(needs.data, '')}"
