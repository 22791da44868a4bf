"""What the engine's step of an architecture does differently, as far as it changes its memory.

Data: one row for each architecture. Those that are not here are taken for plain decoders; unless
they were compared with the engine, their scratch memory is an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Weighing(Enum):
    """How the chosen experts' weights are made."""

    NORMED = "normed"  # so that they add up to 1
    PLAIN = "plain"
    SOFTMAX = "softmax"  # over the chosen ones alone


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture's habits.

    `keys_first` computes keys before values. `normed_heads` norms queries and keys by themselves,
    `normed_values` values too. `residual_first` adds the block's result to the residual and not
    the other way round, after attention and after the feed-forward part. `scaled_input` scales
    the tokens' vectors. `fused_gate` computes gate and up as one; `fused_qkv` queries, keys and
    values. `encoder` looks at the whole text at once and keeps no cache. `copies_embedding` says
    that the engine holds the tokens' vectors twice where they serve as the output matrix too.
    `compared` says that its scratch memory was compared with the engine's.
    """

    keys_first: bool = False
    normed_heads: bool = False
    normed_values: bool = False
    residual_first: tuple[bool, bool] = (False, False)
    scaled_input: bool = False
    fused_gate: bool = False
    fused_qkv: bool = False
    weighing: Weighing = Weighing.NORMED
    encoder: bool = False
    copies_embedding: bool = False
    compared: bool = True


PLAIN = Family()
_ENCODER = Family(encoder=True, compared=False)
FAMILIES = {
    "llama": PLAIN,
    "qwen2": PLAIN,
    "qwen3": Family(normed_heads=True),
    "qwen3moe": Family(normed_heads=True),
    "gemma3": Family(keys_first=True, normed_heads=True, scaled_input=True),
    "gemma4": Family(
        keys_first=True,
        normed_heads=True,
        normed_values=True,
        scaled_input=True,
        copies_embedding=True,
    ),
    "gemma3n": Family(
        keys_first=True,
        normed_heads=True,
        normed_values=True,
        scaled_input=True,
        copies_embedding=True,
        compared=False,  # its vectors of several widths are not outlined: cache and weights hold
    ),
    "gpt-oss": Family(keys_first=True, weighing=Weighing.SOFTMAX),
    "deepseek2": Family(weighing=Weighing.PLAIN),
    "mamba": PLAIN,
    "granitehybrid": PLAIN,
    "lfm2": Family(normed_heads=True, residual_first=(True, True)),
    "phi3": Family(residual_first=(False, True), fused_gate=True, fused_qkv=True),
    "bert": Family(encoder=True),
    "eurobert": _ENCODER,
    "gemma-embedding": _ENCODER,
    "jina-bert-v2": _ENCODER,
    "jina-bert-v3": _ENCODER,
    "modern-bert": _ENCODER,
    "neo-bert": _ENCODER,
    "nomic-bert": _ENCODER,
    "nomic-bert-moe": _ENCODER,
}


def architecture_family(architecture: str) -> Family:
    """The habits of `architecture`, those of a plain decoder where they are not known."""
    return FAMILIES.get(architecture, PLAIN)


def is_known(architecture: str) -> bool:
    """Whether the formulas were compared with the engine for `architecture`."""
    return architecture in FAMILIES and FAMILIES[architecture].compared
