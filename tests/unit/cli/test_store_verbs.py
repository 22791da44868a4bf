"""The verbs of the store, through their commands: `ls`, `rm`, `cp`, `verify`, `gc`, `df`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stoker.cli.ls import short_source
from stoker.core.errors import (
    InvalidModelNameError,
    ModelInUseError,
    ModelNotFoundError,
    StoreDamagedError,
)
from stoker.core.model import ModelRef
from stoker.models.download.answers import Validators
from stoker.models.download.part import Part
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    return Store(tmp_path / "home" / "models")


def add(store: Store, name: str, data: bytes) -> str:
    store.parts.mkdir(parents=True, exist_ok=True)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    (store.parts / "x").write_bytes(data)
    store.adopt(store.parts / "x", digest)
    layer = Layer(digest, len(data), "model", "a.gguf")
    facts = {"quantization": "Q8_0", "parameters": 5_410_000}
    store.put(Manifest(ModelRef.parse(name), "https://host/a", (layer,), 1_700_000_000, facts))
    return digest


def call(verb: str, *arguments: str) -> Result:
    return CliRunner().invoke(import_module(f"stoker.cli.{verb}").command, list(arguments))


def document(verb: str, *arguments: str) -> Any:
    return json.loads(call(verb, *arguments, "--json").stdout)


def test_ls_shows_name_size_quantization_parameters_time_and_source(store: Store) -> None:
    add(store, "shop:v2", b"x" * 2048)
    line = call("ls").stdout.splitlines()[1]
    words = [word.strip() for word in line.split("  ") if word.strip()]
    assert words == ["shop:v2", "2 KiB", "Q8_0", "5.41 M", "2023-11-14 22:13", "https://host/a"]


def test_ls_says_what_programs_need_and_creates_nothing(store: Store) -> None:
    assert [one["built_in"] for one in document("ls")] == [True]
    assert not store.root.exists()
    digest = add(store, "shop", b"abc")
    found, built_in = document("ls")
    assert (found["model"], found["bytes"], found["digests"]) == ("shop", 3, [digest])
    assert (found["missing"], found["built_in"]) == ([], False)
    assert found.keys() == built_in.keys()
    assert (built_in["model"], built_in["source"]) == ("starter", None)


def test_ls_shows_the_model_that_comes_with_stoker(store: Store) -> None:
    done = call("ls")
    assert done.stdout.splitlines()[-1].startswith("starter")
    assert done.stdout.splitlines()[-1].endswith("comes with Stoker")
    assert "Nothing is stored yet" in done.stderr
    add(store, "shop", b"abc")
    assert call("ls").stderr == ""


def test_ls_marks_a_model_whose_file_is_gone(store: Store) -> None:
    digest = add(store, "shop", b"abc")
    store.blob(digest).unlink()
    assert call("ls").stdout.splitlines()[1].split()[:2] == ["shop", "missing"]
    assert document("ls")[0]["missing"] == [digest]


@pytest.mark.parametrize("words", ["rm starter", "cp starter xx", "verify starter"])
def test_the_model_that_comes_with_stoker_is_not_the_stores(store: Store, words: str) -> None:
    add(store, "shop", b"abc")
    error = call(*words.split()).exception
    assert isinstance(error, InvalidModelNameError)
    assert error.message == "starter comes with Stoker, and is not in the store"


def test_what_signs_an_address_is_kept_and_not_shown(store: Store) -> None:
    add(store, "shop", b"abc")
    signed = replace(store.manifests()[0], source="https://host/a?X-Amz-Signature=s3cret")
    store.put(signed)
    assert store.manifests()[0].source == signed.source
    assert document("ls")[0]["source"] == "https://host/a"
    assert "s3cret" not in call("ls").output


def test_ls_warns_of_a_manifest_that_cannot_be_read_and_lists_the_rest(store: Store) -> None:
    add(store, "shop", b"abc")
    (store.manifest_folder / "bad.json").write_text("{")
    done = call("ls")
    assert "shop" in done.stdout
    assert "bad.json" in done.stderr


def test_rm_frees_what_no_other_name_needs(store: Store) -> None:
    digest = add(store, "shop", b"abc")
    call("cp", "shop", "b")
    assert document("rm", "shop") == {"removed": "shop", "freed_bytes": 0}
    assert store.has(digest)
    assert document("rm", "b") == {"removed": "b", "freed_bytes": 3}
    assert not store.has(digest)


def test_rm_with_a_wrong_name_removes_nothing(store: Store) -> None:
    add(store, "shop", b"abc")
    assert isinstance(call("rm", "shop", "shpo").exception, ModelNotFoundError)
    assert store.manifests()


def test_rm_refuses_what_runs(store: Store) -> None:
    with store.hold(add(store, "shop", b"abc")):
        assert isinstance(call("rm", "shop").exception, ModelInUseError)
    assert store.manifests()


def test_rm_forgets_a_name_of_what_runs_while_another_name_keeps_its_file(store: Store) -> None:
    digest = add(store, "shop", b"abc")
    call("cp", "shop", "b")
    with store.hold(digest):
        assert document("rm", "shop") == {"removed": "shop", "freed_bytes": 0}
        assert isinstance(call("rm", "b").exception, ModelInUseError)
    assert [str(one.ref) for one in store.manifests()] == ["b"]
    assert store.has(digest)


def test_cp_takes_no_name_that_is_taken(store: Store) -> None:
    add(store, "shop", b"abc")
    assert call("cp", "shop", "b:v1").exit_code == 0
    assert isinstance(call("cp", "shop", "b:v1").exception, InvalidModelNameError)
    assert isinstance(call("cp", "shop", "starter").exception, InvalidModelNameError)


def test_verify_says_how_much_was_read(store: Store) -> None:
    add(store, "shop", b"abc")
    done = call("verify")
    assert done.exit_code == 0
    assert "1 file, 3 B checked." in done.stdout
    assert document("verify", "shop") == {"files": 1, "bytes": 3, "findings": []}


def test_verify_names_the_models_that_a_damaged_file_hits_and_fails(store: Store) -> None:
    digest = add(store, "shop", b"abc")
    store.blob(digest).write_bytes(b"abd")
    done = call("verify")
    assert f"differs  {digest}  needed by shop" in done.stdout
    assert isinstance(done.exception, StoreDamagedError)
    assert done.exception.message == "1 file of the store was not what it should be"
    assert "shop" in done.exception.hint
    assert not store.has(digest)


def test_verify_all_sets_a_damaged_manifest_aside_so_that_gc_works_again(store: Store) -> None:
    add(store, "shop", b"abc")
    next(store.manifest_folder.glob("*")).write_text("{")
    assert isinstance(call("gc").exception, StoreDamagedError)
    assert isinstance(call("verify", "--all").exception, StoreDamagedError)
    assert call("verify", "--all").exit_code == 0
    assert document("gc")["freed_bytes"] == 3


def test_gc_says_what_it_would_remove_and_then_removes_it(store: Store) -> None:
    digest = add(store, "shop", b"abc")
    store.remove(ModelRef("shop"))
    assert document("gc", "--dry-run")["removed"] == [
        {"kind": "blob", "name": digest, "size_bytes": 3}
    ]
    assert store.has(digest)
    assert "3 B freed." in call("gc").stdout
    assert not store.has(digest)


def test_df_counts_what_is_shared_once(store: Store) -> None:
    add(store, "shop", b"abc")
    call("cp", "shop", "b")
    found = document("df")
    assert found["models"]["b"] == {"bytes": 3, "own_bytes": 0}
    assert (found["files_bytes"], found["shared_bytes"]) == (3, 3)
    assert "quarantine" in call("df").stdout


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        (f"hf:o/r:Q4@{'1' * 40}#commit={'1' * 40}", "hf:o/r:Q4@111111111111"),
        (f"hf:o/r:Q4@main#commit={'1' * 40}", "hf:o/r:Q4@main"),
        (f"ollama:shop:1b@sha256:{'a' * 64}", "ollama:shop:1b"),
        (f"https://h/m.gguf#sha256={'a' * 64}", "https://h/m.gguf"),
        ("https://h/m.gguf?sig=s3cret", "https://h/m.gguf"),
        ("/models/m.gguf", "/models/m.gguf"),
    ],
)
def test_ls_shows_a_source_without_its_pins(source: str, shown: str) -> None:
    assert short_source(source) == shown
    assert len(short_source("/long" * 100)) <= 48


def test_df_says_where_the_store_is_and_what_is_unfinished(store: Store) -> None:
    part = Part(store.parts, "abc", "https://host/m.gguf")
    part.begin(4096, Validators('"one"'), resumable=True)
    part.write(0, b"x" * 1024)
    part.save_now()
    part.close()
    shown = call("df").stdout
    assert str(store.root) in shown
    assert "https://host/m.gguf  1 KiB of 4 KiB" in shown
    assert document("df")["unfinished"][0]["done_bytes"] == 1024
    assert "part" in call("gc", "--parts").stdout
    assert document("df")["unfinished"] == []


@pytest.mark.parametrize("verb", ["ls", "rm", "cp", "verify", "gc", "df"])
def test_every_verb_of_the_store_shows_examples(verb: str) -> None:
    shown = call(verb, "--help").stdout
    assert "Examples:" in shown
    assert f"stoker {verb}" in shown
    assert "--json" in shown
