"""What `stoker show` prints, for programs and for people."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from stoker.cli.pages.describing import describe, rows
from stoker.cli.show import command
from stoker.core.errors import ModelFileMissingError, ModelNotFoundError
from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.testing.checkpoints import write_decoder
from stoker.testing.synthetic import write_model

module = import_module("stoker.cli.show")

GROUPED, WINDOWED = AttentionKind.GROUPED, AttentionKind.WINDOWED
FACTS = ModelFacts(
    architecture="gpt-oss",
    parameters=20_900_000_000,
    quantization="MXFP4",
    file_bytes=12 << 30,
    context_length=131072,
    layers=4,
    embedding_length=2880,
    vocabulary=201088,
    task=Task.GENERATE,
    chat_template=True,
    parameters_active=3_600_000_000,
    attention=(WINDOWED, GROUPED, WINDOWED, GROUPED),
    window=128,
    experts=32,
    experts_used=4,
    heads=64,
    kv_heads=(8, 8, 8, 8),
    head_length_k=64,
    head_length_v=64,
    tokenizer="gpt2",
    tokenizer_pre="gpt-4o",
    chat_template_digest="sha256:abc",
    weight_bytes=(("MXFP4", 11 << 30), ("F32", 1 << 30)),
    parts=3,
    big_endian=True,
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))


def call(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


def test_the_keys_that_programs_rely_on_are_there_and_stay() -> None:
    older = (
        "model name architecture task parameters quantization bytes context layers vocabulary"
        " chat_template licence digest"
    )
    newer = (
        "parameters_active bits_per_weight bytes_by_type embedding_length attention"
        " attention_layers window heads kv_heads head_length_k head_length_v experts experts_used"
        " tokenizer tokenizer_pre chat_template_digest container parts big_endian"
    )
    assert set(describe(FACTS, model="m")) == {*older.split(), *newer.split()}


def test_json_tells_each_layer_and_the_sum() -> None:
    document = describe(FACTS, model="m")
    assert document["attention"] == {"windowed": 2, "grouped": 2}
    assert document["attention_layers"] == ["windowed", "grouped", "windowed", "grouped"]
    assert document["bytes_by_type"] == {"MXFP4": 11 << 30, "F32": 1 << 30}
    assert document["bits_per_weight"] == pytest.approx(8 * (12 << 30) / 20.9e9, abs=1e-3)
    json.dumps(document)


def test_a_person_reads_the_same_in_short() -> None:
    shown = dict(rows(FACTS, "m"))
    assert shown["parameters"] == "20.9 B, 3.6 B active"
    assert shown["attention"] == "2 windowed (128), 2 grouped"
    assert shown["heads"] == "64 of 64, 8 for keys and values"
    assert shown["experts"] == "32, 4 used by a token"
    assert shown["bytes by type"] == "MXFP4 11 GiB, F32 1 GiB"
    assert shown["tokenizer"] == "gpt2, gpt-4o"
    assert shown["container"] == "gguf, 3 files, big-endian"


def test_what_a_model_does_not_have_is_no_line() -> None:
    plain = ModelFacts("mamba", 10, "F32", 40, 1, 1, 1, 1, Task.GENERATE, chat_template=False)
    shown = dict(rows(plain, "m"))
    assert "experts" not in shown
    assert shown["heads"] == ""


def test_the_starter_is_shown_with_its_digest() -> None:
    lines = call("starter").stdout.splitlines()
    assert "architecture    llama" in lines
    assert "attention       6 grouped" in lines
    assert any(line.startswith("digest          sha256:") for line in lines)
    assert json.loads(call("starter", "--json").stdout)["kv_heads"] == [4] * 6


def test_a_file_outside_the_store_is_hashed_only_when_that_is_asked_for_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(write_model(tmp_path / "tiny.gguf"))
    unhashed = pytest.MonkeyPatch()
    unhashed.setattr(module, "hash_file", lambda *_: pytest.fail("the file was hashed"))
    assert "digest          -  (stoker show --digest)" in call(path).stdout.splitlines()
    assert json.loads(call(path, "--json").stdout)["digest"] is None
    assert not (tmp_path / "home").exists()
    unhashed.undo()
    said = call(path, "--digest", "--json")
    digest = f"sha256:{hashlib.sha256(Path(path).read_bytes()).hexdigest()}"
    assert (json.loads(said.stdout)["digest"], said.stderr) == (digest, "")
    monkeypatch.setattr(module, "hash_file", lambda *_: pytest.fail("it was hashed again"))
    assert f"digest          {digest}" in call(path).stdout.splitlines()
    assert json.loads(call(path, "--json", "--digest").stdout)["digest"] == digest


@pytest.mark.parametrize("far", ["", "hf:owner/repo"])
def test_only_a_file_here_can_be_hashed(
    far: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_look", lambda _: (replace(FACTS, container="gguf"), "m"))
    done = CliRunner().invoke(command, [far or str(write_decoder(tmp_path / "Tiny")), "--digest"])
    assert done.exit_code == 2
    assert "--digest is for a .gguf file on this machine" in done.stderr


def test_a_folder_of_safetensors_is_shown(tmp_path: Path) -> None:
    folder = write_decoder(tmp_path / "Tiny")
    document = json.loads(call(str(folder), "--json").stdout)
    assert (document["model"], document["architecture"]) == ("Tiny", "qwen2")
    assert (document["container"], document["digest"]) == ("safetensors", None)
    assert "container       safetensors" in call(str(folder)).stdout.splitlines()


def test_a_folder_that_is_named_like_a_model_is_asked_for_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_decoder(tmp_path / "Tiny")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFoundError) as caught:
        call("Tiny")
    assert "./Tiny" in caught.value.hint


def test_a_folder_without_a_model_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFileMissingError, match=r"config\.json"):
        call(str(tmp_path))
