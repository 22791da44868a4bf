"""What a safetensors model is, before it is fetched: its documents, and the headers of its files.

Asks once or twice for each file of weights, for no more than its header. The documents are put
into a folder that lives as long as they are read, so that they are read as those of a folder of
this machine are. What the tokenizer is stays open where it is too large or comes too slowly.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from stoker.core.errors import ModelFileMissingError, SourceUnreachableError
from stoker.core.model import ModelFacts
from stoker.models.checkpoint.config import Beside, facts_of
from stoker.models.checkpoint.documents import (
    CONFIG_BYTES_MAX,
    TEXT_BYTES_MAX,
    Folder,
    parse_json,
    parse_object,
)
from stoker.models.checkpoint.folder import POOLING, read_beside
from stoker.models.checkpoint.model_card import CARD, CARD_BYTES_MAX
from stoker.models.checkpoint.safetensors import Header, Parser
from stoker.models.checkpoint.shards import INDEX, INDEX_BYTES_MAX, choose, joined
from stoker.models.looking.remote_facts import PARTS_AT_ONCE_MAX, RangeHttp, reading, size_of
from stoker.models.prefix import MoreNeeded
from stoker.models.sources.base import Checkpoint, Offered

CONFIG = "config.json"
FIRST_BYTES = 128 << 10
TOKENIZER_BYTES_MAX = 16 << 20
# Read whole, each within its bound; one that is larger is left out.
DOCUMENTS = {
    "tokenizer.json": TOKENIZER_BYTES_MAX,
    "tokenizer_config.json": CONFIG_BYTES_MAX,
    "chat_template.json": CONFIG_BYTES_MAX,
    "chat_template.jinja": TEXT_BYTES_MAX,
}
# That they are there is all that counts.
SIGNS = {"tokenizer.model": b"", POOLING: b"{}"}


async def checkpoint_facts(found: Checkpoint, http: RangeHttp) -> ModelFacts:
    """The facts of the model that lies in `found`.

    Raises:
        SourceError: the source cannot be reached, or does not say how long a file is.
        ModelFileError: a file is missing or broken, or says what cannot be.
        SeveralFilesError: there are several files that do not belong together.
    """
    return await _Look(found, http).facts()


class _Look:
    """One look at one checkpoint."""

    def __init__(self, found: Checkpoint, http: RangeHttp) -> None:
        self._files = found.files
        self._name = found.name
        self._http = http
        self._turns = asyncio.Semaphore(PARTS_AT_ONCE_MAX)

    async def facts(self) -> ModelFacts:
        if CONFIG not in self._files:
            raise ModelFileMissingError(
                f"There is no {CONFIG} beside the weights of {self._name}",
                hint="name a repository that a model was saved in, with all its files",
            )
        config = parse_object(CONFIG, await self._whole(CONFIG, CONFIG_BYTES_MAX))
        index = await self._index()
        names = choose(sorted(self._files), index)
        headers = await asyncio.gather(*(self._header(name) for name in names))
        weights = joined(dict(zip(names, headers, strict=True)), index)
        return facts_of(self._name, config, weights, await self._beside())

    async def _index(self) -> object:
        if INDEX not in self._files:
            return None
        return parse_json(INDEX, await self._whole(INDEX, INDEX_BYTES_MAX))

    async def _header(self, name: str) -> Header:
        file = self._files[name]
        async with self._turns:
            size = await size_of(file, self._http)
            read, parser = reading(file, self._http), Parser(name, size)
            data = await read(0, min(FIRST_BYTES, size)) if size else b""
            try:
                return parser.read(data)
            except MoreNeeded as need:
                data += await read(len(data), need.bytes_min - len(data))
                return _read_whole(name, parser, data)

    async def _beside(self) -> Beside:
        with TemporaryDirectory(prefix="stoker-look-") as there:
            await self._fetch_documents(Path(there))
            return await asyncio.to_thread(read_beside, Folder(Path(there)))

    async def _fetch_documents(self, folder: Path) -> None:
        for name, data in SIGNS.items():
            if name in self._files:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(data)
        for name, most in DOCUMENTS.items():
            if name in self._files and (self._files[name].size_bytes or 0) <= most:
                with suppress(SourceUnreachableError):  # too slow for a look
                    (folder / name).write_bytes(await self._whole(name, most))
        if CARD in self._files:
            (folder / CARD).write_bytes(await self._start(self._files[CARD]))

    async def _whole(self, name: str, most_bytes: int) -> bytes:
        file = self._files[name]
        return await self._http.get_bytes(file.url, headers=file.headers, most_bytes=most_bytes)

    async def _start(self, file: Offered) -> bytes:
        count = min(CARD_BYTES_MAX, await size_of(file, self._http))
        return await reading(file, self._http)(0, count) if count else b""


def _read_whole(name: str, parser: Parser, data: bytes) -> Header:
    try:
        return parser.read(data)
    except MoreNeeded:
        raise ModelFileMissingError(f"{name}: became shorter while it was read") from None
