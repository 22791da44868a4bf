"""`stoker df`: what the store takes of the disk."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, show_table
from stoker.core.units import format_bytes
from stoker.models.storing.housekeeping import Usage, usage
from stoker.models.storing.unfinished import Unfinished

PARTS_HEAD = ("UNFINISHED", "HERE", "ON DISK", "AGE")


@click.command("df", short_help="Show what the stored models take of the disk.")
@json_option
def command(*, as_json: bool) -> None:
    """Show what the stored models take of the disk.

    A file that several names share counts once in the totals. Unfinished downloads are listed with
    what they take; pulling the same again goes on with one, `stoker gc --parts` drops them.

    \b
    Examples:
      stoker df
      stoker df --json
    """
    store = open_store()
    found = usage(store)
    if as_json:
        print_json({**describe(found), "store": str(store.root)})
        return
    rows = [
        (name, format_bytes(whole), format_bytes(own))
        for name, (whole, own) in found.models.items()
    ]
    show_table(("NAME", "SIZE", "ITS OWN"), rows)
    click.echo()
    if found.parts:
        show_table(PARTS_HEAD, [_part_row(one) for one in found.parts])
        click.echo()
    click.echo(f"{'store'.ljust(12)}  {store.root}")
    for key, size_bytes in _totals(found).items():
        click.echo(f"{key.ljust(12)}  {format_bytes(size_bytes)}")


def describe(found: Usage) -> dict[str, object]:
    """What `df --json` keeps stable; all in bytes."""
    models = {
        name: {"bytes": whole, "own_bytes": own} for name, (whole, own) in found.models.items()
    }
    parts = [asdict(one) for one in found.parts]
    return {
        "models": models,
        "unfinished": parts,
        **{f"{key}_bytes": size for key, size in _totals(found).items()},
    }


def _part_row(one: Unfinished) -> tuple[str, ...]:
    size = "?" if one.size_bytes is None else format_bytes(one.size_bytes)
    age = "goes on now" if one.held else _age(time.time() - one.changed_unix_s)
    done = f"{format_bytes(one.done_bytes)} of {size}"
    return one.source or "not known", done, format_bytes(one.disk_bytes), age


def _age(seconds: float) -> str:
    """Whole minutes, hours or days, whichever is the largest that there is one of."""
    minutes = max(0, int(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def _totals(found: Usage) -> dict[str, int]:
    return {
        "files": found.blobs_bytes,
        "shared": found.shared_bytes,
        "unnamed": found.unnamed_bytes,
        "parts": found.parts_bytes,
        "quarantine": found.quarantine_bytes,
        "free": found.free_bytes,
    }
