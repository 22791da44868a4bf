"""`stoker show`: what a model is.

Owns where the facts come from. How they are written is `describing`'s, for far models too.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import click

from stoker.cli.describing import describe, show
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import open_store
from stoker.core.errors import ModelNotFoundError
from stoker.core.model import ModelFacts
from stoker.models.catalogue import digest, find_model, looks_like_path
from stoker.models.checkpoint import read_checkpoint
from stoker.models.sources.reference import is_far, parse_reference, shown_source


@click.command("show", short_help="Show what a model is, from its file's header.")
@click.argument("model")
@json_option
def command(model: str, *, as_json: bool) -> None:
    """Show what a model is, from its file's header.

    MODEL is `starter`, a stored name, a .gguf file's path, a Hugging Face folder with config.json
    and *.safetensors, or whatever `stoker pull` takes: of a far file only the header is fetched.
    No engine is started, and no weights are read.

    \b
    Examples:
      stoker show starter
      stoker show ./my-model.gguf --json
      stoker show ./Qwen3-0.6B/
      stoker show hf:owner/repo:Q4_K_M
    """
    facts, name = _look(model) if is_far(model) else _find(model)
    if as_json:
        print_json(describe(facts, model=name))
    else:
        show(facts, model=name)


def _look(text: str) -> tuple[ModelFacts, str]:
    """The facts of a model that lies elsewhere, and where exactly."""
    reference = parse_reference(text)
    from stoker.models.looking import look_at  # noqa: PLC0415 - a web library

    facts, source = asyncio.run(look_at(reference))
    return facts, shown_source(source)


def _find(text: str) -> tuple[ModelFacts, str]:
    """The facts of what `text` names, and its name.

    Raises:
        ModelNotFoundError, ModelFileError: there is none, or it cannot be read.
    """
    path = Path(text).expanduser()
    if looks_like_path(text) and path.is_dir():
        return read_checkpoint(path), path.resolve().name
    try:
        found = find_model(text, open_store())
    except ModelNotFoundError as error:
        if not path.is_dir():
            raise
        hint = f"for the folder of that name, write ./{text}"
        raise ModelNotFoundError(error.message, hint=hint) from None
    facts = replace(found.facts, digest=found.facts.digest or digest(found.path))
    return facts, str(found.ref)
