"""Options that more than one verb has."""

from __future__ import annotations

import json
from typing import Any

import click

from stoker.planning.defaults import CONTEXT_MAX, CONTEXT_MIN

context_option = click.option(
    "--ctx",
    type=click.IntRange(CONTEXT_MIN, CONTEXT_MAX),
    metavar="TOKENS",
    help="Context of each slot.",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="Processor threads (default: physical cores)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def print_json(value: Any) -> None:
    """Print `value` as one JSON document on the standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))
