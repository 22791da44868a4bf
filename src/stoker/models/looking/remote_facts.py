"""What a model is, before it is fetched: its header, read in ranges from where it lies.

Asks at most four times for one file (see `gguf`); of a split model once more for each other part,
whose headers are short, so that sums are sums and not guesses. What is stated stays unproven until
the bytes are here: the digest is the one that the source announces.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from stoker.core.errors import ModelFileGarbageError, SourceError
from stoker.core.model import ModelFacts
from stoker.models.facts import facts_of, read_facts
from stoker.models.gguf.header import HEADER_BYTES_MAX, Header, Parser
from stoker.models.gguf.hollow import Hollow, hollowed
from stoker.models.gguf.parts import joined_parts, part_names
from stoker.models.http import Found
from stoker.models.prefix import MoreNeeded, ReadRange, read_remote
from stoker.models.sources.base import MODEL, Offer, Offered
from stoker.models.storing.manifest import LAYERS_MAX

PART_BYTES = 64 << 10
PARTS_AT_ONCE_MAX = 4


class RangeHttp(Protocol):
    """What is needed of `stoker.models.download`'s client."""

    async def head(self, url: str, *, headers: Mapping[str, str] = ...) -> Found:
        """What the server says about `url`."""

    async def read_range(
        self, url: str, offset: int, length: int, *, headers: Mapping[str, str] = ...
    ) -> bytes:
        """The `length` bytes at `url` that begin at `offset`; fewer only where the file ends.

        Raises:
            SourceError: it cannot be reached, denies, or gives no ranges.
        """

    async def get_bytes(
        self, url: str, *, headers: Mapping[str, str] = ..., most_bytes: int = ...
    ) -> bytes:
        """The bytes at `url`, at most `most_bytes` of them."""


@dataclass(frozen=True, slots=True)
class Headers:
    """The facts of a far model, and what its headers were read from: name, header and bytes."""

    facts: ModelFacts
    read: tuple[tuple[str, Header, bytes], ...]

    def hollow(self) -> tuple[Hollow, ...]:
        """The model, hollow, for an engine that counts memory.

        Raises:
            UnsupportedModelError: its numbers are big-endian, which no engine here reads.
        """
        return tuple(hollowed(name, header, data) for name, header, data in self.read)


async def remote_facts(offer: Offer, http: RangeHttp) -> ModelFacts:
    """The facts of the model that `offer` has; errors as `remote_headers`."""
    return (await remote_headers(offer, http)).facts


async def remote_headers(offer: Offer, http: RangeHttp) -> Headers:
    """The headers of the model that `offer` has; of a split model those of all parts.

    Raises:
        SourceError: the source cannot be read in ranges, or does not say how long a file is.
        ModelFileError: what lies there is no model, or one with a part missing.
    """
    files = [file for file in offer.files if file.kind == MODEL]
    first = files[0]
    if first.path is not None:
        facts = await asyncio.to_thread(read_facts, first.path)
        return Headers(replace(facts, digest=first.digest), ())
    header, data = await _header(first, http)
    names = part_names(_base(first), header)
    _check_parts(names, files)
    others = await _other_headers(files[1:], http)
    read = [(header, data), *others]
    whole = joined_parts(names[0], [one for one, _ in read]) if others else header
    facts = replace(facts_of(names[0], whole), digest=first.digest, parts=len(names))
    return Headers(facts, tuple((name, *one) for name, one in zip(names, read, strict=True)))


class _Keeping:
    """Reads a header, and keeps the bytes that it was read from."""

    def __init__(self, name: str, size: int) -> None:
        self._parser = Parser(name, size)

    def read(self, data: bytes) -> tuple[Header, bytes]:
        """The header and `data`; raises as `gguf.Parser.read`."""
        return self._parser.read(data), data


async def _header(file: Offered, http: RangeHttp) -> tuple[Header, bytes]:
    size = await size_of(file, http)
    return await _fetch(_base(file), size, reading(file, http))


async def _fetch(name: str, size: int, read: ReadRange) -> tuple[Header, bytes]:
    def make(size: int) -> _Keeping:
        return _Keeping(name, size)

    return await read_remote(name, size, read, HEADER_BYTES_MAX, make)


async def _other_headers(files: Sequence[Offered], http: RangeHttp) -> list[tuple[Header, bytes]]:
    turns = asyncio.Semaphore(PARTS_AT_ONCE_MAX)

    async def one(file: Offered) -> tuple[Header, bytes]:
        async with turns:
            return await _part_header(file, http)

    return list(await asyncio.gather(*(one(file) for file in files)))


async def _part_header(file: Offered, http: RangeHttp) -> tuple[Header, bytes]:
    """The header of a later part: it has no vocabulary, so little is asked for at first."""
    size = await size_of(file, http)
    read = reading(file, http)
    if size > PART_BYTES:
        data = await read(0, PART_BYTES)
        try:
            return _Keeping(_base(file), size).read(data)
        except MoreNeeded:
            pass
    return await _fetch(_base(file), size, read)


async def size_of(file: Offered, http: RangeHttp) -> int:
    """The length of `file` in bytes, as its source says.

    Raises:
        SourceError: it does not say.
    """
    size = file.size_bytes
    if size is None:
        size = (await http.head(file.url, headers=file.headers)).size_bytes
    if size is None:
        raise SourceError(
            f"{_base(file)}: its server does not say how long it is",
            hint="pull it, and then `stoker show` its name",
        )
    return size


def reading(file: Offered, http: RangeHttp) -> ReadRange:
    """What reads ranges of `file`; it raises as `read_range` does."""

    async def read(offset: int, length: int) -> bytes:
        return await http.read_range(file.url, offset, length, headers=file.headers)

    return read


def _check_parts(names: Sequence[str], files: Sequence[Offered]) -> None:
    offered = [_base(file) for file in files]
    if list(names) != offered or len(names) > LAYERS_MAX:
        raise ModelFileGarbageError(
            f"{offered[0]}: says that it has {len(names)} parts; its source has {len(offered)}"
        )


def _base(file: Offered) -> str:
    return file.name.rsplit("/", 1)[-1]
