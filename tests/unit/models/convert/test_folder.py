"""What is read of files that nobody trusts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stoker.core.errors import ModelFileGarbageError, UnsupportedModelError
from stoker.models.convert.bert import marked
from stoker.models.convert.convert import convert
from stoker.models.convert.folder import read_tensors


def put(folder: Path, entry: dict, data: bytes) -> Path:
    head = json.dumps({"a": entry}).encode()
    path = folder / "model.safetensors"
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)
    return path


def test_sixteen_bits_are_read_as_the_numbers_they_are(tmp_path: Path) -> None:
    data = np.array([[0x3F80, 0xC000]], np.uint16).tobytes()
    put(tmp_path, {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]}, data)
    assert read_tensors(tmp_path)["a"].read().tolist() == [[1.0, -2.0]]


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [([2], [0, 4]), ([2], [4, 12]), ([2], [-8, 0]), ([-2], [0, 8]), ([1 << 60], [0, 1 << 62])],
)
def test_places_that_cannot_be_are_refused(
    tmp_path: Path, shape: list[int], offsets: list[int]
) -> None:
    put(tmp_path, {"dtype": "F32", "shape": shape, "data_offsets": offsets}, bytes(8))
    with pytest.raises(ModelFileGarbageError):
        read_tensors(tmp_path)


def test_a_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"\xff" * 16)
    with pytest.raises(ModelFileGarbageError):
        read_tensors(tmp_path)


def test_an_unknown_architecture_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["OddForCausalLM"]}')
    with pytest.raises(UnsupportedModelError, match="OddForCausalLM"):
        convert(tmp_path, tmp_path / "out.gguf")
    assert not list(tmp_path.glob("out*"))


def test_words_are_marked_at_their_beginning() -> None:
    assert [marked(word) for word in ("cat", "##s", "[CLS]")] == ["▁cat", "s", "[CLS]"]
