"""What the verbs of the store share: where the store is, and names as arguments."""

from __future__ import annotations

from collections.abc import Sequence

import click

from stoker.core.model import ModelRef
from stoker.models.store import Listing, Store
from stoker.state.home import Home


def open_store() -> Store:
    """The store of the home that the environment names; nothing is created."""
    return Store(Home.find().models)


def parse_refs(texts: tuple[str, ...]) -> list[ModelRef]:
    """Each name once, in the order given.

    Raises:
        InvalidModelNameError: one is no name.
    """
    return list(dict.fromkeys(ModelRef.parse(text) for text in texts))


def warn_damaged(listing: Listing) -> None:
    """Say on the standard error which names cannot be read."""
    for name in listing.damaged:
        click.echo(f"warning: the manifest {name} cannot be read", err=True)
    if listing.damaged:
        click.echo("hint: `stoker verify --all` sets it aside", err=True)


def show_table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print columns under their names, each as wide as its widest word."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
