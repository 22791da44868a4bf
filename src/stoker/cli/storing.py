"""What the verbs of the store share: where the store is, and names as arguments."""

from __future__ import annotations

from collections.abc import Sequence

import click

from stoker.core.errors import InvalidModelNameError
from stoker.core.model import ModelRef
from stoker.models.storing.store import RESERVED, Listing, Store
from stoker.state.home import Home


def open_store() -> Store:
    """The store of the home that the environment names; nothing is created."""
    return Store(Home.find().models)


def parse_refs(texts: tuple[str, ...]) -> list[ModelRef]:
    """Each name once, in the order given.

    Raises:
        InvalidModelNameError: one is no name, or is that of a model that is not in the store.
    """
    return list(dict.fromkeys(parse_ref(text) for text in texts))


def parse_ref(text: str) -> ModelRef:
    """The name that a model of the store may have.

    Raises:
        InvalidModelNameError: it is no name, or that of the model that comes with Stoker.
    """
    ref = ModelRef.parse(text)
    if ref == RESERVED:
        raise InvalidModelNameError(
            f"{ref} comes with Stoker, and is not in the store", hint="`stoker ls` lists what is"
        )
    return ref


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
