"""The safetensors files of one checkpoint, taken as one set of tensors.

Owns which files belong to it: those of the index, a whole numbered set, or the only one. Pure but
for `read_weights`; from afar, `choose` names the files and `joined` takes their headers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stoker.core.errors import (
    ModelFileError,
    ModelFileMissingError,
    ModelFileTruncatedError,
    SeveralFilesError,
    UnsupportedModelError,
)
from stoker.models.checkpoint.documents import TOKENIZER_BYTES_MAX, Folder, as_object, garbage
from stoker.models.checkpoint.safetensors import TENSORS_MAX, Entry, Header, read_header

FILES_MAX = 512
INDEX = "model.safetensors.index.json"
INDEX_BYTES_MAX = TOKENIZER_BYTES_MAX
_SINGLE = "model.safetensors"
_NUMBERED = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors", re.DOTALL)
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Placed:
    """One tensor: the name of its file, where in it its bytes begin, and what they are."""

    file: str
    at: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Weights:
    """All tensors of a checkpoint by name; `file_bytes` is the size of its files together."""

    tensors: dict[str, Placed]
    file_bytes: int
    files: int


def read_weights(folder: Folder) -> Weights:
    """The tensors of the checkpoint in `folder`.

    Raises:
        UnsupportedModelError: there is no safetensors file.
        SeveralFilesError: there are several that do not belong together.
        SourceUnsafeError: one is a link out of the folder.
        ModelFileError: a file is missing, broken, or not what the index says.
    """
    index = folder.json(INDEX, INDEX_BYTES_MAX)
    names = choose(folder.names("*.safetensors"), index)
    headers = {}
    for name in names:
        path = folder.file(name)
        if path is None:
            raise _missing(name)
        headers[name] = read_header(path)
    return joined(headers, index)


def choose(names: Sequence[str], index: object = None) -> list[str]:
    """Which of the folder's files `names` hold the checkpoint; `index` is the index's document.

    Raises:
        UnsupportedModelError: none does.
        SeveralFilesError: several could.
        ModelFileError: one is missing, the index says what cannot be, or there are too many.
    """
    found = [name for name in names if name.endswith(".safetensors")]
    if _SINGLE in found:  # as the library that wrote it does
        return [_SINGLE]
    if index is not None:
        return _there(sorted(set(_mapped(index).values())), found)
    if not found:
        raise UnsupportedModelError(
            "There is no .safetensors file",
            hint="other formats can run code when read; save the model as safetensors.",
        )
    if len(found) == 1 and not _NUMBERED.fullmatch(found[0]):
        return found
    return _there(_numbered(found), found)


def joined(headers: Mapping[str, Header], index: object = None) -> Weights:
    """One set of tensors from the `headers` of the files, by their names.

    Raises:
        ModelFileError: two files have one tensor, there are too many tensors, or one is not where
            the index says.
    """
    tensors: dict[str, Placed] = {}
    for file, header in headers.items():
        for name, entry in header.tensors.items():
            if name in tensors:
                raise garbage(f"{file}: has tensor {name!r}, which {tensors[name].file} has too")
            tensors[name] = Placed(file, header.data_at + entry.begin, entry)
    if len(tensors) > TENSORS_MAX:
        raise garbage(f"The files have {len(tensors)} tensors; the limit is {TENSORS_MAX}")
    if index is not None and set(headers) != {_SINGLE}:
        _check_index(tensors, _mapped(index))
    return Weights(tensors, sum(one.file_bytes for one in headers.values()), len(headers))


def _mapped(index: object) -> dict[str, str]:
    """The file of each tensor, as the index says; plain names only."""
    found = as_object(INDEX, index).get("weight_map")
    if not isinstance(found, dict) or not found:
        raise garbage(f"{INDEX}: has no weight_map")
    for file in found.values():
        if not isinstance(file, str) or not _is_plain(file):
            raise garbage(f"{INDEX}: names the file {str(file)[:80]!r}")
    return found


def _is_plain(name: str) -> bool:
    if any(sign in name for sign in "/\\\0:") or name.startswith("."):
        return False
    return name.endswith(".safetensors") and name.isprintable() and len(name) <= 255


def _there(wanted: list[str], found: Sequence[str]) -> list[str]:
    if len(wanted) > FILES_MAX:
        raise garbage(f"The model has {len(wanted)} safetensors files; the limit is {FILES_MAX}")
    if missing := sorted(set(wanted) - set(found)):
        raise _missing(missing[0])
    return wanted


def _numbered(found: Sequence[str]) -> list[str]:
    """The names of a whole set of which `found` are some."""
    matches = [_NUMBERED.fullmatch(name) for name in found]
    sets = {(match[1], match[3]) for match in matches if match}
    if len(sets) != 1 or not all(matches):
        names = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise SeveralFilesError(
            f"Several .safetensors files, and nothing says which are the model: {names}",
            hint="leave those of one model in the folder.",
        )
    stem, count = sets.pop()
    if int(count) > FILES_MAX:
        raise garbage(f"The model has {int(count)} safetensors files; the limit is {FILES_MAX}")
    return [f"{stem}-{number:05}-of-{count}.safetensors" for number in range(1, int(count) + 1)]


def _check_index(tensors: Mapping[str, Placed], mapped: Mapping[str, str]) -> None:
    for name, file in mapped.items():
        if name not in tensors:
            raise ModelFileTruncatedError(f"{file}: lacks tensor {name!r}, which the index names")
        if tensors[name].file != file:
            raise garbage(f"{INDEX}: puts tensor {name!r} into {file}; {tensors[name].file} has it")


def _missing(name: str) -> ModelFileError:
    return ModelFileMissingError(
        f"{name} is missing", hint="the download did not finish; fetch the folder again."
    )
