"""A model that is split over several GGUF files, read as one.

Owns what must agree between the parts. It opens each part's header only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import (
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
)
from stoker.models.gguf.header import Header, read_header
from stoker.models.gguf.split_names import split_name
from stoker.models.gguf.tensors import joined

PARTS_MAX = 1000


def read_all(path: Path) -> tuple[Header, int]:
    """The header of the model that begins in `path`, all parts summed up, and their number.

    Raises:
        ModelFileError: a part is missing or broken, `path` is not the first one, or the parts
            are not of one model.
    """
    first = read_header(path)
    names = part_names(path.name, first)
    if len(names) == 1:
        return first, 1
    return joined_parts(path.name, [first, *(_part(path, name) for name in names[1:])]), len(names)


def part_names(name: str, first: Header) -> list[str]:
    """The names of all parts of the model whose first file is `name`; only `name` if not split.

    Raises:
        ModelFileError: `name` is not the first part, or not named as parts are.
    """
    count = _number(first, "split.count")
    if count <= 1:
        return [name]
    if count > PARTS_MAX:
        raise _not_valid(name, f"says that it has {count} parts; the limit is {PARTS_MAX}")
    split = split_name(name)
    if split is None or split.count != count:
        raise ModelFileGarbageError(
            f"{name}: is one of {count} parts and is not named as such",
            hint=f"give the parts their names back: NAME-00001-of-{count:05}.gguf and so on.",
        )
    names = split.names
    number = _number(first, "split.no") + 1
    if number != 1 or name != names[0]:
        raise _not_first(name, number, names)
    return names


def paths_of(path: Path) -> tuple[Path, ...]:
    """Where the files of the model that begins at `path` lie, by its name alone."""
    split = split_name(path.name)
    if split is None or not 1 < split.count <= PARTS_MAX:
        return (path,)
    return tuple(path.with_name(name) for name in split.names)


def stem_of(path: Path) -> str:
    """The name of the model whose file, or one of whose files, is `path`."""
    split = split_name(path.name)
    return split.stem if split else path.stem


def joined_parts(name: str, headers: Sequence[Header]) -> Header:
    """One header for the parts `headers`, in their order; metadata are the first one's.

    Raises:
        ModelFileError: a part is of another model, or tensors are missing.
    """
    count = len(headers)
    for number, header in enumerate(headers):
        stated = (_number(header, "split.no"), _number(header, "split.count"))
        if stated != (number, count):
            raise _not_valid(name, f"part {number + 1} of {count} says that it is another one")
    table = joined([header.table for header in headers])
    expected = _number(headers[0], "split.tensors.count")
    if expected and expected != table.count:
        raise ModelFileTruncatedError(
            f"{name}: announces {expected} tensors in all parts, which hold {table.count}"
        )
    size = sum(header.file_bytes for header in headers)
    return replace(headers[0], table=table, file_bytes=size)


def _part(first: Path, name: str) -> Header:
    path = first.with_name(name)
    if not path.exists():
        raise ModelFileMissingError(
            f"{first.name}: its part {name} is missing",
            hint="put all parts in one folder; fetch the missing one again.",
        )
    return read_header(path)


def _number(header: Header, key: str) -> int:
    value = header.values.get(key, 0)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _not_first(name: str, number: int, names: Sequence[str]) -> ModelFileError:
    message = f"{name}: is part {number} of {len(names)}"
    if name == names[0]:
        message = f"{name}: is named as the first part and is part {number} of {len(names)}"
    return ModelFileGarbageError(message, hint=f"name the first part: {names[0]}")


def _not_valid(name: str, what: str) -> ModelFileError:
    return ModelFileGarbageError(f"{name}: not a valid GGUF file: it {what}")
