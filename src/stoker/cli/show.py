"""`stoker show`: what a model is."""

from __future__ import annotations

from typing import Any

import click

from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store
from stoker.core.model import LocalModel
from stoker.core.units import format_bytes, format_count
from stoker.models.catalogue import digest, find_model


@click.command("show", short_help="Show what a model is, from its file's header.")
@click.argument("model")
@json_option
def command(model: str, *, as_json: bool) -> None:
    """Show what a model is, from its file's header.

    MODEL is `starter`, a stored name or a .gguf file's path. No engine is started.

    \b
    Examples:
      stoker show starter
      stoker show ./my-model.gguf --json
    """
    document = describe(find_model(model, open_store()))
    if as_json:
        print_json(document)
        return
    shown = {
        **document,
        "parameters": format_count(document["parameters"]),
        "bytes": format_bytes(document["bytes"]),
    }
    for name, value in shown.items():
        click.echo(f"{name.ljust(14)}  {'-' if value in (None, '') else value}")


def describe(model: LocalModel) -> dict[str, Any]:
    """A model's facts under the names that `show --json` keeps stable."""
    facts = model.facts
    return {
        "model": str(model.ref),
        "name": facts.name,
        "architecture": facts.architecture,
        "task": facts.task.value,
        "parameters": facts.parameters,
        "quantization": facts.quantization,
        "bytes": facts.file_bytes,
        "context": facts.context_length,
        "layers": facts.layers,
        "vocabulary": facts.vocabulary,
        "chat_template": facts.chat_template,
        "licence": facts.licence,
        "digest": facts.digest or digest(model.path),
    }
