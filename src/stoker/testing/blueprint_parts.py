"""The pieces that synthetic models are made of: sizes, tensors, and what many layers share.

Names and shapes are the file format's. Which model has which pieces is `blueprints`'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one model; what an architecture has no use for is left out of its file.

    `period` says that of every so many layers one is full attention; `shared` layers at the end
    own no cache; `rank`, `state` and `conv` are those of latent attention and of recurrent layers.
    """

    layers: int = 4
    hidden: int = 256
    heads: int = 4
    kv_heads: int = 2
    head: int = 64
    ffn: int = 768
    vocabulary: int = 1024
    context: int = 131072
    window: int = 0
    period: int = 2
    shared: int = 0
    experts: int = 0
    experts_used: int = 0
    expert_ffn: int = 0
    rank: int = 64
    state: int = 16
    conv: int = 4
    groups: int = 1
    tied: bool = True
    pooling: int = 0
    merges: int = 1


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `shape` as the format writes it, the row's length first; `plain` is float32."""

    name: str
    shape: tuple[int, ...]
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One model: `keys` without the architecture's prefix, and its tensors."""

    architecture: str
    keys: dict[str, Any]
    tensors: tuple[Tensor, ...]
    sizes: Sizes
    more: dict[str, Any] = field(default_factory=dict)


def matrix(name: str, *shape: int) -> Tensor:
    """A matrix; the length of a row comes first."""
    return Tensor(f"{name}.weight", shape)


def vector(name: str, size: int, kind: str = "weight") -> Tensor:
    """A vector of float32, such as a norm's weights or a bias."""
    return Tensor(f"{name}.{kind}", (size,), plain=True)


def basic(sizes: Sizes, **more: Any) -> dict[str, Any]:
    """What every model states."""
    pooled = {"pooling_type": sizes.pooling} if sizes.pooling else {}
    return pooled | {
        "context_length": sizes.context,
        "embedding_length": sizes.hidden,
        "block_count": sizes.layers,
        "feed_forward_length": sizes.ffn,
        "attention.layer_norm_rms_epsilon": 1e-5,
        "vocab_size": sizes.vocabulary,
        **more,
    }


def attending(sizes: Sizes, **more: Any) -> dict[str, Any]:
    """What every model that attends states."""
    return basic(sizes) | {
        "attention.head_count": sizes.heads,
        "attention.head_count_kv": sizes.kv_heads,
        "attention.key_length": sizes.head,
        "attention.value_length": sizes.head,
        "rope.dimension_count": sizes.head,
        **more,
    }


def ends(sizes: Sizes, norm: str = "output_norm") -> Iterator[Tensor]:
    """The tokens' vectors, the last norm, and the output matrix where it is one of its own."""
    yield matrix("token_embd", sizes.hidden, sizes.vocabulary)
    yield vector(norm, sizes.hidden)
    if not sizes.tied:
        yield matrix("output", sizes.hidden, sizes.vocabulary)


def qkv(at: str, sizes: Sizes, *, bias: bool = False, norms: bool = False) -> Iterator[Tensor]:
    """One layer's attention: queries, keys, values, output, and the norm before."""
    rows = (sizes.heads, sizes.kv_heads, sizes.kv_heads)
    yield vector(f"{at}attn_norm", sizes.hidden)
    for letter, count in zip("qkv", rows, strict=True):
        yield matrix(f"{at}attn_{letter}", sizes.hidden, count * sizes.head)
        if bias:
            yield vector(f"{at}attn_{letter}", count * sizes.head, "bias")
    yield matrix(f"{at}attn_output", sizes.heads * sizes.head, sizes.hidden)
    if norms:
        yield vector(f"{at}attn_q_norm", sizes.head)
        yield vector(f"{at}attn_k_norm", sizes.head)


def ffn(at: str, hidden: int, ffn: int, *, suffix: str = "") -> Iterator[Tensor]:
    """One layer's gated feed-forward part."""
    yield matrix(f"{at}ffn_gate{suffix}", hidden, ffn)
    yield matrix(f"{at}ffn_up{suffix}", hidden, ffn)
    yield matrix(f"{at}ffn_down{suffix}", ffn, hidden)


