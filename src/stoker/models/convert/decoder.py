"""Dense decoders of the Llama, Mistral, Qwen2 and Qwen3 kinds: their tensors and their metadata.

Owns the names on both sides, the sizes, and what in a configuration the engine would not compute.
Rotary positions are `rope`'s, tokens `bpe`'s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gguf import GGUFWriter, RopeScalingType

from stoker.core.errors import UnsupportedModelError
from stoker.models.attention import LAYERS_MAX
from stoker.models.checkpoint.config import Config, usable_context
from stoker.models.checkpoint.documents import Folder, garbage
from stoker.models.checkpoint.shards import Weights
from stoker.models.convert.numbers import Given, Target
from stoker.models.convert.rope import Rope, read_rope
from stoker.models.convert.wanted import Wanted, matched
from stoker.models.gguf.header import ARRAY_MAX

HEAD = "lm_head.weight"
_SCALINGS = {"linear": RopeScalingType.LINEAR, "yarn": RopeScalingType.YARN}
_FACTORS = "rope_freqs.weight"


@dataclass(frozen=True, slots=True)
class Family:
    """What one class of models has of its own.

    `interleaved`: GGUF's form of it turns neighbouring rows, the checkpoint's halves of a head.
    `qkv_bias`: it always has biases there; `biases`: it may say that it has some. `norms`: queries
    and keys have norms. `free_head`: a head's length is free of `hidden_size`. `stretched`: the
    engine takes factors of rotary positions.
    """

    architecture: str
    interleaved: bool = False
    qkv_bias: bool = False
    biases: bool = False
    norms: bool = False
    free_head: bool = True
    stretched: bool = False


_LLAMA = Family("llama", interleaved=True, biases=True, stretched=True)
FAMILIES = {
    "LlamaForCausalLM": _LLAMA,
    "MistralForCausalLM": _LLAMA,
    "Qwen2ForCausalLM": Family("qwen2", qkv_bias=True, free_head=False),
    "Qwen3ForCausalLM": Family("qwen3", norms=True),
}


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one model; lengths in elements."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    vocabulary: int
    context: int
    epsilon: float


class Decoder:
    """One model: its family, sizes and rotary positions, all checked.

    Raises:
        UnsupportedModelError: something in it is not supported; the message names it.
        ModelFileGarbageError: a size is missing or cannot be.
    """

    def __init__(self, config: Config) -> None:
        self.family = FAMILIES[config.class_name]
        self.sizes = _sizes(config)
        self._config = config
        _check(config, self.family, self.sizes)
        self.rope = read_rope(config, self.sizes.head, takes_factors=self.family.stretched)

    @property
    def architecture(self) -> str:
        """GGUF's name of the architecture."""
        return self.family.architecture

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the file that is made."""
        if self.sizes.context >= self._config.trained_context:
            return ()
        note = (
            f"the context is {self.sizes.context} tokens, the model's window: up to there the"
            f" engine, which has no window for {self.architecture}, computes the same"
        )
        return (note,)

    def targets(self, folder: Folder, weights: Weights) -> list[Target]:
        """The tensors to be written.

        Raises:
            ModelFileGarbageError: one is missing or has another shape.
            UnsupportedModelError: one is not of plain floats, or has no place.
        """
        tied = self._config.values.get("tie_word_embeddings") is True
        wanted = list(self._wanted(tied=tied))

        def dropped(name: str) -> bool:
            return name.endswith("rotary_emb.inv_freq") or (tied and name == HEAD)

        found = matched(folder, weights, wanted, dropped)
        if self.rope.factors:
            found.append(Given(_FACTORS, self.rope.factors))
        return found

    def describe(self, writer: GGUFWriter) -> None:
        """Add the metadata; the tokens are not among them."""
        sizes = self.sizes
        writer.add_vocab_size(sizes.vocabulary)
        writer.add_context_length(sizes.context)
        writer.add_embedding_length(sizes.hidden)
        writer.add_block_count(sizes.layers)
        writer.add_feed_forward_length(sizes.inner)
        writer.add_head_count(sizes.heads)
        writer.add_head_count_kv(sizes.kv_heads)
        writer.add_key_length(sizes.head)
        writer.add_value_length(sizes.head)
        writer.add_layer_norm_rms_eps(sizes.epsilon)
        writer.add_rope_dimension_count(sizes.head)
        _describe_rope(writer, self.rope)

    def _wanted(self, *, tied: bool) -> Iterator[Wanted]:
        sizes = self.sizes
        matrix = (sizes.vocabulary, sizes.hidden)
        yield Wanted("model.embed_tokens.weight", "token_embd.weight", matrix)
        if not tied:
            yield Wanted(HEAD, "output.weight", matrix)
        yield Wanted("model.norm.weight", "output_norm.weight", (sizes.hidden,))
        for layer in range(sizes.layers):
            for source, name, shape, head in self._parts():
                yield Wanted(
                    f"model.layers.{layer}.{source}", f"blk.{layer}.{name}", shape, head=head
                )

    def _parts(self) -> Iterator[tuple[str, str, tuple[int, ...], int]]:
        """Both names, the shape, and the rows to interleave, of each tensor of a layer."""
        hidden, inner = self.sizes.hidden, self.sizes.inner
        yield "input_layernorm.weight", "attn_norm.weight", (hidden,), 0
        yield "post_attention_layernorm.weight", "ffn_norm.weight", (hidden,), 0
        yield from self._attention()
        biased = self._says("mlp_bias")
        for part, rows, row in (
            ("gate", inner, hidden),
            ("up", inner, hidden),
            ("down", hidden, inner),
        ):
            yield f"mlp.{part}_proj.weight", f"ffn_{part}.weight", (rows, row), 0
            if biased:
                yield f"mlp.{part}_proj.bias", f"ffn_{part}.bias", (rows,), 0

    def _attention(self) -> Iterator[tuple[str, str, tuple[int, ...], int]]:
        sizes, family = self.sizes, self.family
        turned = sizes.head if family.interleaved else 0
        keys = sizes.kv_heads * sizes.head
        for part, rows, head in (
            ("q", sizes.heads * sizes.head, turned),
            ("k", keys, turned),
            ("v", keys, 0),
        ):
            yield f"self_attn.{part}_proj.weight", f"attn_{part}.weight", (rows, sizes.hidden), head
            if family.qkv_bias or self._says("attention_bias"):
                yield f"self_attn.{part}_proj.bias", f"attn_{part}.bias", (rows,), head
            if family.norms and part != "v":
                yield f"self_attn.{part}_norm.weight", f"attn_{part}_norm.weight", (sizes.head,), 0
        shape = (sizes.hidden, sizes.heads * sizes.head)
        yield "self_attn.o_proj.weight", "attn_output.weight", shape, 0
        if self._says("attention_bias"):
            yield "self_attn.o_proj.bias", "attn_output.bias", (sizes.hidden,), 0

    def _says(self, name: str) -> bool:
        return self._config.values.get(name) is True


def _sizes(config: Config) -> Sizes:
    heads = _need(config, "num_attention_heads")
    hidden = _need(config, "hidden_size")
    return Sizes(
        layers=_need(config, "num_hidden_layers"),
        hidden=hidden,
        heads=heads,
        kv_heads=config.count("num_key_value_heads") or heads,
        head=config.count("head_dim") or hidden // heads,
        inner=_need(config, "intermediate_size"),
        vocabulary=_need(config, "vocab_size"),
        context=_context(config),
        epsilon=_epsilon(config),
    )


def _context(config: Config) -> int:
    _need(config, "max_position_embeddings")
    return usable_context(config)


def _need(config: Config, name: str) -> int:
    found = config.count(name)
    if not found:
        raise garbage(f"config.json lacks or misstates {name}")
    return found


def _epsilon(config: Config) -> float:
    found = config.values.get("rms_norm_eps", 1e-6)  # what all of these classes take
    if not isinstance(found, float) or not 0 < found < 1 or not math.isfinite(found):
        raise garbage("config.json misstates rms_norm_eps")
    return found


def _check(config: Config, family: Family, sizes: Sizes) -> None:
    """Refuse what the engine would compute in another way, or could not load."""
    _check_sizes(family, sizes)
    said = config.values
    if said.get("hidden_act", "silu") != "silu":
        raise _unsupported(config, f"the activation {said['hidden_act']!r}")
    for name in ("attention_bias", "mlp_bias"):
        if said.get(name) is True and not family.biases:
            raise _unsupported(config, name)
    for name in ("use_mrope", "quantization_config"):
        if said.get(name):
            raise _unsupported(config, name)


def _check_sizes(family: Family, sizes: Sizes) -> None:
    if sizes.layers > LAYERS_MAX:
        raise garbage(f"config.json states more than {LAYERS_MAX} layers")
    if sizes.vocabulary > ARRAY_MAX:
        raise garbage(f"config.json states more than {ARRAY_MAX} tokens")
    if sizes.heads % sizes.kv_heads:
        raise garbage(
            f"config.json shares {sizes.kv_heads} heads of keys among {sizes.heads} heads"
        )
    if sizes.head % 2:
        raise UnsupportedModelError(f"Heads of {sizes.head} elements cannot be turned in pairs")
    if not family.free_head and sizes.head * sizes.heads != sizes.hidden:
        raise UnsupportedModelError(
            f"{family.architecture} with heads of {sizes.head} elements, where hidden_size makes"
            f" them {sizes.hidden // sizes.heads}, is not supported"
        )


def _unsupported(config: Config, what: str) -> UnsupportedModelError:
    hint = None
    if what == "quantization_config":
        hint = "take the checkpoint as it was before it was quantized: F32, F16 or BF16."
    return UnsupportedModelError(f"{config.class_name} with {what} is not supported", hint=hint)


def _describe_rope(writer: GGUFWriter, rope: Rope) -> None:
    writer.add_rope_freq_base(rope.base)
    if rope.kind not in _SCALINGS:
        return
    writer.add_rope_scaling_type(_SCALINGS[rope.kind])
    writer.add_rope_scaling_factor(rope.factor)
    if rope.original_context:
        writer.add_rope_scaling_orig_ctx_len(rope.original_context)
