"""From what a person writes to a model on this machine: `starter`, a file, or a stored name."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import (
    InvalidSourceError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelNotFoundError,
)
from stoker.core.model import NAME_LENGTH_MAX, LocalModel, ModelRef
from stoker.models.facts import read_facts
from stoker.models.gguf.split_names import split_name
from stoker.models.storing.manifest import Manifest
from stoker.models.storing.store import RESERVED, Store, near

STARTER = RESERVED
STARTER_FOLDER = Path(__file__).parent / "starter"
_SUFFIX = ".gguf"


def find_model(text: str, store: Store | None = None) -> LocalModel:
    """The model that `text` names: `starter`, a path, `NAME=PATH`, or a name of `store`.

    A stored model's path is its blob, and its digest the one that its name pins; of a split model
    those of the first part.

    Raises:
        ModelNotFoundError: neither a known name nor something that looks like a path; or it lies
            elsewhere and is still to be pulled.
        ModelFileError: the file is missing or not a model.
        StoreDamagedError: what the store wrote down for that name cannot be read.
    """
    if ":" in text:
        _refuse_far(text, store)
    name, equals, path = text.partition("=")
    if equals:
        return _from_file(Path(path), ModelRef.parse(name))
    if looks_like_path(text):
        return _from_file(Path(text), ref_of(Path(text)))
    ref = ModelRef.parse(text)
    if ref == STARTER:
        return starter()
    if store is None:
        raise ModelNotFoundError(f"There is no model {text}")
    return _from_store(store, ref)


def starter() -> LocalModel:
    """The model that comes with Stoker, its digest taken from its manifest."""
    manifest = json.loads((STARTER_FOLDER / "manifest.json").read_text())
    path = STARTER_FOLDER / manifest["file"]
    return LocalModel(STARTER, path, replace(read_facts(path), digest=manifest["digest"]))


def looks_like_path(text: str) -> bool:
    """Whether `text` means a file: it has a separator, or ends as model files do."""
    return "/" in text or text.startswith(("~", ".")) or text.lower().endswith(_SUFFIX)


def ref_of(path: Path) -> ModelRef:
    """The name under which a file is served: its stem, with what a name cannot hold as dashes."""
    stem = path.name[: -len(_SUFFIX)] if path.name.lower().endswith(_SUFFIX) else path.name
    word = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_")[:NAME_LENGTH_MAX].rstrip("-_")
    return ModelRef.parse(word or "model")


def _from_store(store: Store, ref: ModelRef) -> LocalModel:
    try:
        manifest = store.get(ref)
    except ModelNotFoundError as error:
        names = [str(STARTER), *(str(one.ref) for one in store.manifests())]
        raise ModelNotFoundError(error.message, hint=near(str(ref), names)) from None
    _check_here(store, manifest)
    path = store.model_path(manifest)
    return LocalModel(ref, path, replace(read_facts(path), digest=manifest.model.digest))


def _check_here(store: Store, manifest: Manifest) -> None:
    """Raise ModelFileMissingError where a file that an engine would load is not in the store."""
    missing = [layer for layer in manifest.models if not store.has(layer.digest)]
    if missing:
        count = "file" if len(manifest.models) == 1 else f"{len(missing)} of the files"
        raise ModelFileMissingError(
            f"The {count} of {manifest.ref} {'is' if len(missing) == 1 else 'are'} missing",
            hint=f"stoker pull {manifest.ref}",
        )


def _refuse_far(text: str, store: Store | None) -> None:
    """Raise ModelNotFoundError where `text` is a source that lies elsewhere."""
    # Most names are of this machine, and need none of the grammar of sources.
    from stoker.models.sources.reference import (  # noqa: PLC0415
        is_far,
        loosened,
        parse_reference,
        shown_source,
    )

    if not is_far(text):
        return
    shown = shown_source(text)
    wanted = loosened(parse_reference(text))
    for manifest in store.manifests() if store is not None else ():
        with suppress(InvalidSourceError):  # older Stokers may have written other forms
            if loosened(parse_reference(manifest.source)) == wanted:
                raise ModelNotFoundError(
                    f"{shown} is a source; here it is {manifest.ref}", hint=f"say {manifest.ref}"
                )
    raise ModelNotFoundError(f"{shown} is not here yet", hint=f"stoker pull {shlex.quote(shown)}")


def _from_file(path: Path, ref: ModelRef) -> LocalModel:
    resolved = path.expanduser().absolute()
    facts, split = read_facts(resolved), split_name(resolved.name)
    if facts.parts > 1 and split is not None and not split.is_plain:
        raise ModelFileGarbageError(
            f"{resolved.name}: an engine finds no other part of a model that is named so",
            hint=f"`stoker pull {resolved}`, or end the parts' names in -of-{split.count:05}.gguf",
        )
    return LocalModel(ref, resolved, facts)
