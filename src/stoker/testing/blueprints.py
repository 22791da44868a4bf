"""What a synthetic model of an architecture is made of: metadata and the shapes of its tensors.

Owns one description for each class of memory that the engine knows: plain and grouped attention,
latent, windowed, shared and recurrent layers, experts, encoders. Names and shapes are the file
format's; the sizes are small and mean nothing. Writing a file is `architectures`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
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


def blueprint(name: str, **changes: Any) -> Blueprint:
    """The model called `name` in `NAMES`, with other sizes where `changes` names them.

    Raises:
        KeyError: no such name.
    """
    make, sizes = _MODELS[name]
    return make(replace(sizes, **changes))


def _matrix(name: str, *shape: int) -> Tensor:
    return Tensor(f"{name}.weight", shape)


def _vector(name: str, size: int, kind: str = "weight") -> Tensor:
    return Tensor(f"{name}.{kind}", (size,), plain=True)


def _basic(sizes: Sizes, **more: Any) -> dict[str, Any]:
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


def _attending(sizes: Sizes, **more: Any) -> dict[str, Any]:
    return _basic(sizes) | {
        "attention.head_count": sizes.heads,
        "attention.head_count_kv": sizes.kv_heads,
        "attention.key_length": sizes.head,
        "attention.value_length": sizes.head,
        "rope.dimension_count": sizes.head,
        **more,
    }


def _ends(sizes: Sizes, norm: str = "output_norm") -> Iterator[Tensor]:
    yield _matrix("token_embd", sizes.hidden, sizes.vocabulary)
    yield _vector(norm, sizes.hidden)
    if not sizes.tied:
        yield _matrix("output", sizes.hidden, sizes.vocabulary)


def _qkv(at: str, sizes: Sizes, *, bias: bool = False, norms: bool = False) -> Iterator[Tensor]:
    rows = (sizes.heads, sizes.kv_heads, sizes.kv_heads)
    yield _vector(f"{at}attn_norm", sizes.hidden)
    for letter, count in zip("qkv", rows, strict=True):
        yield _matrix(f"{at}attn_{letter}", sizes.hidden, count * sizes.head)
        if bias:
            yield _vector(f"{at}attn_{letter}", count * sizes.head, "bias")
    yield _matrix(f"{at}attn_output", sizes.heads * sizes.head, sizes.hidden)
    if norms:
        yield _vector(f"{at}attn_q_norm", sizes.head)
        yield _vector(f"{at}attn_k_norm", sizes.head)


def _ffn(at: str, hidden: int, ffn: int, *, suffix: str = "") -> Iterator[Tensor]:
    yield _matrix(f"{at}ffn_gate{suffix}", hidden, ffn)
    yield _matrix(f"{at}ffn_up{suffix}", hidden, ffn)
    yield _matrix(f"{at}ffn_down{suffix}", ffn, hidden)


def _moe(at: str, sizes: Sizes, ffn: int) -> Iterator[Tensor]:
    yield Tensor(f"{at}ffn_gate_inp.weight", (sizes.hidden, sizes.experts), plain=True)
    yield _matrix(f"{at}ffn_gate_exps", sizes.hidden, ffn, sizes.experts)
    yield _matrix(f"{at}ffn_up_exps", sizes.hidden, ffn, sizes.experts)
    yield _matrix(f"{at}ffn_down_exps", ffn, sizes.hidden, sizes.experts)


def _experts(sizes: Sizes) -> dict[str, Any]:
    return {"expert_count": sizes.experts, "expert_used_count": sizes.experts_used}


def _dense(
    architecture: str, sizes: Sizes, *, bias: bool = False, norms: bool = False
) -> Blueprint:
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += _qkv(at, sizes, bias=bias, norms=norms)
        tensors += [_vector(f"{at}ffn_norm", sizes.hidden), *_ffn(at, sizes.hidden, sizes.ffn)]
    return Blueprint(architecture, _attending(sizes), tuple(tensors), sizes)


def _llama(sizes: Sizes) -> Blueprint:
    return _dense("llama", sizes)


def _qwen2(sizes: Sizes) -> Blueprint:
    return _dense("qwen2", sizes, bias=True)


def _qwen3(sizes: Sizes) -> Blueprint:
    return _dense("qwen3", sizes, norms=True)


def _mixtral(sizes: Sizes) -> Blueprint:
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [*_qkv(at, sizes), _vector(f"{at}ffn_norm", sizes.hidden)]
        tensors += _moe(at, sizes, sizes.ffn)
    return Blueprint("llama", _attending(sizes, **_experts(sizes)), tuple(tensors), sizes)


def _qwen3moe(sizes: Sizes) -> Blueprint:
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [*_qkv(at, sizes, norms=True), _vector(f"{at}ffn_norm", sizes.hidden)]
        tensors += _moe(at, sizes, sizes.expert_ffn)
    keys = _attending(sizes, expert_feed_forward_length=sizes.expert_ffn, **_experts(sizes))
    return Blueprint("qwen3moe", keys, tuple(tensors), sizes)


def _gemma3(sizes: Sizes) -> Blueprint:
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += _qkv(at, sizes, norms=True)
        for name in ("post_attention_norm", "ffn_norm", "post_ffw_norm"):
            tensors.append(_vector(f"{at}{name}", sizes.hidden))
        tensors += _ffn(at, sizes.hidden, sizes.ffn)
    keys = _attending(sizes) | {"attention.sliding_window": sizes.window}
    return Blueprint("gemma3", keys, tuple(tensors), sizes)


def _gemma4(sizes: Sizes) -> Blueprint:
    """Windowed layers with short heads, full ones with long heads; the last own no cache."""
    flags = [(layer + 1) % sizes.period != 0 for layer in range(sizes.layers)]
    tensors = list(_ends(sizes))
    for layer, windowed in enumerate(flags):
        at, own = f"blk.{layer}.", replace(sizes, head=sizes.head if windowed else 2 * sizes.head)
        tensors += _qkv(at, own, norms=True)
        for name in ("post_attention_norm", "ffn_norm", "post_ffw_norm"):
            tensors.append(_vector(f"{at}{name}", sizes.hidden))
        tensors += _ffn(at, sizes.hidden, sizes.ffn)
    tensors.append(_vector("rope_freqs", sizes.head))
    keys = _attending(sizes) | {
        "attention.key_length": 2 * sizes.head,
        "attention.value_length": 2 * sizes.head,
        "attention.key_length_swa": sizes.head,
        "attention.value_length_swa": sizes.head,
        "attention.sliding_window": sizes.window,
        "attention.sliding_window_pattern": flags,
        "attention.shared_kv_layers": sizes.shared,
        "rope.dimension_count": 2 * sizes.head,
        "rope.dimension_count_swa": sizes.head,
        "embedding_length_per_layer_input": 0,
    }
    return Blueprint("gemma4", keys, tuple(tensors), sizes)


def _gpt_oss(sizes: Sizes) -> Blueprint:
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += _qkv(at, sizes, bias=True)
        tensors.append(_vector(f"{at}attn_output", sizes.hidden, "bias"))
        tensors.append(_vector(f"{at}post_attention_norm", sizes.hidden))
        tensors.append(_vector(f"{at}attn_sinks", sizes.heads))
        tensors += _moe(at, sizes, sizes.expert_ffn)
        tensors.append(_vector(f"{at}ffn_gate_inp", sizes.experts, "bias"))
        for name, rows in (("gate", sizes.expert_ffn), ("up", sizes.expert_ffn)):
            tensors.append(Tensor(f"{at}ffn_{name}_exps.bias", (rows, sizes.experts), plain=True))
        tensors.append(Tensor(f"{at}ffn_down_exps.bias", (sizes.hidden, sizes.experts), plain=True))
    keys = _attending(sizes, expert_feed_forward_length=sizes.expert_ffn, **_experts(sizes))
    return Blueprint(
        "gpt-oss", keys | {"attention.sliding_window": sizes.window}, tuple(tensors), sizes
    )


def _deepseek2(sizes: Sizes) -> Blueprint:
    """Latent attention; `head` splits into half without and half with a position."""
    rope = sizes.head // 2
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        tensors += _latent(f"blk.{layer}.", sizes, rope)
        tensors += (
            _ffn(f"blk.{layer}.", sizes.hidden, sizes.ffn)
            if layer == 0
            else _shared_moe(f"blk.{layer}.", sizes)
        )
    keys = _attending(sizes, expert_feed_forward_length=sizes.expert_ffn, **_experts(sizes)) | {
        "attention.head_count_kv": 1,
        "attention.key_length": sizes.rank + rope,
        "attention.value_length": sizes.rank,
        "attention.key_length_mla": sizes.head,
        "attention.value_length_mla": sizes.head,
        "attention.q_lora_rank": sizes.rank,
        "attention.kv_lora_rank": sizes.rank,
        "rope.dimension_count": rope,
        "leading_dense_block_count": 1,
        "expert_shared_count": 1,
    }
    return Blueprint("deepseek2", keys, tuple(tensors), sizes)


def _latent(at: str, sizes: Sizes, rope: int) -> Iterator[Tensor]:
    plain = sizes.head - rope
    yield _vector(f"{at}attn_norm", sizes.hidden)
    yield _vector(f"{at}attn_q_a_norm", sizes.rank)
    yield _vector(f"{at}attn_kv_a_norm", sizes.rank)
    yield _matrix(f"{at}attn_q_a", sizes.hidden, sizes.rank)
    yield _matrix(f"{at}attn_q_b", sizes.rank, sizes.heads * sizes.head)
    yield _matrix(f"{at}attn_kv_a_mqa", sizes.hidden, sizes.rank + rope)
    yield _matrix(f"{at}attn_k_b", plain, sizes.rank, sizes.heads)
    yield _matrix(f"{at}attn_v_b", sizes.rank, sizes.head, sizes.heads)
    yield _matrix(f"{at}attn_output", sizes.heads * sizes.head, sizes.hidden)
    yield _vector(f"{at}ffn_norm", sizes.hidden)


def _shared_moe(at: str, sizes: Sizes) -> Iterator[Tensor]:
    yield from _moe(at, sizes, sizes.expert_ffn)
    yield from _ffn(at, sizes.hidden, sizes.expert_ffn, suffix="_shexp")


def _mamba(sizes: Sizes) -> Blueprint:
    inner, rank = 2 * sizes.hidden, sizes.rank
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [
            _vector(f"{at}attn_norm", sizes.hidden),
            _matrix(f"{at}ssm_in", sizes.hidden, 2 * inner),
            Tensor(f"{at}ssm_conv1d.weight", (sizes.conv, inner), plain=True),
            _vector(f"{at}ssm_conv1d", inner, "bias"),
            _matrix(f"{at}ssm_x", inner, rank + 2 * sizes.state),
            _matrix(f"{at}ssm_dt", rank, inner),
            _vector(f"{at}ssm_dt", inner, "bias"),
            Tensor(f"{at}ssm_a", (sizes.state, inner), plain=True),
            Tensor(f"{at}ssm_d", (inner,), plain=True),
            _matrix(f"{at}ssm_out", inner, sizes.hidden),
        ]
    keys = _basic(sizes) | _recurrent(sizes, rank)
    keys |= {"attention.head_count": 0, "feed_forward_length": 0}
    return Blueprint("mamba", keys, tuple(tensors), sizes)


def _recurrent(sizes: Sizes, rank: int) -> dict[str, Any]:
    return {
        "ssm.conv_kernel": sizes.conv,
        "ssm.inner_size": 2 * sizes.hidden,
        "ssm.state_size": sizes.state,
        "ssm.time_step_rank": rank,
    }


def _granite_hybrid(sizes: Sizes) -> Blueprint:
    """Of every `period` layers the last attends, the others keep a state."""
    heads = sizes.hidden // 32
    counts = [sizes.kv_heads if (one + 1) % sizes.period == 0 else 0 for one in range(sizes.layers)]
    tensors = list(_ends(sizes))
    for layer, count in enumerate(counts):
        at = f"blk.{layer}."
        tensors += _qkv(at, sizes) if count else _state_space(at, sizes, heads)
        tensors += [_vector(f"{at}ffn_norm", sizes.hidden), *_ffn(at, sizes.hidden, sizes.ffn)]
    keys = _attending(sizes) | _recurrent(sizes, heads)
    keys |= {"ssm.group_count": sizes.groups, "attention.head_count_kv": counts}
    return Blueprint("granitehybrid", keys, tuple(tensors), sizes)


def _state_space(at: str, sizes: Sizes, heads: int) -> Iterator[Tensor]:
    inner = 2 * sizes.hidden
    both = inner + 2 * sizes.groups * sizes.state
    yield _vector(f"{at}attn_norm", sizes.hidden)
    yield _matrix(f"{at}ssm_in", sizes.hidden, inner + both + heads)
    yield Tensor(f"{at}ssm_conv1d.weight", (sizes.conv, both), plain=True)
    yield _vector(f"{at}ssm_conv1d", both, "bias")
    yield _vector(f"{at}ssm_dt", heads, "bias")
    yield Tensor(f"{at}ssm_a", (1, heads), plain=True)
    yield Tensor(f"{at}ssm_d", (1, heads), plain=True)
    yield Tensor(f"{at}ssm_norm.weight", (inner // sizes.groups, sizes.groups), plain=True)
    yield _matrix(f"{at}ssm_out", inner, sizes.hidden)


def _lfm2(sizes: Sizes) -> Blueprint:
    """Short convolutions, and of every `period` layers one that attends."""
    counts = [sizes.kv_heads if (one + 1) % sizes.period == 0 else 0 for one in range(sizes.layers)]
    own = replace(sizes, head=sizes.hidden // sizes.heads)
    tensors = list(_ends(sizes, "token_embd_norm"))
    for layer, count in enumerate(counts):
        at = f"blk.{layer}."
        tensors += _qkv(at, own, norms=True) if count else _short_convolution(at, sizes)
        tensors += [_vector(f"{at}ffn_norm", sizes.hidden), *_ffn(at, sizes.hidden, sizes.ffn)]
    keys = _attending(own, **{"shortconv.l_cache": sizes.conv})
    return Blueprint("lfm2", keys | {"attention.head_count_kv": counts}, tuple(tensors), sizes)


def _short_convolution(at: str, sizes: Sizes) -> Iterator[Tensor]:
    yield _vector(f"{at}attn_norm", sizes.hidden)
    yield Tensor(f"{at}shortconv.conv.weight", (sizes.conv, sizes.hidden), plain=True)
    yield _matrix(f"{at}shortconv.in_proj", sizes.hidden, 3 * sizes.hidden)
    yield _matrix(f"{at}shortconv.out_proj", sizes.hidden, sizes.hidden)


def _phi3(sizes: Sizes) -> Blueprint:
    """Queries, keys and values in one matrix; the window in the header is not used."""
    head = sizes.hidden // sizes.heads
    tensors = list(_ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [
            _vector(f"{at}attn_norm", sizes.hidden),
            _matrix(f"{at}attn_qkv", sizes.hidden, sizes.hidden + 2 * sizes.kv_heads * head),
            _matrix(f"{at}attn_output", sizes.hidden, sizes.hidden),
            _vector(f"{at}ffn_norm", sizes.hidden),
            _matrix(f"{at}ffn_up", sizes.hidden, 2 * sizes.ffn),
            _matrix(f"{at}ffn_down", sizes.ffn, sizes.hidden),
        ]
    keys = _attending(replace(sizes, head=head)) | {"attention.sliding_window": sizes.window}
    return Blueprint("phi3", keys, tuple(tensors), sizes)


def _bert(sizes: Sizes) -> Blueprint:
    hidden = sizes.hidden
    tensors = [
        _matrix("token_embd", hidden, sizes.vocabulary),
        Tensor("token_types.weight", (hidden, 2), plain=True),
        Tensor("position_embd.weight", (hidden, sizes.context), plain=True),
        *_norm("token_embd_norm", hidden),
    ]
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        for name, columns, rows in (
            *((f"attn_{letter}", hidden, hidden) for letter in "qkv"),
            ("attn_output", hidden, hidden),
            ("ffn_up", hidden, sizes.ffn),
            ("ffn_down", sizes.ffn, hidden),
        ):
            tensors += [_matrix(at + name, columns, rows), _vector(at + name, rows, "bias")]
        tensors += [
            *_norm(f"{at}attn_output_norm", hidden),
            *_norm(f"{at}layer_output_norm", hidden),
        ]
    keys = _basic(sizes) | {
        "attention.head_count": sizes.heads,
        "attention.layer_norm_epsilon": 1e-12,
        "attention.causal": False,
        "pooling_type": 1,
    }
    more = {"tokenizer.ggml.token_type_count": 2}
    return Blueprint("bert", keys, tuple(tensors), sizes, more)


def _norm(name: str, size: int) -> list[Tensor]:
    return [_vector(name, size), _vector(name, size, "bias")]


_PLAIN = Sizes()
_MODELS: dict[str, tuple[Callable[[Sizes], Blueprint], Sizes]] = {
    "llama": (_llama, _PLAIN),
    "qwen2": (_qwen2, _PLAIN),
    "qwen3": (_qwen3, replace(_PLAIN, head=128)),
    "qwen3moe": (_qwen3moe, replace(_PLAIN, experts=8, experts_used=4, expert_ffn=192)),
    "mixtral": (_mixtral, replace(_PLAIN, experts=4, experts_used=2)),
    "gemma3": (_gemma3, replace(_PLAIN, layers=8, window=512)),
    "gemma4": (_gemma4, replace(_PLAIN, layers=8, window=512, period=4, shared=4)),
    "gpt-oss": (
        _gpt_oss,
        replace(_PLAIN, window=128, experts=8, experts_used=2, expert_ffn=256, tied=False),
    ),
    "deepseek2": (_deepseek2, replace(_PLAIN, experts=8, experts_used=2, expert_ffn=128)),
    "mamba": (_mamba, _PLAIN),
    "granitehybrid": (_granite_hybrid, _PLAIN),
    "lfm2": (_lfm2, _PLAIN),
    "phi3": (_phi3, replace(_PLAIN, kv_heads=4, window=2047)),
    "bert": (_bert, replace(_PLAIN, context=512)),
}
NAMES = tuple(_MODELS)
