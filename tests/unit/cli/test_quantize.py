"""What `stoker quantize` prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from stoker.cli.quantize import command
from stoker.core.errors import UnsupportedModelError
from stoker.core.model import ModelRef
from stoker.models.facts import read_facts
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store, hash_file
from stoker.state.home import Home
from stoker.testing.synthetic import write_model, write_split_model


def test_json_says_what_was_made(tmp_path: Path) -> None:
    out = tmp_path / "small.gguf"
    result = CliRunner().invoke(
        command, ["starter", "--to", "q8_0", "--out", str(out), "--json"], catch_exceptions=False
    )
    document = json.loads(result.stdout)
    assert document["bytes_out"] == out.stat().st_size < document["bytes_in"]
    assert 8.5 <= document["bits_per_weight"] < 9
    assert set(document["bytes_by_type"]) == {"F32", "Q8_0"}
    assert document["peak_memory_bytes"] > 0


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that we are in, and a home."""
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def keep(ref: str, *files: Path) -> None:
    """Store `files` as the model `ref`."""
    store = Store(Home.find().prepare().models)
    layers = []
    for file in files:
        size, found = file.stat().st_size, hash_file(file)
        store.adopt(file, found)
        layers.append(Layer(found, size, "model", file.name))
    store.put(Manifest(ModelRef.parse(ref), "here", tuple(layers), 1, {}))


def made_of(model: str) -> str:
    """The name of the file that `quantize` makes of `model`."""
    result = CliRunner().invoke(command, [model, "--to", "q4_0", "--json"], catch_exceptions=False)
    return Path(json.loads(result.stdout)["file"]).name


@pytest.mark.parametrize(
    ("ref", "name"), [("shop", "shop-q4_0.gguf"), ("shop:7b", "shop-7b-q4_0.gguf")]
)
def test_a_stored_model_gives_its_name(here: Path, tmp_path: Path, ref: str, name: str) -> None:
    keep(ref, write_model(tmp_path / "m.gguf"))
    assert made_of(ref) == name
    assert [file.name for file in here.iterdir()] == [name]


def test_a_stored_model_of_several_files_becomes_one(here: Path, tmp_path: Path) -> None:
    folder = tmp_path / "split"
    folder.mkdir()
    write_split_model(folder / "m.gguf", 3)
    keep("shop", *sorted(folder.iterdir()))
    assert made_of("shop") == "shop-q4_0.gguf"
    assert read_facts(here / "shop-q4_0.gguf").quantization == "Q4_0"


def test_a_file_gives_its_own_name(here: Path, tmp_path: Path) -> None:
    whole = write_model(tmp_path / "my.model.gguf")
    first = write_split_model(tmp_path / "big.gguf", 2)
    assert made_of(str(whole)) == "my.model-q4_0.gguf"
    assert made_of(str(first)) == "big-q4_0.gguf"
    assert made_of(f"mine={whole}") == "mine-q4_0.gguf"
    assert made_of("starter") == "starter-q4_0.gguf"


def test_a_type_that_needs_a_native_program_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["starter", "--to", "q4_k_m"])
    assert isinstance(result.exception, UnsupportedModelError)
