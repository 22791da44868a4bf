"""Safetensors on a hub are known from their headers: the same facts as those of the folder."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stoker.core.errors import ModelFileError, ModelFileMissingError, SourceError
from stoker.models.checkpoint.folder import read_checkpoint
from stoker.models.checkpoint.shards import INDEX
from stoker.models.looking.look import look_at
from stoker.models.sources.reference import parse_reference
from stoker.testing.checkpoints import (
    decoder_config,
    decoder_tensors,
    safetensors_bytes,
    write_decoder,
)
from support.local_hub import COMMIT, LocalHub, ask_here, local_hub

REPO = parse_reference("hf:owner/repo")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = write_decoder(tmp_path / "repo")
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    return folder


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[LocalHub]:
    import huggingface_hub as library  # noqa: PLC0415 - slow, and only for these tests

    async with local_hub({}) as hub:
        ask_here(monkeypatch, hub, tmp_path)
        yield hub
        library.close_session()


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def split(folder: Path) -> None:
    """Make two files with an index of the folder's one; the first has a long header."""
    tensors = decoder_tensors(decoder_config("Qwen2ForCausalLM"))
    many = {f"spare.{number}": np.zeros(1, np.float32) for number in range(3000)}
    parts = [{**dict(list(tensors.items())[:9]), **many}, dict(list(tensors.items())[9:])]
    (folder / "model.safetensors").unlink()
    mapped = {}
    for number, part in enumerate(parts, 1):
        name = f"model-{number:05}-of-00002.safetensors"
        (folder / name).write_bytes(safetensors_bytes(part))
        mapped |= dict.fromkeys(part, name)
    (folder / INDEX).write_text(json.dumps({"weight_map": mapped}))


@pytest.mark.parametrize("parts", [1, 2])
async def test_the_facts_are_those_of_the_folder(hub: LocalHub, folder: Path, parts: int) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    if parts == 2:
        split(folder)
    hub.files = files_of(folder)
    facts, source = await look_at(REPO)
    assert facts == replace(read_checkpoint(folder), name="repo")
    assert (facts.parts, facts.licence, facts.tokenizer_pre) == (parts, "apache-2.0", "qwen2")
    assert source == f"hf:owner/repo#commit={COMMIT}"


async def test_no_weights_are_fetched(hub: LocalHub, folder: Path) -> None:
    tensors = decoder_tensors(decoder_config("Qwen2ForCausalLM"))
    tensors["spare"] = np.zeros(1 << 20, np.float32)
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    hub.files = files_of(folder)
    await look_at(REPO)
    asked = [span for path, span in hub.store_seen.ranges if path.endswith(".safetensors")]
    assert asked == ["bytes=0-131071"]


async def test_what_is_not_whole_is_refused(hub: LocalHub, folder: Path) -> None:
    split(folder)
    whole = files_of(folder)
    for name, kind in {
        "config.json": ModelFileMissingError,
        "model-00002-of-00002.safetensors": ModelFileMissingError,
    }.items():
        hub.files = {other: data for other, data in whole.items() if other != name}
        with pytest.raises(kind):
            await look_at(REPO)
    hub.files = whole | {"config.json": b"[]"}
    with pytest.raises(ModelFileError):
        await look_at(REPO)
    hub.files = whole | {"config.json": b" " * (5 << 20)}
    with pytest.raises(SourceError):
        await look_at(REPO)
