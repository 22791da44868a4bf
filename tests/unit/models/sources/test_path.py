"""Files and folders of this machine: one model is found, or the person is asked."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import (
    FileMissingError,
    InvalidSourceError,
    SeveralFilesError,
    SourceUnsafeError,
)
from stoker.models.sources import path as module
from stoker.models.sources.base import Offer
from stoker.models.sources.path import PathSource
from stoker.models.sources.reference import PathReference

NO_CLIENT: Any = None


async def offered(path: Path) -> Offer:
    return await PathSource(PathReference(path)).resolve(NO_CLIENT)


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"GGUF" + name.encode())
    return folder


async def test_a_file_is_offered_as_it_lies_there(tmp_path: Path) -> None:
    made(tmp_path, "m-Q8_0.gguf")
    offer = await offered(tmp_path / "m-Q8_0.gguf")
    (file,) = offer.files
    assert (file.name, file.quantization, file.path) == (
        *("m-Q8_0.gguf", "Q8_0"),
        (tmp_path / "m-Q8_0.gguf").resolve(),
    )
    assert file.size_bytes == len(b"GGUFm-Q8_0.gguf")
    assert offer.source == str(tmp_path / "m-Q8_0.gguf")


async def test_a_relative_path_is_kept_as_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made(tmp_path, "a.gguf"))
    assert (await offered(Path("a.gguf"))).source == str(tmp_path / "a.gguf")


async def test_a_name_need_not_end_as_models_do(tmp_path: Path) -> None:
    assert (await offered(made(tmp_path, "blob") / "blob")).model.name == "blob"


async def test_a_folder_with_one_model_is_that_model(tmp_path: Path) -> None:
    made(tmp_path, "README.md", "deep/m.gguf", "deep/mmproj-m.gguf")
    offer = await offered(tmp_path)
    assert [file.name for file in offer.files] == ["deep/m.gguf"]


async def test_a_folder_with_several_asks_for_one(tmp_path: Path) -> None:
    made(tmp_path, "a.gguf", "b.gguf")
    with pytest.raises(SeveralFilesError) as caught:
        await offered(tmp_path)
    assert [one.name for one in caught.value.choices] == ["a.gguf", "b.gguf"]
    assert f"stoker pull {tmp_path}/a.gguf" in caught.value.hint


PARTS = [f"m-0000{number}-of-00003.gguf" for number in (1, 2, 3)]


@pytest.mark.parametrize("named", ["", *PARTS])
async def test_a_split_model_is_offered_whole_whichever_part_is_named(
    tmp_path: Path, named: str
) -> None:
    made(tmp_path, *PARTS)
    if named:
        made(tmp_path, "other-00001-of-00003.gguf", "m-00001-of-00002.gguf", "m.gguf")
    offer = await offered(tmp_path / named)
    assert [file.name for file in offer.files] == PARTS


async def test_a_split_model_with_a_part_missing_is_refused(tmp_path: Path) -> None:
    made(tmp_path, *PARTS[:2])
    with pytest.raises(InvalidSourceError, match="2 of 3 parts"):
        await offered(tmp_path / PARTS[0])


async def test_nothing_there_is_said_with_other_ways(tmp_path: Path) -> None:
    with pytest.raises(FileMissingError, match="There is no file") as caught:
        await offered(tmp_path / "none")
    assert "ollama:" in caught.value.hint
    with pytest.raises(InvalidSourceError, match=r"no \.gguf file"):
        await offered(made(tmp_path, "README.md"))


async def test_a_folder_of_another_form_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InvalidSourceError) as caught:
        await offered(made(tmp_path, "model.safetensors"))
    assert "stoker import" in caught.value.hint


@pytest.mark.parametrize("name", ["m.zip", "m.tar", "m.tar.gz", "M.TGZ", "m.gguf.gz", "m.7z"])
async def test_an_archive_is_not_opened(tmp_path: Path, name: str) -> None:
    made(tmp_path, name)
    with pytest.raises(InvalidSourceError, match="does not open") as caught:
        await offered(tmp_path / name)
    assert "unpack it yourself" in caught.value.hint
    with pytest.raises(InvalidSourceError) as caught:
        await offered(tmp_path)
    assert "archives" in caught.value.hint


async def test_a_link_that_a_person_names_is_followed(tmp_path: Path) -> None:
    made(tmp_path, "elsewhere/blob")
    (tmp_path / "m.gguf").symlink_to("elsewhere/blob")
    file = (await offered(tmp_path / "m.gguf")).model
    assert (file.name, file.path) == ("m.gguf", (tmp_path / "elsewhere/blob").resolve())


async def test_with_a_named_link_the_other_parts_are_followed_too(tmp_path: Path) -> None:
    made(tmp_path, *(f"blobs/{name}" for name in PARTS))
    (tmp_path / "snapshot").mkdir()
    for name in PARTS:
        (tmp_path / "snapshot" / name).symlink_to(f"../blobs/{name}")
    assert len((await offered(tmp_path / "snapshot" / PARTS[0])).files) == 3


async def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    made(tmp_path, "secret", "folder/inside/real.gguf", f"folder/{PARTS[0]}", f"folder/{PARTS[1]}")
    folder = tmp_path / "folder"
    (folder / PARTS[2]).symlink_to("../secret")
    for path in (folder, folder / PARTS[0]):
        with pytest.raises(SourceUnsafeError, match="link to somewhere else"):
            await offered(path)


async def test_a_link_within_a_folder_is_a_file_of_it(tmp_path: Path) -> None:
    made(tmp_path, "real")
    (tmp_path / "m.gguf").symlink_to("real")
    assert (await offered(tmp_path)).model.path == (tmp_path / "real").resolve()


async def test_a_linked_folder_and_what_lies_too_deep_are_left_out(tmp_path: Path) -> None:
    made(tmp_path, "elsewhere/b.gguf", "folder/a.gguf", "folder/1/2/3/4/5/c.gguf")
    (tmp_path / "folder/link").symlink_to("../elsewhere")
    assert [file.name for file in (await offered(tmp_path / "folder")).files] == ["a.gguf"]


async def test_a_link_in_a_circle_and_one_to_nothing_are_errors_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").symlink_to("b.gguf")
    (tmp_path / "b.gguf").symlink_to("a.gguf")
    for path in (tmp_path, tmp_path / "a.gguf"):
        with pytest.raises((InvalidSourceError, FileMissingError)):
            await offered(path)


async def test_a_pipe_is_no_model(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.gguf")
    with pytest.raises(InvalidSourceError, match="not a regular file"):
        await offered(tmp_path / "m.gguf")


async def test_a_name_to_deceive_with_is_refused(tmp_path: Path) -> None:
    made(tmp_path, "m\x1b[2J.gguf")
    with pytest.raises(InvalidSourceError, match="control character"):
        await offered(tmp_path)


async def test_a_folder_without_end_is_not_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENTRIES_MAX", 3)
    with pytest.raises(InvalidSourceError, match="more than 3 entries"):
        await offered(made(tmp_path, "a", "b", "c/d", "e"))
