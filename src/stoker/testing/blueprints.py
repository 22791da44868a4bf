"""What a synthetic model of an architecture is made of: metadata and the shapes of its tensors.

Owns one description for each class of memory that the engine knows: plain and grouped attention,
latent, windowed, shared and recurrent layers, experts, encoders. The sizes are small and mean
nothing. Writing a file is `architectures`'.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stoker.testing.blueprint_parts import (
    Blueprint,
    Sizes,
    Tensor,
    attending,
    basic,
    ends,
    experts,
    ffn,
    latent,
    matrix,
    moe,
    norm,
    qkv,
    recurrent,
    shared_moe,
    short_convolution,
    state_space,
    vector,
)


def blueprint(name: str, **changes: Any) -> Blueprint:
    """The model called `name` in `NAMES`, with other sizes where `changes` names them.

    Raises:
        KeyError: no such name.
    """
    make, sizes = _MODELS[name]
    return make(replace(sizes, **changes))


def _dense(
    architecture: str, sizes: Sizes, *, bias: bool = False, norms: bool = False
) -> Blueprint:
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += qkv(at, sizes, bias=bias, norms=norms)
        tensors += [vector(f"{at}ffn_norm", sizes.hidden), *ffn(at, sizes.hidden, sizes.ffn)]
    return Blueprint(architecture, attending(sizes), tuple(tensors), sizes)


def _llama(sizes: Sizes) -> Blueprint:
    return _dense("llama", sizes)


def _qwen2(sizes: Sizes) -> Blueprint:
    return _dense("qwen2", sizes, bias=True)


def _qwen3(sizes: Sizes) -> Blueprint:
    return _dense("qwen3", sizes, norms=True)


def _mixtral(sizes: Sizes) -> Blueprint:
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [*qkv(at, sizes), vector(f"{at}ffn_norm", sizes.hidden)]
        tensors += moe(at, sizes, sizes.ffn)
    return Blueprint("llama", attending(sizes, **experts(sizes)), tuple(tensors), sizes)


def _qwen3moe(sizes: Sizes) -> Blueprint:
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [*qkv(at, sizes, norms=True), vector(f"{at}ffn_norm", sizes.hidden)]
        tensors += moe(at, sizes, sizes.expert_ffn)
    keys = attending(sizes, expert_feed_forward_length=sizes.expert_ffn, **experts(sizes))
    return Blueprint("qwen3moe", keys, tuple(tensors), sizes)


def _gemma3(sizes: Sizes) -> Blueprint:
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += qkv(at, sizes, norms=True)
        for name in ("post_attention_norm", "ffn_norm", "post_ffw_norm"):
            tensors.append(vector(f"{at}{name}", sizes.hidden))
        tensors += ffn(at, sizes.hidden, sizes.ffn)
    keys = attending(sizes) | {"attention.sliding_window": sizes.window}
    return Blueprint("gemma3", keys, tuple(tensors), sizes)


def _gemma4(sizes: Sizes) -> Blueprint:
    """Windowed layers with short heads, full ones with long heads; the last own no cache."""
    flags = [(layer + 1) % sizes.period != 0 for layer in range(sizes.layers)]
    tensors = list(ends(sizes))
    for layer, windowed in enumerate(flags):
        at, own = f"blk.{layer}.", replace(sizes, head=sizes.head if windowed else 2 * sizes.head)
        tensors += qkv(at, own, norms=True)
        for name in ("post_attention_norm", "ffn_norm", "post_ffw_norm"):
            tensors.append(vector(f"{at}{name}", sizes.hidden))
        tensors += ffn(at, sizes.hidden, sizes.ffn)
    tensors.append(vector("rope_freqs", sizes.head))
    keys = attending(sizes) | {
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


def _gemma3n(sizes: Sizes) -> Blueprint:
    """The layers from the twentieth on own no cache; vectors of four widths run side by side."""
    side, small, copies = 256, 64, 4
    tensors = [
        *ends(sizes),
        matrix("altup_proj", sizes.hidden, sizes.hidden, copies - 1),
        matrix("altup_unembd_proj", sizes.hidden, sizes.hidden, copies - 1),
        matrix("per_layer_token_embd", side * sizes.layers, sizes.vocabulary),
        matrix("per_layer_model_proj", sizes.hidden, side * sizes.layers),
        vector("per_layer_proj_norm", side),
    ]
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += qkv(at, sizes, norms=True)
        names = ["post_attention_norm", "ffn_norm", "post_ffw_norm", "post_norm"]
        names += ["altup_correct_scale", "altup_router_norm", "laurel_post_norm"]
        tensors += [vector(at + name, sizes.hidden) for name in names]
        tensors += [
            *ffn(at, sizes.hidden, sizes.ffn),
            matrix(f"{at}inp_gate", sizes.hidden, side),
            matrix(f"{at}proj", side, sizes.hidden),
            Tensor(f"{at}altup_correct_coef.weight", (copies, copies), plain=True),
            Tensor(f"{at}altup_predict_coef.weight", (copies, copies**2), plain=True),
            Tensor(f"{at}altup_router.weight", (sizes.hidden, copies), plain=True),
            matrix(f"{at}laurel_l", sizes.hidden, small),
            matrix(f"{at}laurel_r", small, sizes.hidden),
        ]
    keys = attending(sizes) | {"attention.sliding_window": sizes.window}
    return Blueprint("gemma3n", keys, tuple(tensors), sizes)


def _gpt_oss(sizes: Sizes) -> Blueprint:
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += qkv(at, sizes, bias=True)
        tensors.append(vector(f"{at}attn_output", sizes.hidden, "bias"))
        tensors.append(vector(f"{at}post_attention_norm", sizes.hidden))
        tensors.append(vector(f"{at}attn_sinks", sizes.heads))
        tensors += moe(at, sizes, sizes.expert_ffn)
        tensors.append(vector(f"{at}ffn_gate_inp", sizes.experts, "bias"))
        for name, rows in (("gate", sizes.expert_ffn), ("up", sizes.expert_ffn)):
            tensors.append(Tensor(f"{at}ffn_{name}_exps.bias", (rows, sizes.experts), plain=True))
        tensors.append(Tensor(f"{at}ffn_down_exps.bias", (sizes.hidden, sizes.experts), plain=True))
    keys = attending(sizes, expert_feed_forward_length=sizes.expert_ffn, **experts(sizes))
    return Blueprint(
        "gpt-oss", keys | {"attention.sliding_window": sizes.window}, tuple(tensors), sizes
    )


def _deepseek2(sizes: Sizes) -> Blueprint:
    """Latent attention; `head` splits into half without and half with a position."""
    rope = sizes.head // 2
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        tensors += latent(f"blk.{layer}.", sizes, rope)
        tensors += (
            ffn(f"blk.{layer}.", sizes.hidden, sizes.ffn)
            if layer == 0
            else shared_moe(f"blk.{layer}.", sizes)
        )
    keys = attending(sizes, expert_feed_forward_length=sizes.expert_ffn, **experts(sizes)) | {
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


def _mamba(sizes: Sizes) -> Blueprint:
    inner, rank = 2 * sizes.hidden, sizes.rank
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [
            vector(f"{at}attn_norm", sizes.hidden),
            matrix(f"{at}ssm_in", sizes.hidden, 2 * inner),
            Tensor(f"{at}ssm_conv1d.weight", (sizes.conv, inner), plain=True),
            vector(f"{at}ssm_conv1d", inner, "bias"),
            matrix(f"{at}ssm_x", inner, rank + 2 * sizes.state),
            matrix(f"{at}ssm_dt", rank, inner),
            vector(f"{at}ssm_dt", inner, "bias"),
            Tensor(f"{at}ssm_a", (sizes.state, inner), plain=True),
            Tensor(f"{at}ssm_d", (inner,), plain=True),
            matrix(f"{at}ssm_out", inner, sizes.hidden),
        ]
    keys = basic(sizes) | recurrent(sizes, rank)
    keys |= {"attention.head_count": 0, "feed_forward_length": 0}
    return Blueprint("mamba", keys, tuple(tensors), sizes)


def _granite_hybrid(sizes: Sizes) -> Blueprint:
    """Of every `period` layers the last attends, the others keep a state."""
    heads = sizes.hidden // 32
    counts = [sizes.kv_heads if (one + 1) % sizes.period == 0 else 0 for one in range(sizes.layers)]
    tensors = list(ends(sizes))
    for layer, count in enumerate(counts):
        at = f"blk.{layer}."
        tensors += qkv(at, sizes) if count else state_space(at, sizes, heads)
        tensors += [vector(f"{at}ffn_norm", sizes.hidden), *ffn(at, sizes.hidden, sizes.ffn)]
    keys = attending(sizes) | recurrent(sizes, heads)
    keys |= {"ssm.group_count": sizes.groups, "attention.head_count_kv": counts}
    return Blueprint("granitehybrid", keys, tuple(tensors), sizes)


def _lfm2(sizes: Sizes) -> Blueprint:
    """Short convolutions, and of every `period` layers one that attends."""
    counts = [sizes.kv_heads if (one + 1) % sizes.period == 0 else 0 for one in range(sizes.layers)]
    own = replace(sizes, head=sizes.hidden // sizes.heads)
    tensors = list(ends(sizes, "token_embd_norm"))
    for layer, count in enumerate(counts):
        at = f"blk.{layer}."
        tensors += qkv(at, own, norms=True) if count else short_convolution(at, sizes)
        tensors += [vector(f"{at}ffn_norm", sizes.hidden), *ffn(at, sizes.hidden, sizes.ffn)]
    keys = attending(own, **{"shortconv.l_cache": sizes.conv})
    return Blueprint("lfm2", keys | {"attention.head_count_kv": counts}, tuple(tensors), sizes)


def _phi3(sizes: Sizes) -> Blueprint:
    """Queries, keys and values in one matrix; the window in the header is not used."""
    head = sizes.hidden // sizes.heads
    tensors = list(ends(sizes))
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        tensors += [
            vector(f"{at}attn_norm", sizes.hidden),
            matrix(f"{at}attn_qkv", sizes.hidden, sizes.hidden + 2 * sizes.kv_heads * head),
            matrix(f"{at}attn_output", sizes.hidden, sizes.hidden),
            vector(f"{at}ffn_norm", sizes.hidden),
            matrix(f"{at}ffn_up", sizes.hidden, 2 * sizes.ffn),
            matrix(f"{at}ffn_down", sizes.ffn, sizes.hidden),
        ]
    keys = attending(replace(sizes, head=head)) | {"attention.sliding_window": sizes.window}
    return Blueprint("phi3", keys, tuple(tensors), sizes)


def _bert(sizes: Sizes) -> Blueprint:
    hidden = sizes.hidden
    tensors = [
        matrix("token_embd", hidden, sizes.vocabulary),
        Tensor("token_types.weight", (hidden, 2), plain=True),
        Tensor("position_embd.weight", (hidden, sizes.context), plain=True),
        *norm("token_embd_norm", hidden),
    ]
    for layer in range(sizes.layers):
        at = f"blk.{layer}."
        for name, columns, rows in (
            *((f"attn_{letter}", hidden, hidden) for letter in "qkv"),
            ("attn_output", hidden, hidden),
            ("ffn_up", hidden, sizes.ffn),
            ("ffn_down", sizes.ffn, hidden),
        ):
            tensors += [matrix(at + name, columns, rows), vector(at + name, rows, "bias")]
        tensors += [
            *norm(f"{at}attn_output_norm", hidden),
            *norm(f"{at}layer_output_norm", hidden),
        ]
    keys = basic(sizes) | {
        "attention.head_count": sizes.heads,
        "attention.layer_norm_epsilon": 1e-12,
        "attention.causal": False,
        "pooling_type": 1,
    }
    more = {"tokenizer.ggml.token_type_count": 2}
    return Blueprint("bert", keys, tuple(tensors), sizes, more)


_PLAIN = Sizes()
_MODELS: dict[str, tuple[Callable[[Sizes], Blueprint], Sizes]] = {
    "llama": (_llama, _PLAIN),
    "qwen2": (_qwen2, _PLAIN),
    "qwen3": (_qwen3, replace(_PLAIN, head=128)),
    "qwen3moe": (_qwen3moe, replace(_PLAIN, experts=8, experts_used=4, expert_ffn=192)),
    "mixtral": (_mixtral, replace(_PLAIN, experts=4, experts_used=2)),
    "gemma3": (_gemma3, replace(_PLAIN, layers=8, window=512)),
    "gemma4": (_gemma4, replace(_PLAIN, layers=8, window=512, period=4, shared=4)),
    "gemma3n": (_gemma3n, replace(_PLAIN, layers=25, window=512)),
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
