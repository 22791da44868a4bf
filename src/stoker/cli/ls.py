"""`stoker ls`: the models on this machine's disk."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store, show_table, warn_damaged
from stoker.core.model import LocalModel
from stoker.core.units import format_bytes, format_count
from stoker.models.catalogue import starter
from stoker.models.sources.reference import shown_source
from stoker.models.storing.manifest import Manifest
from stoker.models.storing.store import Store


@click.command("ls", short_help="List the models that are stored here.")
@json_option
def command(*, as_json: bool) -> None:
    """List the models that are stored here, and the one that comes with Stoker.

    A model of which a file is not in the store any more is marked `missing`.

    Sources are shortened; --json has them whole, with the digests that pin them.

    \b
    Examples:
      stoker ls
      stoker ls --json
    """
    store = open_store()
    listing = store.listing()
    warn_damaged(listing)
    if as_json:
        stored = [describe(one, store) for one in listing.manifests]
        print_json([*stored, describe_built_in(starter())])
        return
    show_table(HEAD, [*(_row(one, store) for one in listing.manifests), _built_in_row(starter())])
    if not listing.manifests:
        click.echo("Nothing is stored yet; `stoker pull` fetches models.", err=True)


SOURCE_MAX = 48
HEAD = ("NAME", "SIZE", "QUANTIZATION", "PARAMETERS", "FETCHED (UTC)", "SOURCE")


def describe(manifest: Manifest, store: Store) -> dict[str, Any]:
    """What `ls --json` keeps stable about one model; sizes in bytes."""
    return {
        "model": str(manifest.ref),
        "bytes": manifest.size_bytes,
        "quantization": manifest.facts.get("quantization"),
        "parameters": manifest.facts.get("parameters"),
        "fetched_unix_s": manifest.fetched_unix_s,
        "source": shown_source(manifest.source),
        "digests": [layer.digest for layer in manifest.layers],
        "missing": _missing(manifest, store),
        "built_in": False,
    }


def describe_built_in(model: LocalModel) -> dict[str, Any]:
    """The same of a model that comes with Stoker: no source, and never fetched."""
    return {
        "model": str(model.ref),
        "bytes": model.facts.file_bytes,
        "quantization": model.facts.quantization,
        "parameters": model.facts.parameters,
        "fetched_unix_s": None,
        "source": None,
        "digests": [model.facts.digest],
        "missing": [],
        "built_in": True,
    }


def _missing(manifest: Manifest, store: Store) -> list[str]:
    return [one.digest for one in manifest.layers if not store.has(one.digest)]


def short_source(text: str) -> str:
    """A source for a person: without the digests that pin it, and cut in its middle if long."""
    text = re.sub(r"#(commit|sha256)=[0-9a-f]+$|@sha256:[0-9a-f]{64}$", "", shown_source(text))
    text = re.sub(r"@([0-9a-f]{12})[0-9a-f]{28}$", r"@\1", text)
    if len(text) <= SOURCE_MAX:
        return text
    half = (SOURCE_MAX - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def _row(manifest: Manifest, store: Store) -> tuple[str, ...]:
    parameters = manifest.facts.get("parameters")
    when = datetime.fromtimestamp(manifest.fetched_unix_s, UTC)
    return (
        str(manifest.ref),
        "missing" if _missing(manifest, store) else format_bytes(manifest.size_bytes),
        str(manifest.facts.get("quantization") or "-"),
        format_count(parameters) if isinstance(parameters, int) else "-",
        when.strftime("%Y-%m-%d %H:%M"),
        short_source(manifest.source),
    )


def _built_in_row(model: LocalModel) -> tuple[str, ...]:
    facts = model.facts
    size, parameters = format_bytes(facts.file_bytes), format_count(facts.parameters)
    return str(model.ref), size, facts.quantization, parameters, "-", "comes with Stoker"
