"""Models that no calibration has seen: other shapes, and the mixtures of formats that people use.

The mixtures follow the rules by which llama.cpp's tool makes files of these names, as far as they
decide which format most of the weights have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stoker.calibrating.subjects import Ask, TimedModel
from stoker.models.synthetic.write import Shape, write_model

SHAPES = {
    # SmolLM2-360M, Qwen2.5-0.5B, Qwen3-0.6B, Llama-3.2-1B, TinyLlama-1.1B, Qwen2.5-1.5B.
    "360M": Shape(32, 960, 15, 5, 2560, 49152, 4096),
    "0.5B": Shape(24, 896, 14, 2, 4864, 151936, 4096),
    "0.6B": Shape(28, 1024, 16, 8, 3072, 151936, 4096),
    "1B": Shape(16, 2048, 32, 8, 8192, 128256, 4096),
    "1.1B": Shape(22, 2048, 32, 4, 5632, 32000, 4096),
    "1.5B": Shape(28, 1536, 12, 2, 8960, 151936, 4096),
    # The first layers of Qwen2.5-1.5B and of Llama-3.2-3B, with fewer words.
    "half of 1.5B": Shape(12, 1536, 12, 2, 8960, 48000, 4096),
    "third of 3B": Shape(9, 3072, 24, 8, 8192, 32000, 4096),
    # As many keys as queries, like Llama-2, at less than a third of its width.
    "equal heads": Shape(16, 1280, 20, 20, 3328, 32000, 4096),
    "many experts": Shape(10, 1024, 16, 4, 768, 32000, 4096, experts=16, experts_used=4),
    "few experts": Shape(6, 1536, 24, 8, 2048, 32000, 4096, experts=8, experts_used=2),
}


@dataclass(frozen=True, slots=True)
class HeldOut:
    """One model, in a mixture of formats."""

    shape: str
    mixture: str
    together: tuple[int, ...] = ()

    def subject(self) -> TimedModel:
        """What is asked of it; lengths that the calibration does not ask for."""
        asks = (Ask(128, 48), Ask(420, 48), Ask(1200, 40))
        return TimedModel(
            self.shape,
            self.mixture,
            asks,
            rounds=2,
            together=tuple(Ask(100, 40, streams) for streams in self.together),
            together_rounds=2,
        )

    def write(self, path: Path) -> None:
        """Write its file."""
        shape = SHAPES[self.shape]
        write_model(path, shape, mixed(self.mixture, shape.layers))


MODELS = (
    HeldOut("360M", "Q8_0", together=(4,)),
    HeldOut("360M", "Q4_0"),
    HeldOut("0.5B", "Q4_0", together=(2, 4)),
    HeldOut("0.5B", "Q5_1"),
    HeldOut("0.6B", "Q4_K_M", together=(2, 8)),
    HeldOut("0.6B", "IQ3_XXS"),
    HeldOut("1B", "Q4_K_M", together=(2, 4, 8)),
    HeldOut("1B", "Q8_0", together=(4,)),
    HeldOut("1.1B", "Q4_K_M", together=(2,)),
    HeldOut("1.1B", "Q2_K"),
    HeldOut("1.5B", "Q4_K_M"),
    HeldOut("third of 3B", "Q4_K_M", together=(4,)),
    HeldOut("third of 3B", "Q6_K"),
    HeldOut("third of 3B", "IQ4_NL", together=(3,)),
    HeldOut("half of 1.5B", "Q5_K_M", together=(3,)),
    HeldOut("half of 1.5B", "Q3_K_M"),
    HeldOut("half of 1.5B", "IQ3_M"),
    HeldOut("half of 1.5B", "Q6_K", together=(4,)),
    HeldOut("equal heads", "F16"),
    HeldOut("equal heads", "IQ4_XS"),
    HeldOut("equal heads", "Q2_K"),
    HeldOut("many experts", "Q4_K_M", together=(2,)),
    HeldOut("many experts", "MXFP4"),
    HeldOut("few experts", "Q5_K_M", together=(2,)),
)
QUICK = (HeldOut("half of 1.5B", "Q4_K_M", together=(2,)), HeldOut("equal heads", "Q8_0"))


def mixed(mixture: str, layers: int) -> Callable[[str], str]:
    """The format of each matrix, by its name, in a model of `layers` layers."""
    if mixture not in _MIXTURES:
        return lambda _: mixture
    base, value, down, output = _MIXTURES[mixture]

    def kind_of(name: str) -> str:
        if name == "token_embd":
            return output
        layer = int(name.split(".")[1])
        if "attn_v" in name:
            return value if mixture in _ALWAYS or _is_more(layer, layers) else base
        if "ffn_down" in name:
            return down if _is_more(layer, layers) else base
        return base

    return kind_of


# Most matrices; the values' where they are better; those behind the feed-forward; the output.
_MIXTURES = {
    "Q4_K_M": ("Q4_K", "Q6_K", "Q6_K", "Q6_K"),
    "Q5_K_M": ("Q5_K", "Q6_K", "Q6_K", "Q6_K"),
    "Q3_K_M": ("Q3_K", "Q5_K", "Q4_K", "Q6_K"),
    "Q2_K": ("Q2_K", "Q4_K", "Q3_K", "Q6_K"),
    "IQ4_XS": ("IQ4_XS", "Q5_K", "IQ4_XS", "Q6_K"),
    "IQ3_M": ("IQ3_S", "Q4_K", "Q4_K", "Q6_K"),
    "MXFP4": ("MXFP4", "Q8_0", "MXFP4", "Q8_0"),
}
_ALWAYS = frozenset({"Q3_K_M", "Q2_K", "IQ4_XS", "IQ3_M", "MXFP4"})


def _is_more(layer: int, layers: int) -> bool:
    """Whether a layer is one of those that get more bits: the first, the last, every third."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * eighth or (layer - eighth) % 3 == 2
