"""The export: weights, tokenizer and chat template into one GGUF file at f16.

Owns the names and metadata the engine expects of its "llama" architecture. Rotary pairs are
interleaved in training already, so no weight is permuted. Norms stay f32, as the engine wants
them.
"""

from __future__ import annotations

import json
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.model import ModelConfig, Starter
from training.tokenizer import CHAT_TEMPLATE, END_OF_TEXT, SPECIALS, TURN_END

QTYPE = gguf.GGMLQuantizationType
FILE_TYPES = {
    "f16": (QTYPE.F16, gguf.LlamaFileType.MOSTLY_F16),
    "q8_0": (QTYPE.Q8_0, gguf.LlamaFileType.MOSTLY_Q8_0),
    "q5_0": (QTYPE.Q5_0, gguf.LlamaFileType.MOSTLY_Q5_0),
    "q4_0": (QTYPE.Q4_0, gguf.LlamaFileType.MOSTLY_Q4_0),
}
LAYER_NAMES = {
    "attn_norm": "attn_norm",
    "attn.q": "attn_q",
    "attn.k": "attn_k",
    "attn.v": "attn_v",
    "attn.o": "attn_output",
    "ffn_norm": "ffn_norm",
    "ffn.gate": "ffn_gate",
    "ffn.up": "ffn_up",
    "ffn.down": "ffn_down",
}


def tensor_name(name: str) -> str:
    """The engine's name of a parameter of `Starter`."""
    if name == "embed.weight":
        return "token_embd.weight"
    if name == "norm.weight":
        return "output_norm.weight"
    _, layer, part = name.removesuffix(".weight").split(".", 2)
    return f"blk.{layer}.{LAYER_NAMES[part]}.weight"


def write_metadata(writer: gguf.GGUFWriter, config: ModelConfig, precision: str) -> None:
    """Who the model is and the sizes of the network."""
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name("Stoker Starter")
    writer.add_basename("stoker-starter")
    writer.add_size_label("5M")
    writer.add_license("apache-2.0")
    writer.add_description(
        "Customer service of an invented shop; trained from nothing in this repository."
    )
    writer.add_languages(["en"])
    writer.add_context_length(config.context)
    writer.add_embedding_length(config.hidden)
    writer.add_block_count(config.layers)
    writer.add_feed_forward_length(config.ffn)
    writer.add_head_count(config.heads)
    writer.add_head_count_kv(config.kv_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.norm_eps)
    writer.add_vocab_size(config.vocab)
    writer.add_file_type(FILE_TYPES[precision][1])


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Vocabulary, merges, token types and the chat template."""
    data = json.loads(tokenizer.to_str())
    by_id = sorted(data["model"]["vocab"].items(), key=lambda item: item[1])
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([token for token, _ in by_id])
    writer.add_token_types([control if token in SPECIALS else normal for token, _ in by_id])
    writer.add_token_merges([" ".join(merge) for merge in data["model"]["merges"]])
    ends = tokenizer.token_to_id(TURN_END)
    writer.add_bos_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_eos_token_id(ends)
    writer.add_eot_token_id(ends)
    writer.add_pad_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_add_bos_token(value=False)
    writer.add_add_eos_token(value=False)
    writer.add_chat_template(CHAT_TEMPLATE)


def add_tensor(
    writer: gguf.GGUFWriter, name: str, values: NDArray[np.float32], kind: QTYPE
) -> None:
    """Write one tensor; vectors keep f32, matrices take the wanted precision."""
    if values.ndim == 1:
        writer.add_tensor(name, values)
    elif kind is QTYPE.F16:
        writer.add_tensor(name, values.astype(np.float16))
    else:
        writer.add_tensor(name, gguf.quants.quantize(values, kind), raw_dtype=kind)


def export(model: Starter, tokenizer: Tokenizer, target: Path, precision: str = "f16") -> None:
    """Write the model file aside and put it in place at once, so a reader never sees half of it."""
    aside = target.with_suffix(".partial")
    writer = gguf.GGUFWriter(aside, "llama")
    write_metadata(writer, model.config, precision)
    write_tokenizer(writer, tokenizer)
    for name, values in model.state_dict().items():
        add_tensor(writer, tensor_name(name), values.float().numpy(), FILE_TYPES[precision][0])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    aside.replace(target)
