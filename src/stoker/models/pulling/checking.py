"""Whether files that are about to get a name are a model, called as they were at their source.

Owns the check of a split model's parts against each other; what a header may say is `gguf`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import ModelFileGarbageError
from stoker.core.model import ModelFacts
from stoker.models.facts import facts_of
from stoker.models.gguf.header import HEADER_BYTES_MAX, Header, Parser
from stoker.models.gguf.parts import joined_parts, part_names
from stoker.models.prefix import read_local


def check_model(files: Sequence[tuple[str, Path]]) -> ModelFacts:
    """The facts of the model that `files` (name and path, in their order) are.

    Raises:
        ModelFileError: a file is no model, or they are not all parts of one, in order.
    """
    headers = [check_header(name, path) for name, path in files]
    name = files[0][0]
    names = part_names(name, headers[0])
    if len(names) != len(files):
        raise ModelFileGarbageError(
            f"{name}: is one of {len(names)} parts, and {len(files)} are there",
            hint="pull the folder that holds all parts, or name the first one as its makers did",
        )
    whole = joined_parts(name, headers) if len(files) > 1 else headers[0]
    return replace(facts_of(name, whole), parts=len(files))


def check_header(name: str, path: Path) -> Header:
    """The header of a file that is part of a model.

    Raises:
        ModelFileError: it has none that can be right.
    """
    return read_local(path, HEADER_BYTES_MAX, lambda size: Parser(name, size))
