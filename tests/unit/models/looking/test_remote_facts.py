"""The facts of a model that lies elsewhere are those of its file, from a few ranges of it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import gguf
import numpy as np
import pytest

from stoker.core.errors import ModelFileError, ModelFileGarbageError, SourceError
from stoker.models.facts import read_facts
from stoker.models.looking.remote_facts import remote_facts
from stoker.models.sources.base import PROJECTOR, Offer, Offered
from support.plain_http import PlainHttp, plain_http
from support.serving import Seen, ranged, served

SECRET = {"Authorization": "Bearer secret"}


@dataclass
class Counted:
    """A client whose ranges are noted; `clip` makes its answers that much shorter."""

    inner: PlainHttp
    asked: list[tuple[str, int]] = field(default_factory=list)
    clip: int = 0

    async def head(self, url: str, *, headers: Mapping[str, str]) -> object:
        return await self.inner.head(url, headers=headers)

    async def read_range(
        self, url: str, offset: int, length: int, *, headers: Mapping[str, str]
    ) -> bytes:
        self.asked.append((url.rsplit("/", 1)[-1], length))
        data = await self.inner.read_range(url, offset, length, headers=headers)
        return data[: len(data) - self.clip]


@asynccontextmanager
async def lying_afar(
    *paths: Path, seen: Seen | None = None, sized: bool = True
) -> AsyncIterator[tuple[Offer, Counted]]:
    """An offer of the files `paths` on a server, and a client."""
    files = {path.name: path.read_bytes() for path in paths}

    async def answer(request):  # noqa: ANN001, ANN202
        return ranged(request, files[request.path.rsplit("/", 1)[-1]])

    async with served(answer, seen or Seen()) as url, plain_http() as client:
        offered = [
            Offered(
                f"deep/{name}",
                len(data) if sized else None,
                f"sha256:{hashlib.sha256(data).hexdigest()}",
                f"{url}/deep/{name}",
                SECRET,
            )
            for name, data in files.items()
        ]
        yield Offer("hf:o/r", tuple(offered)), Counted(client)


def write_split(folder: Path, parts: int) -> list[Path]:
    """A model in `parts` files, as llama.cpp's own tools split one."""
    writer = gguf.GGUFWriter(folder / "m.gguf", "llama", split_max_tensors=2)
    writer.add_context_length(64)
    writer.add_embedding_length(32)
    writer.add_block_count(parts)
    writer.add_head_count(4)
    writer.add_vocab_size(16)
    for number in range(2 * parts):
        writer.add_tensor(f"blk.{number}.weight", np.ones((8, 32 + number), dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob("m-*.gguf"))


async def test_facts_from_afar_are_those_of_the_file(tiny_model: Path) -> None:
    seen = Seen()
    async with lying_afar(tiny_model, seen=seen) as (offer, client):
        projector = replace(offer.model, kind=PROJECTOR)
        seeing = replace(offer, files=(projector, *offer.files))
        facts = await remote_facts(seeing, client)  # type: ignore[arg-type]
    assert facts == replace(read_facts(tiny_model), digest=offer.model.digest)
    assert len(client.asked) == 1
    assert seen.secrets == [SECRET["Authorization"]]


async def test_a_size_that_the_source_leaves_open_is_asked_for(tiny_model: Path) -> None:
    async with lying_afar(tiny_model, sized=False) as (offer, client):
        facts = await remote_facts(offer, client)  # type: ignore[arg-type]
    assert facts == replace(read_facts(tiny_model), digest=offer.model.digest)


async def test_a_file_of_this_machine_is_read_where_it_lies(tiny_model: Path) -> None:
    here = Offered("tiny.gguf", None, "sha256:x", path=tiny_model)
    facts = await remote_facts(Offer("tiny.gguf", (here,)), None)  # type: ignore[arg-type]
    assert facts == replace(read_facts(tiny_model), digest="sha256:x")


async def test_a_split_models_sums_are_those_of_all_parts(tmp_path: Path) -> None:
    paths = write_split(tmp_path, 3)
    async with lying_afar(*paths) as (offer, client):
        facts = await remote_facts(offer, client)  # type: ignore[arg-type]
    assert facts == replace(read_facts(paths[0]), digest=offer.model.digest)
    assert facts.parts == 3
    assert sorted(name for name, _ in client.asked) == [path.name for path in paths]


async def test_parts_that_are_not_those_of_the_model_are_refused(tmp_path: Path) -> None:
    paths = write_split(tmp_path, 3)
    async with lying_afar(*paths) as (offer, client):
        for files in (offer.files[:2], offer.files[1:], offer.files[::-1]):
            with pytest.raises(ModelFileGarbageError):
                await remote_facts(replace(offer, files=files), client)  # type: ignore[arg-type]


async def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(b"<html>not a model</html>" * 100)
    async with lying_afar(path) as (offer, client):
        with pytest.raises(ModelFileGarbageError):
            await remote_facts(offer, client)  # type: ignore[arg-type]


async def test_a_range_that_comes_back_short_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    async with lying_afar(tiny_model) as (offer, client):
        client.clip = 1
        with pytest.raises(ModelFileError, match="shorter"):
            await remote_facts(offer, client)  # type: ignore[arg-type]
    async with lying_afar(*write_split(tmp_path, 2)) as (offer, client):
        client.clip = 1
        with pytest.raises(ModelFileError, match="shorter"):
            await remote_facts(offer, client)  # type: ignore[arg-type]


async def test_a_server_that_tells_no_length_is_said(tiny_model: Path) -> None:
    class Silent(Counted):
        async def head(self, url: str, *, headers: Mapping[str, str]) -> object:
            return replace(await self.inner.head(url, headers=headers), headers={})

    async with lying_afar(tiny_model, sized=False) as (offer, client):
        with pytest.raises(SourceError, match="how long"):
            await remote_facts(offer, Silent(client.inner))  # type: ignore[arg-type]
