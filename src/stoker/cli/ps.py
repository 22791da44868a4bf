"""`stoker ps`: the models of the running service."""

from __future__ import annotations

from typing import Any

import click

from stoker.cli.options import json_option, print_json
from stoker.client import ServiceClient
from stoker.core.errors import NotRunningError
from stoker.core.units import format_bytes
from stoker.state.home import Home


@click.command("ps", short_help="Show the models of the running service.")
@json_option
def command(*, as_json: bool) -> None:
    """Show the models of the running service: state, process, memory, slots.

    Without a service the list is empty.

    \b
    Examples:
      stoker ps
      stoker ps --json
    """
    rows = _rows()
    if as_json:
        print_json(rows)
        return
    _print_table(rows)


def _rows() -> list[dict[str, Any]]:
    try:
        return ServiceClient(Home.find()).models()
    except NotRunningError as error:
        click.echo(f"{error.message}; {error.hint}", err=True)
        return []


def _print_table(rows: list[dict[str, Any]]) -> None:
    heads = ("MODEL", "STATE", "PID", "MEMORY", "SLOTS BUSY", "WAITING")
    table = [heads, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in table) for i in range(len(heads))]
    for line in table:
        click.echo("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip())


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    memory = row["memory_bytes"]
    return (
        row["model"],
        row["state"],
        str(row["pid"] or "-"),
        format_bytes(memory) if memory else "-",
        f"{row['slots_busy']}/{row['slots']}",
        str(row["waiting"]),
    )
