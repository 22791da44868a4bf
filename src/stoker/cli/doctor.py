"""`stoker doctor`: what this machine has, and how workers are caged here."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any

import click

from stoker.cli.options import json_option, print_json
from stoker.core.units import format_bytes, format_seconds
from stoker.machine.document import document_of
from stoker.machine.facts import read_machine
from stoker.state.home import Home

_UNHEALTHY = 6


@click.command("doctor", short_help="Show what this machine has and how workers are caged here.")
@json_option
def command(*, as_json: bool) -> None:
    """Show what this machine has, and load the starter model to see how its worker is caged.

    The exit code is 6 where a part of the cage could not be applied.

    \b
    Examples:
      stoker doctor
      stoker doctor --json
    """
    document = _examine()
    if as_json:
        print_json(document)
    else:
        _print(document)
    if not all(part["applied"] for part in document["cage"]):
        sys.exit(_UNHEALTHY)


def _examine() -> dict[str, Any]:
    from stoker.library.blocking import LocalModelRuntime  # noqa: PLC0415 - help stays light

    home = Home.find().prepare()
    with LocalModelRuntime("starter") as runtime:
        statistics = runtime.statistics()
        cage = runtime.cage()
    return {
        "home": str(home.root),
        "machine": document_of(read_machine(store=home.models)),
        "starter_load_s": statistics.cold_start and round(statistics.cold_start.total_s, 4),
        "cage": [asdict(mechanism) for mechanism in cage.mechanisms],
    }


def _print(document: dict[str, Any]) -> None:
    machine = document["machine"]
    click.echo(f"home     {document['home']}")
    click.echo(f"cores    {machine['cores']}")
    click.echo(
        f"memory   {format_bytes(machine['memory_available_bytes'])} available "
        f"of {format_bytes(machine['memory_total_bytes'])} (`stoker machine` tells the rest)"
    )
    click.echo(f"starter  loads in {format_seconds(document['starter_load_s'] or 0.0)}")
    for part in document["cage"]:
        state = "applied" if part["applied"] else "NOT APPLIED"
        click.echo(f"cage     {part['name']}: {state} ({part['detail']})")
