"""`stoker version`."""

from __future__ import annotations

import platform
from importlib import metadata

import click

from stoker import __version__
from stoker.cli.options import json_option, print_json


@click.command("version", short_help="Print the versions of Stoker and its engine.")
@json_option
def command(*, as_json: bool) -> None:
    """Print the versions of Stoker, its engine and Python.

    \b
    Examples:
      stoker version
      stoker version --json
    """
    versions = {
        "stoker": __version__,
        "engine": f"llama.cpp (xllamacpp {metadata.version('xllamacpp')})",
        "python": platform.python_version(),
    }
    if as_json:
        print_json(versions)
        return
    for name, version in versions.items():
        click.echo(f"{name} {version}")
