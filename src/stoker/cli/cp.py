"""`stoker cp`: a second name for a stored model."""

from __future__ import annotations

import click

from stoker.cli.completing import Model
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, parse_ref
from stoker.core.model import ModelRef


@click.command("cp", short_help="Give a stored model a second name.")
@click.argument("model", type=Model())
@click.argument("new")
@json_option
def command(model: str, new: str, *, as_json: bool) -> None:
    """Give the stored MODEL the name NEW too; both share their files.

    \b
    Examples:
      stoker cp shop shop:before
      stoker cp shop support --json
    """
    made = open_store().copy(parse_ref(model), ModelRef.parse(new))
    digests = [layer.digest for layer in made.layers]
    if as_json:
        print_json({"model": str(made.ref), "digests": digests})
    else:
        click.echo(f"{made.ref} is {ModelRef.parse(model)}; no file was copied.")
