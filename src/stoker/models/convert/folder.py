"""A folder of Hugging Face files: its JSON documents, and the places of its tensors.

Owns the bounds of what is read from files that nobody trusts: no pickle, no path out of the folder,
no offset out of a file. What the numbers mean is for `bert` and `llama`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stoker.core.errors import ModelFileGarbageError, ModelFileMissingError, UnsupportedModelError

JSON_BYTES_MAX = 64 << 20
FILES_MAX = 512
_WIDTHS = {"F32": 4, "F16": 2, "BF16": 2}

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor in a safetensors file."""

    path: Path
    kind: str
    shape: tuple[int, ...]
    at: int

    def read(self) -> Floats:
        """Its numbers, in memory."""
        if self.kind == "BF16":
            raw = np.memmap(self.path, np.uint16, "r", self.at, (prod(self.shape),))
            return (raw.astype(np.uint32) << 16).view(np.float32).reshape(self.shape)
        form = np.float32 if self.kind == "F32" else np.float16
        mapped = np.memmap(self.path, form, "r", self.at, (prod(self.shape),))
        return np.array(mapped, np.float32).reshape(self.shape)


def read_json(path: Path) -> Any:
    """The JSON document in `path`, or None if there is no such file.

    Raises:
        ModelFileGarbageError: it is too large or not JSON.
    """
    if not path.is_file():
        return None
    if path.stat().st_size > JSON_BYTES_MAX:
        raise ModelFileGarbageError(f"{path.name} is larger than {JSON_BYTES_MAX} bytes")
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFileGarbageError(f"{path.name} is not JSON") from error


def need_object(path: Path) -> dict[str, Any]:
    """The JSON object in `path`.

    Raises:
        ModelFileMissingError: there is no such file.
        ModelFileGarbageError: it is not a JSON object.
    """
    found = read_json(path)
    if found is None:
        raise ModelFileMissingError(f"There is no {path.name} in {path.parent}")
    if not isinstance(found, dict):
        raise ModelFileGarbageError(f"{path.name} is not a JSON object")
    return found


def read_tensors(folder: Path) -> dict[str, Stored]:
    """All tensors of the folder's safetensors files, by name.

    Raises:
        UnsupportedModelError: there are none.
        ModelFileGarbageError: a file says what cannot be.
    """
    files = sorted(folder.glob("*.safetensors"))[:FILES_MAX]
    if not files:
        raise UnsupportedModelError(
            f"There is no .safetensors file in {folder}",
            hint="other formats can run code when read; save the model as safetensors.",
        )
    return {name: tensor for path in files for name, tensor in _file(path).items()}


def _file(path: Path) -> dict[str, Stored]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, JSON_BYTES_MAX):
            raise ModelFileGarbageError(f"{path.name} is cut off or not safetensors")
        raw = file.read(length)
    try:
        entries = json.loads(raw)
        return {
            name: stored
            for name, entry in entries.items()
            if name != "__metadata__" and (stored := _stored(path, entry, 8 + length, size))
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelFileGarbageError(f"{path.name} has a header that cannot be") from error


def _stored(path: Path, entry: dict[str, Any], data_at: int, size: int) -> Stored | None:
    kind, (begin, end) = entry["dtype"], entry["data_offsets"]
    shape = tuple(int(length) for length in entry["shape"])
    if kind not in _WIDTHS:
        return None
    if min(shape, default=1) < 1 or end - begin != prod(shape) * _WIDTHS[kind]:
        raise ValueError(path.name)
    if begin < 0 or data_at + end > size:
        raise ValueError(path.name)
    return Stored(path, kind, shape, data_at + begin)
