"""What a folder cannot become is refused by name, before a byte is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader

from stoker.core.errors import (
    DiskFullError,
    InvalidRequestError,
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    SourceUnsafeError,
    UnsupportedModelError,
)
from stoker.models.convert import numbers
from stoker.models.convert.convert import KNOWN, convert
from stoker.models.facts import read_facts
from stoker.models.gguf.header import read_header
from stoker.testing.checkpoints import (
    END,
    decoder_config,
    decoder_tensors,
    safetensors_bytes,
    tokenizer,
    write_decoder,
    write_folder,
)

UP = "model.layers.0.mlp.up_proj.weight"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_decoder(tmp_path / "tiny")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "model.gguf"


def change(folder: Path, name: str, **changes: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def tensors(folder: Path, changes: dict[str, Any]) -> None:
    """Write the weights again with `changes`; a tensor that is None is left out."""
    config = json.loads((folder / "config.json").read_text())
    found = decoder_tensors(config) | changes
    kept = {name: values for name, values in found.items() if values is not None}
    (folder / "model.safetensors").write_bytes(safetensors_bytes(kept))


def refused(folder: Path, out: Path, kind: type[ModelFileError], words: str) -> ModelFileError:
    with pytest.raises(kind) as caught:
        convert(folder, out)
    assert words in caught.value.message
    assert caught.value.hint
    assert not list(out.parent.iterdir())
    return caught.value


def test_a_file_has_the_name_that_is_asked_for_and_is_a_model(folder: Path, out: Path) -> None:
    made = convert(folder, out, name="Mine")
    assert (made.path, made.bytes, made.architecture) == (out, out.stat().st_size, "qwen2")
    assert read_facts(out).name == "Mine"
    assert convert(folder, out, force=True).notes == ()
    assert read_facts(out).name == "tiny"


def test_the_same_folder_makes_the_same_bytes(folder: Path, out: Path) -> None:
    templates = [{"name": name, "template": name} for name in ("default", "rag", "tool_use", "x y")]
    change(folder, "tokenizer_config.json", chat_template=templates)
    convert(folder, out)
    first = out.read_bytes()
    convert(folder, out, force=True)
    assert out.read_bytes() == first
    values = read_header(out).values
    assert values["tokenizer.chat_template"] == "default"
    assert values["tokenizer.chat_template.tool_use"] == "tool_use"
    assert "tokenizer.chat_template.x y" not in values


def test_progress_ends_at_the_whole(folder: Path, out: Path) -> None:
    seen: list[tuple[int, int]] = []
    convert(folder, out, on_progress=lambda *now: seen.append(now))
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1] == sum(read_header(out).weight_bytes.values())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(folder: Path, out: Path, error: type) -> None:
    def stop(done: int, total: int) -> None:
        raise error

    with pytest.raises(error):
        convert(folder, out, on_progress=stop)
    assert not list(out.parent.iterdir())


def test_a_full_disk_is_named_and_leaves_nothing(folder: Path, out: Path) -> None:
    def full(done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DiskFullError):
        convert(folder, out, on_progress=full)
    assert not list(out.parent.iterdir())


def test_an_existing_file_is_kept_without_force(folder: Path, out: Path) -> None:
    out.write_bytes(b"mine")
    with pytest.raises(InvalidRequestError, match="exists"):
        convert(folder, out)
    assert out.read_bytes() == b"mine"


def test_pieces_of_any_size_make_the_same_file(
    folder: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(folder, "config.json", architectures=["LlamaForCausalLM"], attention_bias=True)
    tensors(folder, {})
    convert(folder, out)
    whole = out.read_bytes()
    monkeypatch.setattr(numbers, "PIECE_ELEMENTS", 100)
    convert(folder, out, force=True)
    assert out.read_bytes() == whole


@pytest.mark.parametrize("stored", [np.float32, np.float16])
def test_numbers_are_what_gguf_makes_of_the_whole(
    folder: Path, out: Path, stored: type[np.floating]
) -> None:
    values = np.random.default_rng(5).normal(size=(96, 64)).astype(stored)
    tensors(folder, {UP: values})
    convert(folder, out)
    got = {tensor.name: tensor for tensor in GGUFReader(out).tensors}["blk.0.ffn_up.weight"]
    assert got.data.tobytes() == values.astype(np.float16).tobytes()


def test_bf16_stays_what_it_is_bit_for_bit(folder: Path, out: Path) -> None:
    bits = np.random.default_rng(5).integers(0x3000, 0x4000, (96, 64)).astype(np.uint16)
    tensors(folder, {UP: bits})
    convert(folder, out, wide="bf16")
    got = {tensor.name: tensor for tensor in GGUFReader(out).tensors}["blk.0.ffn_up.weight"]
    assert got.data.tobytes() == bits.tobytes()


# --- what a folder cannot become -----------------------------------------------------------------


@pytest.mark.parametrize("said", [["OddForCausalLM"], [], None, "LlamaForCausalLM"])
def test_an_unknown_architecture_is_named_with_those_there_are(
    folder: Path, out: Path, said: Any
) -> None:
    change(folder, "config.json", architectures=said)
    error = refused(folder, out, UnsupportedModelError, "cannot be converted")
    assert all(name in error.hint for name in KNOWN)


YARN = {"type": "yarn", "factor": 4.0}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden_act": "gelu"}, "'gelu'"),
        ({"use_mrope": True}, "use_mrope"),
        ({"attention_bias": True}, "attention_bias"),
        ({"head_dim": 32}, "heads of 32 elements"),
        ({"quantization_config": {"quant_method": "gptq"}}, "quantization_config"),
        ({"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, "'dynamic'"),
        ({"rope_scaling": {"rope_type": "longrope"}}, "'longrope'"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "'llama3'"),
        ({"rope_parameters": {"full_attention": {"rope_type": "yarn"}}}, "differ by layer"),
        ({"partial_rotary_factor": 0.5}, "a part of each head"),
        ({"rope_scaling": YARN | {"beta_fast": 16}}, "beta_fast"),
        ({"rope_scaling": YARN | {"mscale": 1.0}}, "mscale"),
        ({"rope_scaling": YARN | {"attention_factor": 2}}, "attention_factor"),
        ({"rope_scaling": YARN | {"truncate": False}}, "truncate"),
        ({"vocab_size": 300}, "300 x 64"),
    ],
)
def test_what_the_engine_would_compute_otherwise_is_named(
    folder: Path, out: Path, changes: dict[str, Any], words: str
) -> None:
    change(folder, "config.json", **changes)
    refused(folder, out, ModelFileError, words)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": None},
        {"num_hidden_layers": 0},
        {"num_hidden_layers": 1 << 40},
        {"num_hidden_layers": 5000},
        {"num_attention_heads": "4"},
        {"num_key_value_heads": 3},
        {"vocab_size": True},
        {"vocab_size": 1 << 30},
        {"max_position_embeddings": 1e9},
        {"rms_norm_eps": "x"},
        {"rms_norm_eps": float("nan")},
        {"rope_theta": -1},
        {"rope_theta": float("inf")},
        {"rope_scaling": 7},
        {"rope_scaling": {"type": "linear"}},
        {"rope_scaling": {"type": "linear", "factor": "2"}},
        {"intermediate_size": 95},
    ],
)
def test_sizes_that_cannot_be_are_garbage(folder: Path, out: Path, changes: dict[str, Any]) -> None:
    change(folder, "config.json", **changes)
    refused(folder, out, ModelFileGarbageError, "config.json")


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"model.norm.weight": None}, ModelFileGarbageError, "lacks the tensor 'model.norm.weight"),
        ({"lm_head.weight": None}, ModelFileGarbageError, "lacks the tensor 'lm_head.weight'"),
        (
            {UP: np.zeros((64, 96), np.float16)},
            ModelFileGarbageError,
            "is 64 x 96; config.json makes it 96 x 64",
        ),
        ({UP: np.zeros((96, 64), np.uint8)}, UnsupportedModelError, "is U8, which is not a plain"),
        ({UP: np.zeros((96, 64), np.int64)}, UnsupportedModelError, "is I64, which is not a plain"),
        ({"odd": np.zeros(4, np.float16)}, UnsupportedModelError, "'odd' has no place"),
        ({"a.weight_scale": np.zeros(4, np.float32)}, UnsupportedModelError, "'a.weight_scale'"),
        (
            {"model.norm.weight": np.full(64, np.nan, np.float16)},
            ModelFileGarbageError,
            "not finite",
        ),
        ({UP: np.full((96, 64), 0x7F80, np.uint16)}, ModelFileGarbageError, "not finite"),
        ({UP: np.full((96, 64), 1e5, np.float32)}, UnsupportedModelError, "too large for f16"),
    ],
)
def test_tensors_that_are_not_what_is_needed_are_named(
    folder: Path, out: Path, changes: dict[str, Any], kind: type[ModelFileError], words: str
) -> None:
    tensors(folder, changes)
    refused(folder, out, kind, words)


def test_numbers_too_large_for_f16_fit_into_bf16(folder: Path, out: Path) -> None:
    tensors(folder, {UP: np.full((96, 64), 1e5, np.float32)})
    convert(folder, out, wide="bf16")
    assert read_facts(out).quantization == "BF16"


def test_an_output_matrix_that_is_the_embedding_is_left_out(folder: Path, out: Path) -> None:
    matrix = decoder_tensors(decoder_config("Qwen2ForCausalLM"))["lm_head.weight"]
    change(folder, "config.json", tie_word_embeddings=True)
    tensors(folder, {"lm_head.weight": matrix})
    convert(folder, out)
    assert "output.weight" not in {tensor.name for tensor in GGUFReader(out).tensors}


def test_what_only_computing_needs_is_left_out(folder: Path, out: Path) -> None:
    tensors(folder, {"model.layers.0.self_attn.rotary_emb.inv_freq": np.zeros(8, np.float32)})
    convert(folder, out)
    assert read_header(out).tensors == 3 + 2 * 12


def test_a_pooled_decoder_is_refused(folder: Path, out: Path) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")
    refused(folder, out, UnsupportedModelError, "as an embedding model")


def test_a_link_out_of_the_folder_is_refused(folder: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine")
    (folder / "chat_template.jinja").symlink_to(tmp_path / "secret")
    with pytest.raises(SourceUnsafeError):
        convert(folder, out)
    assert not list(out.parent.iterdir())


def test_a_folder_that_is_none_is_said_so(tmp_path: Path, out: Path) -> None:
    with pytest.raises(ModelFileMissingError):
        convert(tmp_path / "nothing", out)


def test_a_folder_without_a_chat_template_is_converted_and_it_is_said(
    folder: Path, out: Path
) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    assert "no chat template" in convert(folder, out).notes[0]
    assert not read_facts(out).chat_template


def test_documents_of_a_wrong_form_are_garbage_and_no_traceback(tmp_path: Path, out: Path) -> None:
    config = decoder_config("Qwen2ForCausalLM")
    document = tokenizer() | {"post_processor": {"type": "TemplateProcessing", "single": [7]}}
    folder = write_folder(
        tmp_path / "odd", config, decoder_tensors(config), document, {"eos_token": END}
    )
    refused(folder, out, ModelFileError, "")


def test_the_licence_goes_along(folder: Path, out: Path) -> None:
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# Tiny\n")
    convert(folder, out)
    assert read_facts(out).licence == "apache-2.0"
