"""Embedding models of the BERT kind with WordPiece: their tensors, metadata and tokens.

Owns the names on both sides, and what of a BertModel the engine would compute in another way.
llama.cpp marks the beginning of a word with "▁" and a continuation with nothing, where WordPiece
has nothing and "##".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gguf import GGUFWriter, PoolingType

from stoker.core.errors import UnsupportedModelError
from stoker.models.attention import LAYERS_MAX
from stoker.models.checkpoint.config import Config
from stoker.models.checkpoint.documents import Folder, garbage
from stoker.models.checkpoint.folder import POOLING
from stoker.models.checkpoint.shards import Weights
from stoker.models.convert.numbers import Target
from stoker.models.convert.wanted import Wanted, matched
from stoker.models.gguf.header import ARRAY_MAX

ARCHITECTURE = "bert"
_PREFIX = "bert."
_DROPPED = ("pooler.", "cls.", "embeddings.position_ids")
_ACTIVATIONS = frozenset({"gelu", "gelu_new", "gelu_pytorch_tanh"})
_POOLING = {
    "pooling_mode_mean_tokens": PoolingType.MEAN,
    "pooling_mode_cls_token": PoolingType.CLS,
    "pooling_mode_lasttoken": PoolingType.LAST,
}
_MODULES = ("Transformer", "Pooling", "Normalize")
_LAYER = {
    "attention.self.query": ("attn_q", "hidden", "hidden"),
    "attention.self.key": ("attn_k", "hidden", "hidden"),
    "attention.self.value": ("attn_v", "hidden", "hidden"),
    "attention.output.dense": ("attn_output", "hidden", "hidden"),
    "attention.output.LayerNorm": ("attn_output_norm", "hidden", ""),
    "intermediate.dense": ("ffn_up", "inner", "hidden"),
    "output.dense": ("ffn_down", "hidden", "inner"),
    "output.LayerNorm": ("layer_output_norm", "hidden", ""),
}


class Encoder:
    """One BertModel whose configuration the engine computes alike.

    Raises:
        UnsupportedModelError: something in it is not supported; the message names it.
        ModelFileGarbageError: a size is missing or cannot be.
    """

    def __init__(self, folder: Folder, config: Config) -> None:
        self._config = config
        self._sizes = {
            "hidden": self._need("hidden_size"),
            "inner": self._need("intermediate_size"),
        }
        if self._sizes["hidden"] % self._need("num_attention_heads"):
            raise garbage("config.json misstates num_attention_heads")
        if self._need("num_hidden_layers") > LAYERS_MAX or self._need("vocab_size") > ARRAY_MAX:
            raise garbage(f"config.json states over {LAYERS_MAX} layers or {ARRAY_MAX} tokens")
        _check(folder, config)
        self._epsilon = _epsilon(config)
        self._pooling = read_pooling(folder)

    def targets(self, folder: Folder, weights: Weights) -> list[Target]:
        """The tensors to be written.

        Raises:
            ModelFileGarbageError: one is missing or has another shape.
            UnsupportedModelError: one is not of plain floats, or has no place.
        """
        prefixed = any(name.startswith(f"{_PREFIX}embeddings.") for name in weights.tensors)
        prefix = _PREFIX if prefixed else ""

        def dropped(name: str) -> bool:
            return name.removeprefix(prefix).startswith(_DROPPED)

        return matched(folder, weights, list(self._wanted(prefix)), dropped)

    def describe(self, writer: GGUFWriter) -> None:
        """Add the metadata; the tokens are not among them."""
        writer.add_context_length(self._need("max_position_embeddings"))
        writer.add_embedding_length(self._sizes["hidden"])
        writer.add_feed_forward_length(self._sizes["inner"])
        writer.add_block_count(self._need("num_hidden_layers"))
        writer.add_head_count(self._need("num_attention_heads"))
        writer.add_layer_norm_eps(self._epsilon)
        writer.add_causal_attention(value=False)
        writer.add_pooling_type(self._pooling)
        writer.add_token_type_count(self._types)

    @property
    def _types(self) -> int:
        return self._config.count("type_vocab_size") or 2

    def _need(self, name: str) -> int:
        found = self._config.count(name)
        if not found:
            raise garbage(f"config.json lacks or misstates {name}")
        return found

    def _wanted(self, prefix: str) -> Iterator[Wanted]:
        hidden = self._sizes["hidden"]
        of = f"{prefix}embeddings."
        rows = self._need("vocab_size")
        yield Wanted(f"{of}word_embeddings.weight", "token_embd.weight", (rows, hidden))
        rows = self._need("max_position_embeddings")
        name = "position_embd.weight"
        yield Wanted(f"{of}position_embeddings.weight", name, (rows, hidden), delicate=True)
        name = "token_types.weight"
        shape = (self._types, hidden)
        yield Wanted(f"{of}token_type_embeddings.weight", name, shape, delicate=True)
        for end in ("weight", "bias"):
            yield Wanted(f"{of}LayerNorm.{end}", f"token_embd_norm.{end}", (hidden,))
        for layer in range(self._need("num_hidden_layers")):
            yield from self._layer(f"{prefix}encoder.layer.{layer}.", f"blk.{layer}.")

    def _layer(self, source: str, name: str) -> Iterator[Wanted]:
        for part, (new, rows, row) in _LAYER.items():
            shape = tuple(self._sizes[side] for side in (rows, row) if side)
            yield Wanted(f"{source}{part}.weight", f"{name}{new}.weight", shape)
            yield Wanted(f"{source}{part}.bias", f"{name}{new}.bias", shape[:1])


def read_pooling(folder: Folder) -> PoolingType:
    """How vectors of tokens become one; mean where the folder does not say.

    Raises:
        UnsupportedModelError: in a way that the engine does not have, or more is done after it.
    """
    modules = folder.json("modules.json")
    for module in modules if isinstance(modules, list) else ():
        kind = str(module.get("type", "")).rpartition(".")[2] if isinstance(module, dict) else ""
        if kind not in _MODULES:
            raise UnsupportedModelError(
                f"An embedding model with the module {kind} is not supported"
            )
    said = folder.json(POOLING)
    if not isinstance(said, dict):
        return PoolingType.MEAN
    asked = [name for name, on in said.items() if name.startswith("pooling_mode_") and on is True]
    if len(asked) != 1 or asked[0] not in _POOLING:
        raise UnsupportedModelError(f"Pooling by {', '.join(asked) or 'nothing'} is not supported")
    return _POOLING[asked[0]]


def _check(folder: Folder, config: Config) -> None:
    said: dict[str, Any] = config.values
    if said.get("hidden_act", "gelu") not in _ACTIVATIONS:
        raise UnsupportedModelError(f"BertModel with {said['hidden_act']} is not supported")
    if said.get("position_embedding_type", "absolute") != "absolute":
        raise UnsupportedModelError("BertModel with relative positions is not supported")
    if said.get("is_decoder") is True:
        raise UnsupportedModelError("BertModel as a decoder is not supported")
    if folder.file("tokenizer.json") is None and folder.file("vocab.txt") is None:
        raise UnsupportedModelError("There is no WordPiece vocabulary: tokenizer.json or vocab.txt")


def _epsilon(config: Config) -> float:
    found = config.values.get("layer_norm_eps", 1e-12)
    if not isinstance(found, float) or not 0 < found < 1:
        raise garbage("config.json misstates layer_norm_eps")
    return found
