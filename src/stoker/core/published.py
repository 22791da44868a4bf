"""Figures that others published about models, quantizations and machines; each with its source.

Read by the room `published`. A figure that its source does not give is None, never 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The architecture of one well-known model; a file's header always wins over it.

    `context_length` is in tokens, as trained; what stretches it afterwards is left out.
    `parameters_active` are those that one token passes through: all of them without experts.
    `kv_bytes_per_token` is what layers that see the whole context keep of one token at f16;
    layers that see only a `window` keep that many tokens besides. `global_layers` are those that
    see everything, all of them where there is no window.
    """

    name: str
    parameters: int
    parameters_active: int
    layers: int
    hidden: int
    heads: int
    kv_heads: int | None
    head_dim: int | None
    ffn: int
    vocabulary: int
    context_length: int
    experts: int | None
    experts_active: int | None
    window: int | None
    global_layers: int | None
    kv_bytes_per_token: int
    note: str
    source: str

    @property
    def dense_equivalent(self) -> float:
        """Parameters of a dense model of like ability: the geometric mean of all and active.

        A rule of thumb for mixtures of experts, exact for dense models.
        """
        return math.sqrt(self.parameters * self.parameters_active)

    def kv_bytes(self, context: int) -> int:
        """What one sequence of `context` tokens keeps at f16."""
        whole = self.kv_bytes_per_token * context
        if not self.window or not self.global_layers:
            return whole
        each = self.kv_bytes_per_token // self.global_layers
        return whole + each * (self.layers - self.global_layers) * min(context, self.window)


@dataclass(frozen=True, slots=True)
class PublishedSize:
    """The size of one published GGUF file."""

    model: str
    quantization: str
    size_bytes: int
    source: str


@dataclass(frozen=True, slots=True)
class PublishedLoss:
    """What one quantization of one model takes and loses, against the model's F16 form.

    `kl_divergence` is the mean over tokens, in nats; `ppl_delta` the rise of the perplexity;
    `same_top_pct` the share of tokens for which both forms find the same one likeliest.
    `importance_matrix` says that one was used when the file was made.
    """

    model: str
    quantization: str
    importance_matrix: bool
    bits_per_weight: float | None
    size_gib: float | None
    kl_divergence: float | None
    ppl_delta: float | None
    same_top_pct: float | None
    source: str


@dataclass(frozen=True, slots=True)
class PublishedSpeed:
    """Tokens a second of one model on one machine.

    `metric` is `tg` (decode) or `pp` (prefill) with the number of tokens where it is known.
    """

    hardware: str
    backend: str
    threads: int | None
    model: str
    quantization: str
    metric: str
    tok_s: float
    source: str
