"""The starter model: a small Llama-architecture decoder in PyTorch.

Owns the network and its sizes. Knows nothing about text, the optimiser or the file format; the
one concession to the export is the rotary convention: pairs are interleaved (x0, x1), (x2, x3),
..., which is what llama.cpp's "llama" architecture computes, so weights are exported unpermuted.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the network; every width is a multiple of 256, so that k-quants apply."""

    vocab: int = 2048
    hidden: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    ffn: int = 768
    context: int = 1024
    rope_theta: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden // self.heads


def rope_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary angles, each of shape (context, head_dim / 2)."""
    exponent = torch.arange(0, config.head_dim, 2).float() / config.head_dim
    angles = torch.outer(torch.arange(config.context).float(), config.rope_theta**-exponent)
    return angles.cos(), angles.sin()


def rotate_pairs(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs of the last axis of x (batch, heads, time, head_dim)."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        width = config.kv_heads * config.head_dim
        self.q = nn.Linear(config.hidden, config.hidden, bias=False)
        self.k = nn.Linear(config.hidden, width, bias=False)
        self.v = nn.Linear(config.hidden, width, bias=False)
        self.o = nn.Linear(config.hidden, config.hidden, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Mix information over time; x and the result are (batch, time, hidden)."""
        batch, time, _ = x.shape
        c = self.config
        q = self.q(x).view(batch, time, c.heads, c.head_dim).transpose(1, 2)
        k = self.k(x).view(batch, time, c.kv_heads, c.head_dim).transpose(1, 2)
        v = self.v(x).view(batch, time, c.kv_heads, c.head_dim).transpose(1, 2)
        q, k = rotate_pairs(q, cos, sin).to(v.dtype), rotate_pairs(k, cos, sin).to(v.dtype)
        repeat = c.heads // c.kv_heads
        k, v = k.repeat_interleave(repeat, dim=1), v.repeat_interleave(repeat, dim=1)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.o(mixed.transpose(1, 2).reshape(batch, time, c.hidden))


class FeedForward(nn.Module):
    """The SwiGLU feed-forward part of a layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate = nn.Linear(config.hidden, config.ffn, bias=False)
        self.up = nn.Linear(config.hidden, config.ffn, bias=False)
        self.down = nn.Linear(config.ffn, config.hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position by itself."""
        return self.down(functional.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    """One layer: attention and feed-forward, each behind an RMS norm and a residual."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attn_norm = nn.RMSNorm(config.hidden, eps=config.norm_eps)
        self.attn = Attention(config)
        self.ffn_norm = nn.RMSNorm(config.hidden, eps=config.norm_eps)
        self.ffn = FeedForward(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Apply the layer to x (batch, time, hidden)."""
        x = x + self.attn(self.attn_norm(x), cos, sin)
        return x + self.ffn(self.ffn_norm(x))


class Starter(nn.Module):
    """The whole network; the output projection is tied to the token embedding."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocab, config.hidden)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.hidden, eps=config.norm_eps)
        cos, sin = rope_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        """Small normal weights; residual outputs smaller still, so depth does not add variance."""
        for name, weight in self.named_parameters():
            if weight.dim() < 2:
                continue
            residual = name.endswith(("attn.o.weight", "ffn.down.weight"))
            scale = (2 * self.config.layers) ** -0.5 if residual else 1.0
            nn.init.normal_(weight, std=0.02 * scale)

    def hidden_states(self, tokens: Tensor) -> Tensor:
        """Normed final states (batch, time, hidden) of tokens (batch, time)."""
        time = tokens.shape[1]
        cos, sin = self.cos[:time], self.sin[:time]
        x = self.embed(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.norm(x)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, time, vocab) of tokens (batch, time)."""
        return functional.linear(self.hidden_states(tokens), self.embed.weight)

    def loss(self, tokens: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Weighted mean cross-entropy; the vocabulary is projected only where the weight is set."""
        keep = weights > 0
        logits = functional.linear(self.hidden_states(tokens)[keep], self.embed.weight)
        losses = functional.cross_entropy(logits.float(), targets[keep], reduction="none")
        return (losses * weights[keep]).sum() / weights[keep].sum()


def parameter_count(model: nn.Module) -> int:
    """Number of trained values, the tied matrix counted once."""
    return sum(p.numel() for p in model.parameters())
