"""What a person names is found, called as people call it, and written so that it is found again."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from stoker.cli.main import cli
from stoker.core.errors import ModelNotFoundError, UnsupportedModelError
from stoker.core.model import ModelRef
from stoker.library.judging.subjects import called, near_subject
from stoker.models.catalogue import STARTER_FOLDER, find_model, starter
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store, hash_file
from stoker.testing.checkpoints import write_decoder
from stoker.testing.synthetic import write_split_model

STARTER_FILE = STARTER_FOLDER / "starter.gguf"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def test_the_starter_bears_its_digest(store: Store) -> None:
    subject = near_subject("starter", store)
    assert (subject.source, subject.quantization, subject.here) == ("starter", "F16", True)
    assert subject.model.facts.digest == starter().facts.digest


def test_a_file_is_hashed_only_where_it_is_to_be_pinned(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "shop.gguf"
    shutil.copy(STARTER_FILE, path)
    assert near_subject(str(path), store).model.facts.digest is None
    pinned = near_subject(str(path), store, pin=True)
    assert pinned.model.facts.digest == hash_file(path)


def test_every_part_of_a_split_model_is_pinned(store: Store, tmp_path: Path) -> None:
    (tmp_path / "split").mkdir()
    first = write_split_model(tmp_path / "split" / "m.gguf", 3)
    files = sorted(first.parent.iterdir())
    assert near_subject(str(first), store).model.digests == ()
    model = near_subject(str(first), store, pin=True).model
    assert model.digests == tuple(map(hash_file, files))
    assert model.facts.digest == model.digests[0]


@pytest.mark.parametrize("form", ["{name}.gguf", "./{name}.gguf", "mine={name}.gguf"])
def test_a_source_means_the_same_file_from_any_folder(
    form: str, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(STARTER_FILE, tmp_path / "shop.gguf")
    monkeypatch.chdir(tmp_path)
    subject = near_subject(form.format(name="shop"), store)
    monkeypatch.chdir("/")
    again = find_model(subject.source, store)
    assert again.path == tmp_path / "shop.gguf"
    assert again.ref == subject.model.ref


def test_a_projector_beside_the_file_is_said_not_to_be_run(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "shop.gguf"
    shutil.copy(STARTER_FILE, path)
    assert near_subject(str(path), store).notes == ()
    for name in ("mmproj-F16.gguf", "mmproj-\x1b.gguf", "mmproj.txt"):
        (tmp_path / name).write_bytes(b"GGUF")
    (note,) = near_subject(str(path), store).notes
    assert "the projector mmproj-?.gguf and 1 more is not run" in note
    assert "no pictures" in note


def test_a_projector_that_was_pulled_along_is_said_not_to_be_run(
    store: Store, tmp_path: Path
) -> None:
    layers = []
    for kind, name in (("model", "m.gguf"), ("projector", "mmproj-m.gguf")):
        file = tmp_path / name
        shutil.copy(STARTER_FILE, file)
        if kind == "projector":
            file.write_bytes(b"GGUF eye")
        digest, size = hash_file(file), file.stat().st_size
        store.parts.mkdir(parents=True, exist_ok=True)
        store.adopt(file, digest)
        layers.append(Layer(digest, size, kind, name))
    store.put(Manifest(ModelRef("seeing"), "./m.gguf", tuple(layers), 1, {}))
    assert "mmproj-m.gguf is not run" in near_subject("seeing", store).notes[0]


def test_a_folder_is_to_be_imported_first_and_the_command_makes_what_is_planned(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_decoder(tmp_path / "my model")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnsupportedModelError, match="is a folder") as caught:
        near_subject("./my model", store)
    make, show = caught.value.hint.split("`")[1::2]
    assert CliRunner().invoke(cli, shlex.split(make)[1:]).exit_code == 0
    assert near_subject(shlex.split(show)[-1], store).model.facts.layers > 0


def test_of_any_other_folder_a_file_is_to_be_named(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedModelError) as caught:
        near_subject(str(tmp_path), store)
    assert ".gguf" in caught.value.hint


def test_what_is_not_there_is_said(store: Store) -> None:
    with pytest.raises(ModelNotFoundError):
        near_subject("nothing", store)


@pytest.mark.parametrize(
    ("kind", "name", "word"),
    [
        ("Q4_K", "shop-7b-q4_k_s.gguf", "Q4_K_S"),
        ("Q4_K", "shop-7b.gguf", "Q4_K_M"),
        ("Q5_K", "shop.gguf", "Q5_K_M"),
        ("Q8_0", "repo:Q8_0 sha256-abc", "Q8_0"),
        ("F16", "old-q4_0-notes.gguf", "F16"),
        ("Q4_K", "l8b-q4k.gguf", "Q4_K_M"),
        ("Q8_0", "l8b-q8.gguf", "Q8_0"),
        ("IQ4_XS", "shop.gguf", "IQ4_XS"),
    ],
)
def test_quantizations_are_called_by_the_file_unless_it_lies(
    kind: str, name: str, word: str
) -> None:
    assert called(replace(starter().facts, quantization=kind), name) == word
