"""What is read of a folder that nobody trusts stays within the folder and within bounds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoker.core.errors import ModelFileGarbageError, ModelFileMissingError, SourceUnsafeError
from stoker.models.checkpoint.documents import Folder, parse_json, parse_object


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    path = tmp_path / "model"
    path.mkdir()
    (path / "config.json").write_text('{"a": 1}')
    (tmp_path / "secret.json").write_text('{"key": "secret"}')
    return Folder(path)


def test_documents_are_found_by_name(folder: Folder) -> None:
    assert folder.need("config.json") == {"a": 1}
    assert folder.object("nothing.json") == {}
    assert folder.json("nothing.json") is None
    assert folder.text("nothing.txt") is None


def test_a_document_that_is_needed_is_named(folder: Folder) -> None:
    with pytest.raises(ModelFileMissingError, match=r"no nothing\.json"):
        folder.need("nothing.json")


@pytest.mark.parametrize("target", ["../secret.json", "../../../../../../../etc/passwd"])
def test_a_link_out_of_the_folder_is_refused(folder: Folder, target: str) -> None:
    (folder.path / "tokenizer.json").symlink_to(target)
    if (folder.path / "tokenizer.json").exists():
        with pytest.raises(SourceUnsafeError, match=r"tokenizer\.json is a link"):
            folder.json("tokenizer.json")


def test_a_folder_that_is_a_link_leads_nowhere_else(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "pooling").mkdir()
    (tmp_path / "pooling" / "config.json").write_text("{}")
    (folder.path / "1_Pooling").symlink_to(tmp_path / "pooling")
    with pytest.raises(SourceUnsafeError):
        folder.file("1_Pooling/config.json")


def test_links_within_the_folder_are_followed(folder: Folder) -> None:
    (folder.path / "other.json").symlink_to("config.json")
    assert folder.json("other.json") == {"a": 1}


def test_a_link_to_the_folder_itself_is_no_harm(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder.path)
    assert Folder(tmp_path / "link").json("config.json") == {"a": 1}


def test_the_hubs_cache_is_read_through_its_links_and_no_others(tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "0123"
    snapshot.mkdir(parents=True)
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    (blobs / "abc").write_text('{"a": 2}')
    (snapshot / "config.json").symlink_to("../../blobs/abc")
    (blobs / "secret").symlink_to("/etc/passwd")
    (snapshot / "other.json").symlink_to("../../blobs/secret")
    assert Folder(snapshot).json("config.json") == {"a": 2}
    with pytest.raises(SourceUnsafeError):
        Folder(snapshot).json("other.json")


def test_circles_broken_links_and_pipes_are_no_files(folder: Folder) -> None:
    (folder.path / "circle").symlink_to("circle")
    (folder.path / "broken").symlink_to("nowhere")
    os.mkfifo(folder.path / "pipe")
    for name in ("circle", "broken", "pipe", "nul\0", "."):
        assert folder.file(name) is None


def test_a_document_beyond_its_bound_is_refused(folder: Folder) -> None:
    assert folder.json("config.json", 8) == {"a": 1}
    with pytest.raises(ModelFileGarbageError, match="larger than 7 B"):
        folder.json("config.json", 7)


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"\xff\xfe{\0}\0", b"[" * 100_000, b'{"a": ' + b"9" * 5000 + b"}", b"\xc3"],
    ids=["nothing", "cut", "other letters", "deep", "endless number", "half a letter"],
)
def test_what_is_not_json_is_garbage(data: bytes) -> None:
    with pytest.raises(ModelFileGarbageError, match=r"x\.json: is not JSON"):
        parse_json("x.json", data)


def test_what_must_be_an_object_is_one() -> None:
    with pytest.raises(ModelFileGarbageError, match="not a JSON object"):
        parse_object("x.json", b"[1]")


def test_text_that_is_not_utf8_is_garbage(folder: Folder) -> None:
    (folder.path / "chat_template.jinja").write_bytes(b"\xff")
    with pytest.raises(ModelFileGarbageError, match="UTF-8"):
        folder.text("chat_template.jinja")
