"""Embedding models of the BERT kind with WordPiece: their metadata, tokens and tensors.

llama.cpp marks the beginning of a word with "▁" and a continuation with nothing, where WordPiece
has nothing and "##".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gguf import MODEL_ARCH, GGUFWriter, PoolingType, TokenType, get_tensor_name_map

from stoker.core.errors import ModelFileGarbageError, UnsupportedModelError
from stoker.models.convert.folder import Stored, need_object, read_json
from stoker.models.convert.writing import Target

ARCHITECTURE = "bert"
_DELICATE = ("position_embd", "token_types")
_DROPPED = ("pooler.", "cls.")
_POOLING = {
    "pooling_mode_mean_tokens": PoolingType.MEAN,
    "pooling_mode_cls_token": PoolingType.CLS,
    "pooling_mode_lasttoken": PoolingType.LAST,
}
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def targets(tensors: Mapping[str, Stored], layers: int) -> list[Target]:
    """The tensors to be written.

    Raises:
        UnsupportedModelError: one has no place in this architecture.
    """
    names = get_tensor_name_map(MODEL_ARCH.BERT, layers)
    found = []
    for name, stored in tensors.items():
        plain = name.removeprefix("bert.")
        if plain.startswith(_DROPPED):
            continue
        new = names.get_name(plain, try_suffixes=(".weight", ".bias"))
        if new is None:
            raise UnsupportedModelError(f"{name} has no place in a BertModel")
        found.append(Target(new, stored, delicate=new.startswith(_DELICATE)))
    return found


def describe(writer: GGUFWriter, folder: Path, config: dict[str, Any]) -> None:
    """Add the metadata and the tokens.

    Raises:
        UnsupportedModelError: the activation, the positions, the pooling or the tokenizer is one
            that the engine would run differently.
    """
    if config.get("hidden_act", "gelu") not in {"gelu", "gelu_new", "gelu_pytorch_tanh"}:
        raise UnsupportedModelError(f"BertModel with {config['hidden_act']} is not supported")
    if config.get("position_embedding_type", "absolute") != "absolute":
        raise UnsupportedModelError("BertModel with relative positions is not supported")
    writer.add_context_length(int(config["max_position_embeddings"]))
    writer.add_embedding_length(int(config["hidden_size"]))
    writer.add_feed_forward_length(int(config["intermediate_size"]))
    writer.add_block_count(int(config["num_hidden_layers"]))
    writer.add_head_count(int(config["num_attention_heads"]))
    writer.add_layer_norm_eps(float(config["layer_norm_eps"]))
    writer.add_causal_attention(value=False)
    writer.add_pooling_type(pooling(folder))
    _add_tokens(writer, folder, int(config.get("type_vocab_size", 2)), int(config["vocab_size"]))


def pooling(folder: Path) -> PoolingType:
    """How vectors of tokens become one; mean where the folder does not say.

    Raises:
        UnsupportedModelError: in a way that the engine does not have.
    """
    said = read_json(folder / "1_Pooling" / "config.json")
    if not isinstance(said, dict):
        return PoolingType.MEAN
    asked = [name for name, on in said.items() if name.startswith("pooling_mode_") and on is True]
    if len(asked) != 1 or asked[0] not in _POOLING:
        raise UnsupportedModelError(f"Pooling by {', '.join(asked) or 'nothing'} is not supported")
    return _POOLING[asked[0]]


def tokens(folder: Path) -> list[str]:
    """The tokens in the order of their numbers, as WordPiece writes them.

    Raises:
        UnsupportedModelError: the tokenizer is not a lower-casing WordPiece.
    """
    said = need_object(folder / "tokenizer.json") if _has(folder, "tokenizer.json") else {}
    settings = read_json(folder / "tokenizer_config.json") or {}
    lower = (said.get("normalizer") or {}).get("lowercase", settings.get("do_lower_case", True))
    if not lower:
        raise UnsupportedModelError(
            "A WordPiece that keeps capitals is not supported",
            hint="the engine lower-cases all text; use an uncased model.",
        )
    if _has(folder, "vocab.txt"):
        return (folder / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")
    model = said.get("model", {})
    if model.get("type", "WordPiece") != "WordPiece" or "vocab" not in model:
        raise UnsupportedModelError("A BertModel needs a WordPiece vocabulary")
    return sorted(model["vocab"], key=model["vocab"].__getitem__)


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file()


def _add_tokens(writer: GGUFWriter, folder: Path, types: int, size: int) -> None:
    words = [word.rstrip("\r") for word in tokens(folder)]
    if len(words) > size:
        raise ModelFileGarbageError(f"{len(words)} tokens, where config.json has {size}")
    words += [f"[PAD{number}]" for number in range(len(words), size)]
    ids = {word: number for number, word in enumerate(words) if word in _SPECIAL}
    if missing := set(_SPECIAL[:4]) - set(ids):
        raise UnsupportedModelError(f"The vocabulary lacks {', '.join(sorted(missing))}")
    writer.add_tokenizer_model("bert")
    writer.add_token_type_count(types)
    writer.add_token_list([marked(word) for word in words])
    writer.add_token_types([TokenType.CONTROL if w in ids else TokenType.NORMAL for w in words])
    writer.add_bos_token_id(ids["[CLS]"])
    writer.add_eos_token_id(ids["[SEP]"])
    writer.add_sep_token_id(ids["[SEP]"])
    writer.add_pad_token_id(ids["[PAD]"])
    writer.add_unk_token_id(ids["[UNK]"])


def marked(word: str) -> str:
    """`word` as llama.cpp wants it."""
    if word.startswith("[") and word.endswith("]") and len(word) > 2:
        return word
    return word[2:] if word.startswith("##") and len(word) > 2 else f"▁{word}"
