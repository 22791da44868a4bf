"""Small Hugging Face folders for tests: safetensors files, tokenizers, whole models.

Owns their form on disk. The weights are random unless they are the starter's; a tokenizer's tokens
are the 256 bytes and what is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Tensors = Mapping[str, npt.NDArray[Any]]

# Whole numbers of 16 bits stand for BF16, which numpy does not have.
_DTYPES = {"float32": "F32", "float16": "F16", "uint16": "BF16", "int64": "I64", "uint8": "U8"}
END, START = "<|end|>", "<|start|>"
TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "
QWEN2_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def safetensors_bytes(tensors: Tensors, **extra: Any) -> bytes:
    """A safetensors file's bytes; `extra` entries of the header replace those that are right."""
    head: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, values in tensors.items():
        raw = values.tobytes()
        head[name] = {
            "dtype": _DTYPES[str(values.dtype)],
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(head | extra).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def write_folder(
    folder: Path,
    config: Mapping[str, Any],
    tensors: Tensors,
    tokenizer: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Path:
    """A Hugging Face folder with these documents, one for each that is given."""
    folder.mkdir(parents=True, exist_ok=True)
    documents = {
        "config.json": config,
        "tokenizer.json": tokenizer,
        "tokenizer_config.json": settings,
    }
    for name, document in documents.items():
        if document is not None:
            (folder / name).write_text(json.dumps(document))
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    return folder


def split(pattern: str) -> dict[str, Any]:
    """The pre-tokenizer that splits by one expression, as newer models have it."""
    return {
        "type": "Sequence",
        "pretokenizers": [
            {
                "type": "Split",
                "pattern": {"Regex": pattern},
                "behavior": "Isolated",
                "invert": False,
            },
            {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
        ],
    }


def byte_tokens() -> list[str]:
    """The 256 one-byte tokens, each as the printable sign that byte-level BPE gives it."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def tokenizer(
    merges: Sequence[tuple[str, str]] = (("~", "~"),),
    specials: Sequence[str] = (START, END),
    pre_tokenizer: Mapping[str, Any] | None = None,
    *,
    words: Sequence[str] = (),
    ignore_merges: bool = False,
) -> dict[str, Any]:
    """A byte-level `tokenizer.json`: bytes, what `merges` make, `words`, then `specials`."""
    made = (left + right for left, right in merges)
    words = list(dict.fromkeys((*byte_tokens(), *made, *words)))
    return {
        "added_tokens": [_added(len(words) + at, token) for at, token in enumerate(specials)],
        "normalizer": None,
        "pre_tokenizer": pre_tokenizer or split(QWEN2_SPLIT),
        "post_processor": {"type": "ByteLevel"},
        "decoder": {"type": "ByteLevel"},
        "model": {
            "type": "BPE",
            "vocab": {word: number for number, word in enumerate(words)},
            "merges": [list(merge) for merge in merges],
            "ignore_merges": ignore_merges,
        },
    }


def _added(number: int, token: str) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {"id": number, "content": token, "special": True, **flags}


def decoder_config(class_name: str, **changes: Any) -> dict[str, Any]:
    """The configuration of a tiny decoder with the vocabulary of `tokenizer()`."""
    return {
        "architectures": [class_name],
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "vocab_size": 259,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
    } | changes


def decoder_tensors(config: Mapping[str, Any], seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Random weights of the decoder `config`, large enough that every part of it matters."""
    random = np.random.default_rng(seed)
    shapes = _decoder_shapes(config)
    found = {}
    for name, shape in shapes.items():
        if name.endswith("norm.weight"):
            found[name] = (1 + 0.2 * random.standard_normal(shape)).astype(np.float32)
        elif name.endswith(".bias"):
            found[name] = (0.5 * random.standard_normal(shape)).astype(np.float32)
        else:
            scale = 1.0 if "embed" in name else 1.5 / np.sqrt(shape[-1])
            found[name] = (scale * random.standard_normal(shape)).astype(np.float16)
    return found


def _decoder_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    matrix = (config["vocab_size"], hidden)
    shapes = {"model.embed_tokens.weight": matrix, "model.norm.weight": (hidden,)}
    if not config["tie_word_embeddings"]:
        shapes["lm_head.weight"] = matrix
    for layer in range(config["num_hidden_layers"]):
        of = f"model.layers.{layer}."
        shapes |= {
            f"{of}input_layernorm.weight": (hidden,),
            f"{of}post_attention_layernorm.weight": (hidden,),
            f"{of}mlp.gate_proj.weight": (inner, hidden),
            f"{of}mlp.up_proj.weight": (inner, hidden),
            f"{of}mlp.down_proj.weight": (hidden, inner),
        }
        shapes |= {f"{of}{name}": shape for name, shape in _attention_shapes(config).items()}
        if config.get("mlp_bias"):
            shapes |= {f"{of}mlp.{part}_proj.bias": (inner,) for part in ("gate", "up")}
            shapes[f"{of}mlp.down_proj.bias"] = (hidden,)
    return shapes


def _attention_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    head = config.get("head_dim") or hidden // heads
    rows = {"q": heads * head, "k": config["num_key_value_heads"] * head}
    rows["v"] = rows["k"]
    kind = config["architectures"][0]
    shapes: dict[str, tuple[int, ...]] = {"self_attn.o_proj.weight": (hidden, heads * head)}
    for part, count in rows.items():
        shapes[f"self_attn.{part}_proj.weight"] = (count, hidden)
        if kind == "Qwen2ForCausalLM" or config.get("attention_bias"):
            shapes[f"self_attn.{part}_proj.bias"] = (count,)
        if kind == "Qwen3ForCausalLM" and part != "v":
            shapes[f"self_attn.{part}_norm.weight"] = (head,)
    if config.get("attention_bias"):
        shapes["self_attn.o_proj.bias"] = (hidden,)
    return shapes


def write_decoder(folder: Path, class_name: str = "Qwen2ForCausalLM", **changes: Any) -> Path:
    """A whole tiny decoder in `folder`, its configuration with `changes`."""
    config = decoder_config(class_name, **changes)
    settings = {"eos_token": END, "bos_token": START, "chat_template": TEMPLATE}
    return write_folder(folder, config, decoder_tensors(config), tokenizer(), settings)
