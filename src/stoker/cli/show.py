"""`stoker show`: what a model is.

Owns where the facts come from. How they are written is `describing`'s, for far models too.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from stoker.cli.completing import Model
from stoker.cli.options import json_option, print_json
from stoker.cli.pages.describing import describe, show
from stoker.cli.storing import open_store
from stoker.cli.terminal.meter import metered
from stoker.core.errors import ModelFileMissingError, ModelNotFoundError
from stoker.core.model import ModelFacts
from stoker.models.catalogue import find_model, looks_like_path
from stoker.models.sources.reference import is_far, parse_reference, shown_source
from stoker.models.storing.known_digests import Identity, KnownDigests
from stoker.models.storing.store import hash_file
from stoker.state.home import Home


@click.command("show", short_help="Show what a model is, from its file's header.")
@click.argument("model", type=Model())
@click.option("--digest", "wants_digest", is_flag=True, help="Hash the file, if nobody has yet.")
@json_option
def command(model: str, *, wants_digest: bool, as_json: bool) -> None:
    """Show what a model is, from its file's header.

    MODEL is `starter`, a stored name, a .gguf file's path, a Hugging Face folder with config.json
    and *.safetensors, or whatever `stoker pull` takes: of a far file only the header is fetched.
    No engine is started, and no weights are read, unless --digest asks for the sha256 of a file
    that is not stored; it is remembered until the file changes.

    \b
    Examples:
      stoker show starter
      stoker show ./my-model.gguf --json
      stoker show ./my-model.gguf --digest
      stoker show ./Qwen3-0.6B/
      stoker show hf:owner/repo:Q4_K_M
    """
    facts, name = _look(model) if is_far(model) else _find(model, wants_digest=wants_digest)
    can_hash = facts.container == "gguf" and not is_far(model)
    if wants_digest and not can_hash:
        raise click.UsageError("--digest is for a .gguf file on this machine.")
    if as_json:
        print_json(describe(facts, model=name))
    else:
        show(facts, model=name, hints={"digest": "stoker show --digest"} if can_hash else None)


def _look(text: str) -> tuple[ModelFacts, str]:
    """The facts of a model that lies elsewhere, and where exactly."""
    reference = parse_reference(text)
    import asyncio  # noqa: PLC0415 - slow to import, and a file here needs none of it

    from stoker.models.looking.look import look_at  # noqa: PLC0415 - a web library

    facts, source = asyncio.run(look_at(reference))
    return facts, shown_source(source)


def _find(text: str, *, wants_digest: bool) -> tuple[ModelFacts, str]:
    """The facts of what `text` names, and its name.

    Raises:
        ModelNotFoundError, ModelFileError: there is none, or it cannot be read.
    """
    path = Path(text).expanduser()
    if looks_like_path(text) and path.is_dir():
        from stoker.models.checkpoint.folder import read_checkpoint  # noqa: PLC0415 - for folders alone

        return read_checkpoint(path), path.resolve().name
    try:
        found = find_model(text, open_store())
    except ModelNotFoundError as error:
        if not path.is_dir():
            raise
        hint = f"for the folder of that name, write ./{text}"
        raise ModelNotFoundError(error.message, hint=hint) from None
    facts = found.facts
    if facts.digest is None:
        facts = replace(facts, digest=_digest(found.path, asked=wants_digest))
    return facts, str(found.ref)


def _digest(path: Path, *, asked: bool) -> str | None:
    """The digest of a file outside the store: remembered, or hashed now if that is `asked`.

    Raises:
        ModelFileMissingError: it cannot be read to its end.
    """
    known = KnownDigests(Home.find().digests)
    found = known.get(path)
    if found is not None or not asked:
        return found
    try:
        before = Identity.of(path)
        found = _hash(path, before.size_bytes)
        if Identity.of(path) == before:
            known.remember(before, found)
    except OSError as error:
        raise ModelFileMissingError(f"{path.name}: cannot be read: {error.strerror}") from error
    return found


def _hash(path: Path, size_bytes: int) -> str:
    done = 0
    with metered() as told:

        def tell(count: int) -> None:
            nonlocal done
            done += count
            told(done, size_bytes)

        return hash_file(path, tell)
