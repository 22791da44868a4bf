"""`stoker outdated`: which stored models their sources have in a newer state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from stoker.cli.completing import Model
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, parse_refs, show_table, warn_damaged
from stoker.core.units import format_bytes
from stoker.models.pulling.freshness import Freshness, State
from stoker.models.sources.reference import shown_source
from stoker.models.storing.manifest import Manifest
from stoker.models.storing.store import Store

if TYPE_CHECKING:
    from stoker.models.http import Http

HEAD = ("NAME", "STATE", "STORED", "AT ITS SOURCE", "WHY")
_DIGITS = 12


@click.command("outdated", short_help="Say which stored models have changed at their sources.")
@click.argument("models", nargs=-1, type=Model(), metavar="[MODEL]...")
@json_option
def command(models: tuple[str, ...], *, as_json: bool) -> None:
    """Say which stored models have changed at their sources: MODELs, or all of them.

    Each source is asked what it has now under the name that was pulled; nothing is fetched. A
    model is `current`, `newer` there, `gone` from there, `local` (from a file of this machine), or
    `unknown` where its source does not answer. The exit code is 0 whatever the answers are.

    \b
    Examples:
      stoker outdated
      stoker outdated shop tiny --json
    """
    found = _ask(_chosen(open_store(), models))
    if as_json:
        print_json([describe(one) for one in found])
    elif found:
        show_table(HEAD, [_row(one) for one in found])
        _advise(found)
    else:
        click.echo("Nothing is stored yet; `stoker pull` fetches models.", err=True)


def describe(one: Freshness) -> dict[str, Any]:
    """What `outdated --json` keeps stable about one model; sizes in bytes."""
    found = asdict(one)
    return {
        "model": found["model"],
        "state": one.state.value,
        "source": shown_source(one.source),
        "digest": found["digest"],
        "bytes": found["size_bytes"],
        "new_source": one.new_source and shown_source(one.new_source),
        "new_digest": found["new_digest"],
        "new_bytes": found["new_size_bytes"],
        "reason": found["reason"],
    }


def _chosen(store: Store, models: tuple[str, ...]) -> list[Manifest]:
    if models:
        return [store.get(ref) for ref in parse_refs(models)]
    listing = store.listing()
    warn_damaged(listing)
    return list(listing.manifests)


def _ask(manifests: Sequence[Manifest]) -> list[Freshness]:
    from stoker.models.pulling.asking import Asking  # noqa: PLC0415 - help stays light

    return asyncio.run(Asking(open_client).ask(manifests))


def open_client() -> AbstractAsyncContextManager[Http]:
    """A client for one source, for a block."""
    client: AbstractAsyncContextManager[Http]
    client = import_module("stoker.models.download.client").HttpClient()
    return client


def _row(one: Freshness) -> tuple[str, ...]:
    there = _place(one.new_digest, one.new_size_bytes) if one.state is State.NEWER else ""
    return (
        one.model,
        one.state.value,
        _place(one.digest, one.size_bytes),
        there,
        one.reason,
    )


def _place(digest: str | None, size_bytes: int | None) -> str:
    shown = digest.removeprefix("sha256:")[:_DIGITS] if digest else "?"
    return shown if size_bytes is None else f"{shown} ({format_bytes(size_bytes)})"


def _advise(found: Sequence[Freshness]) -> None:
    newer = [one.model for one in found if one.state is State.NEWER]
    if newer:
        what = "1 model is" if len(newer) == 1 else f"{len(newer)} models are"
        click.echo(f"{what} newer there", err=True)
    for model in newer:
        click.echo(f"hint: stoker pull {model}", err=True)
