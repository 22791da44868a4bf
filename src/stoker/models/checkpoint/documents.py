"""JSON and text that come with a model's weights, from a folder that nobody trusts or from afar.

Owns the bounds: sizes, and that no name and no link leads out of the folder. What the documents
say is for those who ask for them. Standard library only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoker.core.errors import (
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    SourceUnsafeError,
)
from stoker.core.units import MIB, format_bytes

CONFIG_BYTES_MAX = 4 * MIB
TOKENIZER_BYTES_MAX = 64 * MIB
TEXT_BYTES_MAX = MIB


def parse_json(name: str, data: bytes) -> Any:
    """The JSON document `data`, which errors call `name`.

    Raises:
        ModelFileGarbageError: it is not JSON in UTF-8.
    """
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise garbage(f"{name}: is not JSON") from error


def parse_object(name: str, data: bytes) -> dict[str, Any]:
    """As `parse_json`, for a document that must be an object."""
    return as_object(name, parse_json(name, data))


def as_object(name: str, document: Any) -> dict[str, Any]:
    """`document` itself.

    Raises:
        ModelFileGarbageError: it is not a JSON object.
    """
    if not isinstance(document, dict):
        raise garbage(f"{name}: is not a JSON object")
    return document


def garbage(message: str) -> ModelFileError:
    """The error for a file of a checkpoint that says what cannot be."""
    return ModelFileGarbageError(message, hint="fetch the model's folder again.")


@dataclass(frozen=True, slots=True)
class Folder:
    """A Hugging Face folder on this machine; it hands out the files that lie in it."""

    path: Path

    def file(self, name: str) -> Path | None:
        """The regular file `name` in the folder, None if there is none.

        Raises:
            SourceUnsafeError: it is a link out of the folder. Links of the hub's cache, from a
                snapshot to the blobs beside it, are followed.
        """
        try:
            resolved = (self.path / name).resolve(strict=True)
            if not resolved.is_file():
                return None
        except (OSError, RuntimeError, ValueError):  # not there, a circle of links, or a NUL
            return None
        if not self._holds(resolved):
            raise SourceUnsafeError(
                f"{name} is a link to a file outside of {self.path}",
                hint="put the file itself there, if you trust it.",
            )
        return resolved

    def json(self, name: str, most: int = CONFIG_BYTES_MAX) -> Any:
        """The JSON document `name` of at most `most` bytes, None if there is no such file.

        Raises:
            ModelFileGarbageError: it is too large or not JSON.
        """
        data = self._read(name, most)
        return None if data is None else parse_json(name, data)

    def object(self, name: str, most: int = CONFIG_BYTES_MAX) -> dict[str, Any]:
        """The JSON object `name`; empty if there is no such file.

        Raises:
            ModelFileGarbageError: it is too large or not a JSON object.
        """
        found = self.json(name, most)
        return {} if found is None else as_object(name, found)

    def need(self, name: str, most: int = CONFIG_BYTES_MAX) -> dict[str, Any]:
        """The JSON object `name`.

        Raises:
            ModelFileMissingError: there is no such file.
            ModelFileGarbageError: it is too large or not a JSON object.
        """
        found = self.json(name, most)
        if found is None:
            raise ModelFileMissingError(
                f"There is no {name} in {self.path}",
                hint="name the folder that a model was saved in, with all its files.",
            )
        return as_object(name, found)

    def text(self, name: str, most: int = TEXT_BYTES_MAX) -> str | None:
        """The text `name` of at most `most` bytes, None if there is no such file.

        Raises:
            ModelFileGarbageError: it is too large or not UTF-8.
        """
        data = self._read(name, most)
        try:
            return None if data is None else data.decode("utf-8")
        except ValueError as error:
            raise garbage(f"{name}: is not text in UTF-8") from error

    def start(self, name: str, most: int) -> bytes:
        """The first `most` bytes of the file `name`; none where there is no such file."""
        path = self.file(name)
        if path is None:
            return b""
        try:
            with path.open("rb") as file:
                return file.read(most)
        except OSError as error:
            raise ModelFileMissingError(f"{name}: cannot be read: {error.strerror}") from error

    def names(self, pattern: str) -> list[str]:
        """The names in the folder that match `pattern`, in order."""
        return sorted(path.name for path in self.path.glob(pattern))

    def _read(self, name: str, most: int) -> bytes | None:
        path = self.file(name)
        if path is None:
            return None
        try:
            with path.open("rb") as file:
                data = file.read(most + 1)
        except OSError as error:
            raise ModelFileMissingError(f"{name}: cannot be read: {error.strerror}") from error
        if len(data) > most:
            raise garbage(f"{name}: is larger than {format_bytes(most)}")
        return data

    def _holds(self, resolved: Path) -> bool:
        root = self.path.resolve()
        blobs = root.parent.parent / "blobs"
        return resolved.is_relative_to(root) or (
            root.parent.name == "snapshots" and resolved.parent == blobs
        )
