"""The starter model as a Hugging Face folder, imported, is the starter again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFReader

from stoker import LocalModelRuntime
from stoker.models.catalogue import starter
from stoker.models.checkpoint.folder import read_checkpoint
from stoker.models.convert.convert import convert
from stoker.models.facts import read_facts
from stoker.testing.checkpoints import QWEN2_SPLIT, split, write_folder
from stoker.testing.real_engine import RealEngine, real_engine

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PARTS = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
WHOLE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}
TEXTS = (
    "What is the refund policy?",
    "Order #4711 costs 1234567.89 EUR,\r\n\r\n  and it's  late...\t\tWE'LL see!!!",
    "naïve café, Ünïcödé — “quotes”, 日本語テキスト, русский текст, हिन्दी, emoji 🚀👩‍👩‍👧 \u200d",
    "   leading and trailing   \n\n\n",
    "def f(x):\n    return {'a': [x ** 2 for _ in range(10)]}\n",
    "\u00a0\u2003 odd spaces \u3000 and digits ٣٤٥ Ⅷ ½ ²",
    "x" * 300,
    "",
)
QUESTIONS = ("What is the refund policy?", "When do you open on Saturday?", "Hello, who are you?")


def reader(path: Path) -> GGUFReader:
    return GGUFReader(path)


def field(file: GGUFReader, key: str) -> Any:
    return file.fields[key].contents()


def halves(values: np.ndarray, head: int) -> np.ndarray:
    """Rows that lie beside their pair, as a checkpoint has them: half a head apart."""
    return values.reshape(-1, head // 2, 2, values.shape[1]).swapaxes(1, 2).reshape(values.shape)


def name_of(name: str) -> str:
    if name in WHOLE:
        return WHOLE[name]
    _, layer, part, end = name.split(".")
    return f"model.layers.{layer}.{PARTS[part]}.{end}"


def checkpoint_of(source: Path, folder: Path) -> Path:
    """The model file `source` as its own training would have saved it for other libraries."""
    file = reader(source)
    head = field(file, "llama.attention.key_length")
    tensors = {}
    for tensor in file.tensors:
        values = np.array(tensor.data)
        turned = ".attn_q." in tensor.name or ".attn_k." in tensor.name
        tensors[name_of(tensor.name)] = halves(values, head) if turned else values
    config = {
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": field(file, "llama.embedding_length"),
        "intermediate_size": field(file, "llama.feed_forward_length"),
        "num_hidden_layers": field(file, "llama.block_count"),
        "num_attention_heads": field(file, "llama.attention.head_count"),
        "num_key_value_heads": field(file, "llama.attention.head_count_kv"),
        "max_position_embeddings": field(file, "llama.context_length"),
        "rms_norm_eps": round(field(file, "llama.attention.layer_norm_rms_epsilon"), 9),
        "rope_theta": field(file, "llama.rope.freq_base"),
        "vocab_size": field(file, "llama.vocab_size"),
        "tie_word_embeddings": True,
    }
    return write_folder(folder, config, tensors, tokenizer_of(file), settings_of(file))


def tokenizer_of(file: GGUFReader) -> dict[str, Any]:
    tokens = field(file, "tokenizer.ggml.tokens")
    types = field(file, "tokenizer.ggml.token_type")
    specials = [number for number, kind in enumerate(types) if kind == 3]
    return {
        "added_tokens": [
            {"id": number, "content": tokens[number], "special": True} for number in specials
        ],
        "normalizer": None,
        "pre_tokenizer": split(QWEN2_SPLIT),
        "post_processor": None,
        "decoder": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": [merge.split(" ") for merge in field(file, "tokenizer.ggml.merges")],
        },
    }


def settings_of(file: GGUFReader) -> dict[str, Any]:
    tokens = field(file, "tokenizer.ggml.tokens")
    named = {
        f"{name}_token": tokens[field(file, f"tokenizer.ggml.{key}_token_id")]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"))
    }
    return named | {"chat_template": field(file, "tokenizer.chat_template")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkpoint_of(starter().path, tmp_path_factory.mktemp("starter") / "checkpoint")


@pytest.fixture(scope="module")
def imported(folder: Path) -> Path:
    out = folder.parent / "out.gguf"
    assert convert(folder, out).notes == ()
    return out


def test_every_tensor_is_the_starters_bit_for_bit(imported: Path) -> None:
    ours = {tensor.name: tensor for tensor in reader(imported).tensors}
    theirs = {tensor.name: tensor for tensor in reader(starter().path).tensors}
    assert ours.keys() == theirs.keys()
    for name, tensor in theirs.items():
        assert ours[name].tensor_type == tensor.tensor_type
        assert ours[name].shape.tolist() == tensor.shape.tolist()
        assert ours[name].data.tobytes() == tensor.data.tobytes(), name


def test_the_metadata_that_an_engine_reads_are_the_starters(imported: Path) -> None:
    ours, theirs = reader(imported), reader(starter().path)
    about = ("GGUF.", "general.", "tokenizer.ggml.eot_token_id")
    for key in theirs.fields:
        if not key.startswith(about):
            assert field(ours, key) == field(theirs, key), key


def test_the_facts_of_folder_and_file_agree(folder: Path, imported: Path) -> None:
    before, after = read_checkpoint(folder), read_facts(imported)
    same = (
        "architecture parameters parameters_active quantization context_length layers heads"
        " embedding_length vocabulary task chat_template chat_template_digest attention window"
        " kv_heads head_length_k head_length_v tokenizer tokenizer_pre weight_bytes"
    )
    for name in same.split():
        assert getattr(before, name) == getattr(after, name), name
    assert (before.container, after.container) == ("safetensors", "gguf")


def test_the_same_tokens_come_of_every_text(imported: Path) -> None:
    def all_of(engine: RealEngine) -> list[list[int]]:
        plain = [engine.tokens(text, around=True) for text in TEXTS]
        chat = "<|im_start|>user\nhello<|im_end|>\n"
        return [*plain, engine.tokens(chat, special=True)]

    with real_engine(imported) as ours, real_engine(starter().path) as theirs:
        assert all_of(ours) == all_of(theirs)


def test_the_same_answers_come_of_the_same_questions(
    imported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))

    def answers(model: str) -> list[str]:
        with LocalModelRuntime(model, threads=1) as runtime:
            return [runtime.generate(text, temperature=0, max_tokens=60).text for text in QUESTIONS]

    ours = answers(str(imported))
    assert ours == answers("starter")
    assert "30 days" in ours[0]