def moe(at: str, sizes: Sizes, ffn: int) -> Iterator[Tensor]:
    """One layer's experts, each of length `ffn`, and what chooses among them."""
    yield Tensor(f"{at}ffn_gate_inp.weight", (sizes.hidden, sizes.experts), plain=True)
    yield matrix(f"{at}ffn_gate_exps", sizes.hidden, ffn, sizes.experts)
    yield matrix(f"{at}ffn_up_exps", sizes.hidden, ffn, sizes.experts)
    yield matrix(f"{at}ffn_down_exps", ffn, sizes.hidden, sizes.experts)


def experts(sizes: Sizes) -> dict[str, Any]:
    """How many experts there are, and how many a token uses."""
    return {"expert_count": sizes.experts, "expert_used_count": sizes.experts_used}


def latent(at: str, sizes: Sizes, rope: int) -> Iterator[Tensor]:
    """One layer's latent attention, with `rope` elements of a head for its position."""
    plain = sizes.head - rope
    yield vector(f"{at}attn_norm", sizes.hidden)
    yield vector(f"{at}attn_q_a_norm", sizes.rank)
    yield vector(f"{at}attn_kv_a_norm", sizes.rank)
    yield matrix(f"{at}attn_q_a", sizes.hidden, sizes.rank)
    yield matrix(f"{at}attn_q_b", sizes.rank, sizes.heads * sizes.head)
    yield matrix(f"{at}attn_kv_a_mqa", sizes.hidden, sizes.rank + rope)
    yield matrix(f"{at}attn_k_b", plain, sizes.rank, sizes.heads)
    yield matrix(f"{at}attn_v_b", sizes.rank, sizes.head, sizes.heads)
    yield matrix(f"{at}attn_output", sizes.heads * sizes.head, sizes.hidden)
    yield vector(f"{at}ffn_norm", sizes.hidden)


def shared_moe(at: str, sizes: Sizes) -> Iterator[Tensor]:
    """Experts, and one that every token uses."""
    yield from moe(at, sizes, sizes.expert_ffn)
    yield from ffn(at, sizes.hidden, sizes.expert_ffn, suffix="_shexp")


def recurrent(sizes: Sizes, rank: int) -> dict[str, Any]:
    """What a state-space model states; `rank` is its time steps'."""
    return {
        "ssm.conv_kernel": sizes.conv,
        "ssm.inner_size": 2 * sizes.hidden,
        "ssm.state_size": sizes.state,
        "ssm.time_step_rank": rank,
    }


def state_space(at: str, sizes: Sizes, heads: int) -> Iterator[Tensor]:
    """One state-space layer of the second version, with so many `heads`."""
    inner = 2 * sizes.hidden
    both = inner + 2 * sizes.groups * sizes.state
    yield vector(f"{at}attn_norm", sizes.hidden)
    yield matrix(f"{at}ssm_in", sizes.hidden, inner + both + heads)
    yield Tensor(f"{at}ssm_conv1d.weight", (sizes.conv, both), plain=True)
    yield vector(f"{at}ssm_conv1d", both, "bias")
    yield vector(f"{at}ssm_dt", heads, "bias")
    yield Tensor(f"{at}ssm_a", (1, heads), plain=True)
    yield Tensor(f"{at}ssm_d", (1, heads), plain=True)
    yield Tensor(f"{at}ssm_norm.weight", (inner // sizes.groups, sizes.groups), plain=True)
    yield matrix(f"{at}ssm_out", inner, sizes.hidden)


def short_convolution(at: str, sizes: Sizes) -> Iterator[Tensor]:
    """One layer that convolves a few tokens and keeps them."""
    yield vector(f"{at}attn_norm", sizes.hidden)
    yield Tensor(f"{at}shortconv.conv.weight", (sizes.conv, sizes.hidden), plain=True)
    yield matrix(f"{at}shortconv.in_proj", sizes.hidden, 3 * sizes.hidden)
    yield matrix(f"{at}shortconv.out_proj", sizes.hidden, sizes.hidden)


def norm(name: str, size: int) -> list[Tensor]:
    """A norm with weights and biases."""
    return [vector(name, size), vector(name, size, "bias")]
