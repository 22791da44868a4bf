"""`stoker gc`: free what no stored model needs."""

from __future__ import annotations

from dataclasses import asdict

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store
from stoker.core.errors import StoreDamagedError
from stoker.core.units import format_bytes
from stoker.models.storing.housekeeping import collect


@click.command("gc", short_help="Free what no stored model needs.")
@click.option("--parts", is_flag=True, help="Drop every unfinished download, also a new one.")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
def command(*, parts: bool, dry_run: bool, as_json: bool) -> None:
    """Free what no stored model needs.

    Files that no name pins; unfinished downloads and set-aside files after 7 days, with --parts
    the downloads at once. Never what a running model or a download holds.

    \b
    Examples:
      stoker gc --dry-run
      stoker gc --parts
      stoker gc --json
    """
    done = collect(open_store(), dry_run=dry_run, all_parts=parts)
    if as_json:
        removed = [asdict(one) for one in done.removed]
        print_json({"removed": removed, "freed_bytes": done.size_bytes, "dry_run": dry_run})
    else:
        for one in done.removed:
            click.echo(f"{one.kind}  {format_bytes(one.size_bytes)}  {one.name}")
        click.echo(f"{format_bytes(done.size_bytes)} {'would be ' if dry_run else ''}freed.")
    if done.damaged:
        raise StoreDamagedError(f"Files were kept because {done.damaged[0]} cannot be read")
