"""A model's header alone, as a sparse file that an engine takes for the whole model.

An engine that counts memory needs names, types and shapes, and neither the data nor the
vocabulary, which is most of a header and of the time to read it. So the vocabulary's size stands in
for it. Owns that rewriting; the bounds of what is read are `gguf`'s.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.core.errors import DiskFullError, HomeNotWritableError, UnsupportedModelError
from stoker.models.gguf.header import HEADER_BYTES_MAX, MAGIC, Header, Parser
from stoker.models.gguf.parts import part_names
from stoker.models.gguf.tensors import aligned
from stoker.models.prefix import ReadRange, read_local, read_remote

_VOCABULARY = "tokenizer."
_KEPT = "tokenizer.ggml.token_type_count"
_STRING, _U32 = 8, 4


@dataclass(frozen=True, slots=True)
class Hollow:
    """One file of a model: its `name`, a header (`data`) and the length in bytes it claims."""

    name: str
    data: bytes
    file_bytes: int


class HollowReader:
    """Reads a header from a file's first bytes, and keeps what a hollow file needs of it."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._parser = Parser(name, size)

    def read(self, data: bytes) -> tuple[Header, Hollow]:
        """The header as it is, and hollow.

        Raises:
            MoreNeeded: they are too few bytes.
            ModelFileError: the file is not GGUF, or says what cannot be.
        """
        header = self._parser.read(data)
        return header, hollowed(self._name, header, data)


def read_hollow(path: Path) -> tuple[Hollow, ...]:
    """The model file `path`, hollow, with all its parts if it is split.

    Raises:
        ModelFileError: the file, or a part of it, is missing, cut short or not a model.
    """
    header, first = _read(path)
    names = part_names(path.name, header)
    return first, *(_read(path.with_name(name))[1] for name in names[1:])


async def fetch_hollow(name: str, size_bytes: int, read: ReadRange) -> tuple[Header, Hollow]:
    """The header of a far file of `size_bytes`, as it is and hollow; see `gguf.fetch_header`.

    Raises:
        ModelFileError: the file is not GGUF; what `read` raises passes through.
    """
    return await read_remote(
        name, size_bytes, read, HEADER_BYTES_MAX, lambda size: HollowReader(name, size)
    )


def hollowed(name: str, header: Header, data: bytes) -> Hollow:
    """The hollow form of the file that begins with `data` and has this `header`.

    Raises:
        UnsupportedModelError: its numbers are big-endian, which no engine here reads.
    """
    if header.big_endian:
        raise UnsupportedModelError(f"{name}: its numbers are big-endian")
    alignment = header.values.get("general.alignment", 32)
    step = alignment if isinstance(alignment, int) else 32
    pairs = [*_kept(header, data), *_stand_ins(header)]
    preface = MAGIC + struct.pack("<IQQ", header.version, header.tensors, len(pairs))
    begin, end = header.table_at
    whole = b"".join((preface, *pairs, data[begin:end]))
    whole += bytes(aligned(len(whole), step) - len(whole))
    return Hollow(name, whole, len(whole) + header.file_bytes - aligned(end, step))


def write_hollow(folder: Path, parts: Sequence[Hollow]) -> Path:
    """Write `parts` into `folder` as sparse files; the path of the first. They take little room.

    Raises:
        DiskFullError, HomeNotWritableError: the files cannot be made.
    """
    try:
        for part in parts:
            with (folder / part.name).open("xb") as file:
                file.write(part.data)
                file.truncate(part.file_bytes)
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        kind = DiskFullError if full else HomeNotWritableError
        raise kind(f"no file for counting memory can be made: {error.strerror}") from error
    return folder / parts[0].name


def _read(path: Path) -> tuple[Header, Hollow]:
    return read_local(path, HEADER_BYTES_MAX, lambda size: HollowReader(path.name, size))


def _kept(header: Header, data: bytes) -> Iterator[bytes]:
    for key, (begin, end) in header.pairs.items():
        if key == _KEPT or not (key.startswith(_VOCABULARY) or key == _size_key(header)):
            yield data[begin:end]


def _stand_ins(header: Header) -> Iterator[bytes]:
    """The vocabulary's size for the vocabulary; a further part of a split model states neither."""
    stated = header.values.get(_size_key(header))
    size = header.array_lengths.get("tokenizer.ggml.tokens") or stated
    if isinstance(size, int):
        yield _string(_size_key(header)) + struct.pack("<II", _U32, size)
    if "tokenizer.ggml.model" in header.values:
        yield _string("tokenizer.ggml.model") + struct.pack("<I", _STRING) + _string("none")


def _size_key(header: Header) -> str:
    return f"{header.values.get('general.architecture', '')}.vocab_size"


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()
