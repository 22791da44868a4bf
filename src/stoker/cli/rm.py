"""`stoker rm`: forget models, and free the files that no other name needs."""

from __future__ import annotations

import click

from stoker.cli.completing import Model
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, parse_refs
from stoker.core.units import format_bytes
from stoker.models.storing.housekeeping import collect_blobs


@click.command("rm", short_help="Remove stored models.")
@click.argument("models", nargs=-1, required=True, type=Model(), metavar="MODEL...")
@json_option
def command(models: tuple[str, ...], *, as_json: bool) -> None:
    """Remove stored models, and the files that no other name needs.

    A model that runs is not removed, and neither are the names after it.

    \b
    Examples:
      stoker rm shop
      stoker rm shop:old tiny --json
    """
    store = open_store()
    refs = parse_refs(models)
    for ref in refs:
        store.get(ref)  # a wrong name removes nothing
    for ref in refs:
        removed = store.remove(ref)
        freed = collect_blobs(store, {layer.digest for layer in removed.layers})
        if as_json:
            print_json({"removed": str(ref), "freed_bytes": freed.size_bytes})
        else:
            click.echo(f"Removed {ref}; {format_bytes(freed.size_bytes)} freed.")
