"""Which files are one checkpoint, and that they say one thing together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stoker.core.errors import (
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
    SeveralFilesError,
    SourceUnsafeError,
    UnsupportedModelError,
)
from stoker.models.checkpoint.documents import Folder
from stoker.models.checkpoint.shards import FILES_MAX, INDEX, choose, read_weights
from stoker.testing.checkpoints import safetensors_bytes

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
INDEXED = {"weight_map": {"a": FIRST, "b": SECOND}}


def put(path: Path, name: str, *tensors: str) -> None:
    values = {tensor: np.zeros((2, 3), np.float16) for tensor in tensors}
    (path / name).write_bytes(safetensors_bytes(values))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    put(tmp_path, FIRST, "a")
    put(tmp_path, SECOND, "b")
    return Folder(tmp_path)


def index(folder: Folder, document: object) -> None:
    (folder.path / INDEX).write_text(json.dumps(document))


def test_the_files_of_the_index_are_one_model(folder: Folder) -> None:
    index(folder, INDEXED)
    put(folder.path, "consolidated.safetensors", "c")  # the same weights in another form
    weights = read_weights(folder)
    assert {name: placed.file for name, placed in weights.tensors.items()} == INDEXED["weight_map"]
    assert weights.files == 2
    sizes = [(folder.path / name).stat().st_size for name in (FIRST, SECOND)]
    assert weights.file_bytes == sum(sizes)


def test_a_numbered_set_needs_no_index(folder: Folder) -> None:
    assert set(read_weights(folder).tensors) == {"a", "b"}


def test_a_tensors_place_counts_from_the_files_start(folder: Folder) -> None:
    placed = read_weights(folder).tensors["a"]
    data = (folder.path / FIRST).read_bytes()
    assert placed.at + placed.entry.bytes == len(data)


def test_a_single_file_of_any_name_is_the_model(tmp_path: Path) -> None:
    put(tmp_path, "weights.safetensors", "a")
    assert read_weights(Folder(tmp_path)).files == 1


def test_the_plain_name_wins_as_it_does_for_who_writes_them(folder: Folder) -> None:
    put(folder.path, "model.safetensors", "whole")
    index(folder, INDEXED)
    assert set(read_weights(folder).tensors) == {"whole"}


def test_several_that_do_not_belong_together_are_asked_about(tmp_path: Path) -> None:
    for name in ("one.safetensors", "two.safetensors"):
        put(tmp_path, name, name)
    with pytest.raises(SeveralFilesError, match=r"one\.safetensors, two\.safetensors"):
        read_weights(Folder(tmp_path))


def test_a_folder_without_safetensors_is_told_why(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(UnsupportedModelError, match=r"no \.safetensors") as caught:
        read_weights(Folder(tmp_path))
    assert "run code" in caught.value.hint


def test_a_missing_part_is_named_with_and_without_an_index(folder: Folder) -> None:
    (folder.path / SECOND).unlink()
    with pytest.raises(ModelFileMissingError, match=SECOND):
        read_weights(folder)
    index(folder, INDEXED)
    with pytest.raises(ModelFileMissingError, match=SECOND):
        read_weights(folder)


def test_a_part_that_leads_out_of_the_folder_is_refused(folder: Folder, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}.outside"
    (folder.path / SECOND).rename(outside)
    (folder.path / SECOND).symlink_to(outside)
    with pytest.raises(SourceUnsafeError, match=SECOND):
        read_weights(folder)


@pytest.mark.parametrize(
    "name",
    [
        "../x.safetensors",
        "/x.safetensors",
        "a\\x.safetensors",
        "x.bin",
        ".x.safetensors",
        "x\0.safetensors",
        "C:x.safetensors",
        "x" * 300 + ".safetensors",
        7,
    ],
)
def test_an_index_names_plain_files_only(folder: Folder, name: object) -> None:
    with pytest.raises(ModelFileGarbageError, match="names the file"):
        choose([FIRST, SECOND], {"weight_map": {"a": name}})


@pytest.mark.parametrize("document", [[], {}, {"weight_map": {}}, {"weight_map": [1]}, 7])
def test_an_index_without_a_map_is_garbage(document: object) -> None:
    with pytest.raises(ModelFileGarbageError):
        choose([FIRST], document)


def test_a_tensor_that_is_not_where_the_index_says_is_named(folder: Folder) -> None:
    index(folder, {"weight_map": {"a": FIRST, "b": SECOND, "c": SECOND}})
    with pytest.raises(ModelFileTruncatedError, match="lacks tensor 'c'"):
        read_weights(folder)
    index(folder, {"weight_map": {"a": SECOND, "b": FIRST}})
    with pytest.raises(ModelFileGarbageError, match=r"puts tensor 'a' into model-00002"):
        read_weights(folder)


def test_one_tensor_in_two_files_is_garbage(folder: Folder) -> None:
    put(folder.path, SECOND, "a")
    with pytest.raises(ModelFileGarbageError, match="tensor 'a'"):
        read_weights(folder)


def test_too_many_files_are_an_error_and_never_cut_off() -> None:
    count = FILES_MAX + 1
    names = [f"model-{number:05}-of-{count:05}.safetensors" for number in range(1, count + 1)]
    with pytest.raises(ModelFileGarbageError, match=f"{count} safetensors files"):
        choose(names)
    with pytest.raises(ModelFileGarbageError, match=f"{count} safetensors files"):
        choose(names, {"weight_map": {name: name for name in names}})


def test_a_name_that_announces_a_million_parts_makes_no_list() -> None:
    with pytest.raises(ModelFileGarbageError, match="99999"):
        choose(["m-00001-of-99999.safetensors", "m-00002-of-99999.safetensors"])
