"""An address is a file, or all parts of one; a hostile name leads nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidSourceError, SourceMissingError
from stoker.models.download.client import HttpClient
from stoker.models.sources.base import Offer
from stoker.models.sources.reference import WebReference, parse_reference
from stoker.models.sources.web import WebSource
from support.file_server import Answer, FileServer, serving

DIGEST = "sha256:" + "ab" * 32


@dataclass
class Sizes:
    """A client that knows only how long everything is."""

    size_bytes: int | None = 7
    state: str = '"one"'
    asked: list[str] = field(default_factory=list)

    async def head(self, url: str, *, headers: Mapping[str, str] | None = None) -> Sizes:
        self.asked.append(url)
        return self


async def offered(text: str, client: Any) -> Offer:
    reference = parse_reference(text)
    assert isinstance(reference, WebReference)
    return await WebSource(reference).resolve(client)


@pytest.fixture
async def server() -> AsyncIterator[FileServer]:
    async with serving(FileServer(b"GGUF....")) as running:
        yield running


async def test_a_file_is_offered_with_what_its_server_tells(server: FileServer) -> None:
    url = f"{server.url}/a/My%20Model-Q8_0.gguf?download=1"
    async with HttpClient() as client:
        offer = await offered(f"{url}#{DIGEST.replace(':', '=')}", client)
    (file,) = offer.files
    assert (file.name, file.quantization) == ("My Model-Q8_0.gguf", "Q8_0")
    assert (file.size_bytes, file.digest, file.url) == (8, DIGEST, url)
    assert offer.source == f"{url}#{DIGEST.replace(':', '=')}"


async def test_a_server_that_tells_nothing_beforehand_is_no_hindrance(server: FileServer) -> None:
    server.twist = lambda _a, _answer, _c: Answer(405)
    async with HttpClient() as client:
        assert (await offered(server.url, client)).model.size_bytes is None


async def test_what_is_not_there_is_said_at_once(server: FileServer) -> None:
    server.twist = lambda _a, _answer, _c: Answer(404, {"Content-Length": "0"})
    async with HttpClient() as client:
        with pytest.raises(SourceMissingError):
            await offered(f"{server.url}/m.gguf", client)


async def test_all_parts_of_a_split_model_are_offered() -> None:
    client = Sizes()
    pin = f"#{DIGEST.replace(':', '=')}"
    offer = await offered(f"https://h/d/m-00002-of-00003.gguf?x=1{pin}", client)
    assert client.asked == [f"https://h/d/m-0000{one}-of-00003.gguf?x=1" for one in (1, 2, 3)]
    assert [file.digest for file in offer.files] == [None, DIGEST, None]


@pytest.mark.parametrize("name", ["m-00009-of-00003.gguf", "m-00001-of-99999.gguf"])
async def test_a_part_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(InvalidSourceError, match="names a part of"):
        await offered(f"https://h/{name}", Sizes())


@pytest.mark.parametrize("name", ["m.zip", "m.tar.gz", "m.gguf.xz", "m%2Ezip"])
async def test_an_archive_is_refused_before_anything_is_asked(name: str) -> None:
    client = Sizes()
    with pytest.raises(InvalidSourceError, match="is an archive"):
        await offered(f"https://h/{name}", client)
    assert client.asked == []


@pytest.mark.parametrize(
    "word", ["%2e%2e", "..%2f..%2fetc", "a%00b", "a%5Cb", "a%0Ab", "%1b%5B2J", ".."]
)
async def test_a_name_with_a_trick_in_it_is_refused_or_loses_it(word: str) -> None:
    try:
        offer = await offered(f"https://h/{word}", Sizes())
    except InvalidSourceError:
        return
    assert offer.model.name == "etc"


async def test_a_name_of_4_kb_is_refused() -> None:
    with pytest.raises(InvalidSourceError, match="longer than"):
        await offered(f"https://h/{'a' * 4096}", Sizes())


@given(st.text(min_size=1, max_size=40))
async def test_whatever_an_address_says_its_name_stays_inside(text: str) -> None:
    try:
        offer = await offered(f"https://host/{text}", Sizes())
    except InvalidSourceError:
        return
    for file in offer.files:
        assert "/" not in file.name
        assert file.name.isprintable()
        assert file.name not in {"", ".", ".."}


async def test_an_address_without_a_name_is_called_model() -> None:
    assert (await offered("https://h/", Sizes())).model.name == "model.gguf"
