"""A hollow file says all that the whole one says of its sizes, and holds none of its data."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import (
    HomeNotWritableError,
    ModelFileMissingError,
    ModelFileTruncatedError,
    UnsupportedModelError,
)
from stoker.models.facts import facts_of, read_facts
from stoker.models.gguf.header import read_header
from stoker.models.gguf.hollow import Hollow, fetch_hollow, hollowed, read_hollow, write_hollow
from stoker.testing.architectures import write_architecture
from stoker.testing.blueprints import NAMES


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_architecture(tmp_path / "m.gguf", "llama", vocabulary=2000, merges=500)


def hollow_copy(path: Path, folder: Path) -> Path:
    folder.mkdir()
    return write_hollow(folder, read_hollow(path))


def whole(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_what_decides_memory_is_the_same_in_both(tmp_path: Path, name: str) -> None:
    path = write_architecture(tmp_path / "m.gguf", name, hollow=True)
    full, hollow = read_facts(path), read_facts(hollow_copy(path, tmp_path / "h"))
    bare = {"file_bytes": 0, "tokenizer": "", "tokenizer_pre": "", "chat_template": False}
    bare |= {"chat_template_digest": None}
    layouts = (replace(one.layout, merges=0) for one in (full, hollow))
    first, second = (
        replace(one, layout=layout, **bare)
        for one, layout in zip((full, hollow), layouts, strict=True)
    )
    assert first == second


def test_it_takes_no_room_and_claims_the_datas_length(model: Path, tmp_path: Path) -> None:
    copy = hollow_copy(model, tmp_path / "h")
    data = model.stat().st_size - header_bytes(model)
    assert copy.stat().st_size == header_bytes(copy) + data
    assert copy.stat().st_blocks * 512 < 32768 < data
    assert header_bytes(copy) < header_bytes(model) / 10


def header_bytes(path: Path) -> int:
    return -(-read_header(path).table_at[1] // 32) * 32


def test_the_vocabularys_size_stands_in_for_it(model: Path, tmp_path: Path) -> None:
    header = read_header(hollow_copy(model, tmp_path / "h"))
    assert header.values["llama.vocab_size"] == 2000
    assert header.values["tokenizer.ggml.model"] == "none"
    assert "tokenizer.ggml.tokens" not in header.array_lengths


async def test_a_far_file_becomes_hollow_in_the_same_reads_as_its_facts(model: Path) -> None:
    data, reads = whole(model), []

    async def read(offset: int, length: int) -> bytes:
        reads.append(length)
        return data[offset : offset + length]

    header, hollow = await fetch_hollow("far.gguf", len(data), read)
    assert hollow.data == read_hollow(model)[0].data
    assert facts_of("far.gguf", header).layers == 4
    assert len(reads) <= 4


def test_each_part_of_a_split_model_becomes_hollow(tmp_path: Path) -> None:
    parts = [split_part(tmp_path, number) for number in range(2)]
    hollow = read_hollow(parts[0])
    assert [one.name for one in hollow] == [path.name for path in parts]
    (tmp_path / "h").mkdir()
    first = write_hollow(tmp_path / "h", hollow)
    assert read_facts(first).parts == 2
    parts[1].unlink()
    with pytest.raises(ModelFileMissingError):
        read_hollow(parts[0])


def split_part(folder: Path, number: int) -> Path:
    """A model of two parts with one tensor each; only the first has metadata of the model."""

    def string(text: str) -> bytes:
        return struct.pack("<Q", len(text)) + text.encode()

    def count(key: str, value: int) -> bytes:
        return string(key) + struct.pack("<II", 4, value)

    pairs = [count("split.count", 2), count("split.no", number), count("split.tensors.count", 2)]
    if number == 0:
        pairs.append(string("general.architecture") + struct.pack("<I", 8) + string("llama"))
        pairs += [
            count(f"llama.{key}", 2)
            for key in ("context_length", "block_count", "embedding_length", "vocab_size")
        ]
    table = string(f"t{number}") + struct.pack("<IQIQ", 1, 32, 0, 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs)) + b"".join(pairs) + table
    path = folder / f"m-{number + 1:05}-of-00002.gguf"
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(128))
    return path


def test_a_file_that_is_cut_short_is_refused_as_ever(model: Path) -> None:
    model.write_bytes(model.read_bytes()[:-100])
    with pytest.raises(ModelFileTruncatedError):
        read_hollow(model)


def test_numbers_in_the_other_byte_order_are_refused(model: Path) -> None:
    header = replace(read_header(model), big_endian=True)
    with pytest.raises(UnsupportedModelError, match="big-endian"):
        hollowed("m.gguf", header, model.read_bytes())


def test_a_folder_that_cannot_be_written_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(HomeNotWritableError):
        write_hollow(tmp_path / "nowhere", [Hollow("m.gguf", b"GGUF", 100)])
