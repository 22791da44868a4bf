"""A model's facts from afar are those of the file, and cost a few ranges of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.core.errors import ModelFileError, SourceError
from stoker.models.catalogue import STARTER_FOLDER
from stoker.models.facts import read_facts
from stoker.models.looking.look import look_at
from stoker.models.sources.reference import is_far, parse_reference
from support import local_registry
from support.file_server import Answer, Asked, FileServer, serving

STARTER = STARTER_FOLDER / "starter.gguf"


async def test_a_file_on_the_web_is_known_before_it_is_fetched() -> None:
    async with serving(FileServer(STARTER.read_bytes())) as server:
        facts, source = await look_at(parse_reference(f"{server.url}/m.gguf"))
        asked = server.asked
    assert facts == read_facts(STARTER)
    assert source.startswith(server.url)
    assert 0 < sum(one.range is not None for one in asked) < 5


async def test_a_model_of_a_registry_bears_the_digest_that_it_announces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    data = STARTER.read_bytes()
    async with local_registry.local_registry() as registry:
        registry.image("v1", [registry.layer("application/vnd.docker.ai.gguf.v3", data)])
        facts, source = await look_at(parse_reference(f"oci:{registry.host}/some/shop:v1"))
    assert facts.digest == local_registry.digest_of(data)
    assert facts.parameters == read_facts(STARTER).parameters
    assert "@sha256:" in source


async def test_a_server_without_ranges_is_read_from_its_start() -> None:
    """Whatever follows the header is never waited for: the server would not send it."""

    def whole(asked: Asked, answer: Answer, _count: int) -> Answer:
        if asked.method == "HEAD":
            return answer
        size = str(len(server.data))
        return Answer(200, {"Content-Length": size}, server.data, stall_at=1 << 20)

    async with serving(FileServer(STARTER.read_bytes(), whole)) as server:
        facts, _ = await look_at(parse_reference(f"{server.url}/m.gguf"))
    assert facts == read_facts(STARTER)
    assert len(server.gets) == 1


async def test_what_is_no_model_or_not_there_is_said() -> None:
    async with serving(FileServer(b"no model" * 100)) as server:
        with pytest.raises(ModelFileError):
            await look_at(parse_reference(f"{server.url}/m.gguf"))
    with pytest.raises(SourceError):
        await look_at(parse_reference(f"{server.url}/m.gguf"))


@pytest.mark.parametrize("text", ["hf:a/b", "OCI:h/n", "ollama:x", "https://a/b", "http://a"])
def test_what_lies_elsewhere_is_seen_by_its_form(text: str) -> None:
    assert is_far(text)


@pytest.mark.parametrize("text", ["starter", "shop:v1", "./hf/x.gguf", "C:/x.gguf", "/hf:x"])
def test_what_lies_here_too(text: str) -> None:
    assert not is_far(text)
