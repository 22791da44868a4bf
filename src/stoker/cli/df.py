"""`stoker df`: what the store takes of the disk."""

from __future__ import annotations

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, show_table
from stoker.core.units import format_bytes
from stoker.models.housekeeping import Usage, usage


@click.command("df", short_help="Show what the stored models take of the disk.")
@json_option
def command(*, as_json: bool) -> None:
    """Show what the stored models take of the disk.

    A file that several names share counts once in the totals.

    \b
    Examples:
      stoker df
      stoker df --json
    """
    found = usage(open_store())
    if as_json:
        print_json(describe(found))
        return
    rows = [
        (name, format_bytes(whole), format_bytes(own))
        for name, (whole, own) in found.models.items()
    ]
    show_table(("NAME", "SIZE", "ITS OWN"), rows)
    click.echo()
    for key, size_bytes in _totals(found).items():
        click.echo(f"{key.ljust(12)}  {format_bytes(size_bytes)}")


def describe(found: Usage) -> dict[str, object]:
    """What `df --json` keeps stable; all in bytes."""
    models = {
        name: {"bytes": whole, "own_bytes": own} for name, (whole, own) in found.models.items()
    }
    return {"models": models, **{f"{key}_bytes": size for key, size in _totals(found).items()}}


def _totals(found: Usage) -> dict[str, int]:
    return {
        "files": found.blobs_bytes,
        "shared": found.shared_bytes,
        "unnamed": found.unnamed_bytes,
        "parts": found.parts_bytes,
        "quarantine": found.quarantine_bytes,
        "free": found.free_bytes,
    }
