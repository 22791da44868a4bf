"""From what a person writes to a model on this machine: `starter`, a file, or a stored name."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import ModelFileGarbageError, ModelNotFoundError
from stoker.core.model import LocalModel, ModelRef
from stoker.models.facts import read_facts
from stoker.models.split_names import split_name
from stoker.models.store import RESERVED, Store, near

STARTER = RESERVED
STARTER_FOLDER = Path(__file__).parent / "starter"
_SUFFIX = ".gguf"


def find_model(text: str, store: Store | None = None) -> LocalModel:
    """The model that `text` names: `starter`, a path, `NAME=PATH`, or a name of `store`.

    A stored model's path is its blob, and its digest the one that its name pins; of a split model
    those of the first part.

    Raises:
        ModelNotFoundError: neither a known name nor something that looks like a path.
        ModelFileError: the file is missing or not a model.
        StoreDamagedError: what the store wrote down for that name cannot be read.
    """
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
    return ModelRef.parse(re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "model")


def digest(path: Path) -> str:
    """The sha256 of a file's bytes, as `sha256:` and 64 hexadecimal digits."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _from_store(store: Store, ref: ModelRef) -> LocalModel:
    try:
        manifest = store.get(ref)
    except ModelNotFoundError as error:
        names = [str(STARTER), *(str(one.ref) for one in store.manifests())]
        raise ModelNotFoundError(error.message, hint=near(str(ref), names)) from None
    path = store.model_path(manifest)
    return LocalModel(ref, path, replace(read_facts(path), digest=manifest.model.digest))


def _from_file(path: Path, ref: ModelRef) -> LocalModel:
    resolved = path.expanduser().absolute()
    facts, split = read_facts(resolved), split_name(resolved.name)
    if facts.parts > 1 and split is not None and not split.is_plain:
        raise ModelFileGarbageError(
            f"{resolved.name}: an engine finds no other part of a model that is named so",
            hint=f"`stoker pull {resolved}`, or end the parts' names in -of-{split.count:05}.gguf",
        )
    return LocalModel(ref, resolved, facts)
