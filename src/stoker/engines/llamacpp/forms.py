"""The forms of the engine's C interface that counting memory needs, and what their defaults are.

They belong to the pinned build: who uses them checks the defaults first. Imported by the counting
child alone.
"""

from __future__ import annotations

import ctypes
from typing import Any

_INT, _UINT, _POINTER = ctypes.c_int32, ctypes.c_uint32, ctypes.c_void_p
_FLOAT, _BOOL, _SIZE = ctypes.c_float, ctypes.c_bool, ctypes.c_size_t
# Behind each struct some room, as large as a newer build might fill.
_ROOM = ("room", ctypes.c_uint8 * 64)


class ModelParams(ctypes.Structure):
    """How a model is loaded."""

    _fields_ = (
        ("devices", _POINTER),
        ("tensor_buft_overrides", _POINTER),
        ("n_gpu_layers", _INT),
        ("split_mode", _INT),
        ("load_mode", _INT),
        ("lazy_mode", _INT),
        ("main_gpu", _INT),
        ("tensor_split", _POINTER),
        ("progress_callback", _POINTER),
        ("progress_callback_user_data", _POINTER),
        ("kv_overrides", _POINTER),
        ("vocab_only", _BOOL),
        ("check_tensors", _BOOL),
        ("use_extra_bufts", _BOOL),
        ("no_host", _BOOL),
        ("no_alloc", _BOOL),
        ("load_mtp", _BOOL),
        _ROOM,
    )


class ContextParams(ctypes.Structure):
    """How a context is made."""

    _fields_ = (
        ("n_ctx", _UINT),
        ("n_batch", _UINT),
        ("n_ubatch", _UINT),
        ("n_seq_max", _UINT),
        ("n_rs_seq", _UINT),
        ("n_outputs_max", _UINT),
        ("n_outputs_max_per_seq", _UINT),
        ("n_threads", _INT),
        ("n_threads_batch", _INT),
        ("ctx_type", _INT),
        ("rope_scaling_type", _INT),
        ("pooling_type", _INT),
        ("attention_type", _INT),
        ("flash_attn_type", _INT),
        ("rope_freq_base", _FLOAT),
        ("rope_freq_scale", _FLOAT),
        ("yarn_ext_factor", _FLOAT),
        ("yarn_attn_factor", _FLOAT),
        ("yarn_beta_fast", _FLOAT),
        ("yarn_beta_slow", _FLOAT),
        ("yarn_orig_ctx", _UINT),
        ("defrag_thold", _FLOAT),
        ("cb_eval", _POINTER),
        ("cb_eval_user_data", _POINTER),
        ("type_k", _INT),
        ("type_v", _INT),
        ("moe_cache_size", _SIZE),
        ("abort_callback", _POINTER),
        ("abort_callback_data", _POINTER),
        ("embeddings", _BOOL),
        ("offload_kqv", _BOOL),
        ("no_perf", _BOOL),
        ("op_offload", _BOOL),
        ("swa_full", _BOOL),
        ("kv_unified", _BOOL),
        ("samplers", _POINTER),
        ("n_samplers", _SIZE),
        ("ctx_other", _POINTER),
        _ROOM,
    )


class Map(ctypes.Structure):
    """`std::map` of libstdc++: a comparison, the tree's head, and how many there are."""

    _fields_ = (
        ("compare", _POINTER),
        ("colour", _POINTER),
        ("root", _POINTER),
        ("first", _POINTER),
        ("last", _POINTER),
        ("count", _SIZE),
    )


class Node(ctypes.Structure):
    """One node of that tree: a kind of buffer and its bytes."""

    _fields_ = (
        ("colour", _POINTER),
        ("parent", _POINTER),
        ("left", _POINTER),
        ("right", _POINTER),
        ("kind", _POINTER),
        ("model", _SIZE),
        ("context", _SIZE),
        ("compute", _SIZE),
    )


# What the defaults are; every field that is not here is 0.
MODEL_DEFAULTS = {
    "n_gpu_layers": -1,
    "split_mode": 1,
    "load_mode": -1,
    "lazy_mode": 1,
    "use_extra_bufts": True,
}
CONTEXT_DEFAULTS = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "n_outputs_max_per_seq": 1,
    "n_threads": 4,
    "n_threads_batch": 4,
    "rope_scaling_type": -1,
    "pooling_type": -1,
    "attention_type": -1,
    "flash_attn_type": -1,
    "yarn_ext_factor": -1.0,
    "yarn_attn_factor": -1.0,
    "yarn_beta_fast": -1.0,
    "yarn_beta_slow": -1.0,
    "defrag_thold": -1.0,
    "type_k": 1,
    "type_v": 1,
    "offload_kqv": True,
    "no_perf": True,
    "op_offload": True,
    "swa_full": True,
}

LogCallback = ctypes.CFUNCTYPE(None, _INT, ctypes.c_char_p, _POINTER)
BREAKDOWN = "_Z26llama_get_memory_breakdownPK13llama_context"
# Result, then arguments.
SIGNATURES: dict[str, tuple[Any, ...]] = {
    "llama_log_set": (None, LogCallback, _POINTER),
    "llama_backend_init": (None,),
    "llama_model_default_params": (ModelParams,),
    "llama_context_default_params": (ContextParams,),
    "llama_model_load_from_file": (_POINTER, ctypes.c_char_p, ModelParams),
    "llama_init_from_model": (_POINTER, _POINTER, ContextParams),
    "llama_n_ctx": (_UINT, _POINTER),
    "llama_n_batch": (_UINT, _POINTER),
    "llama_n_ubatch": (_UINT, _POINTER),
    "llama_n_seq_max": (_UINT, _POINTER),
    BREAKDOWN: (Map, _POINTER),
    "ggml_backend_buft_name": (ctypes.c_char_p, _POINTER),
    "ggml_backend_buft_is_host": (_BOOL, _POINTER),
    "ggml_backend_buft_get_device": (_POINTER, _POINTER),
    "ggml_backend_dev_count": (_SIZE,),
    "ggml_backend_dev_get": (_POINTER, _SIZE),
    "ggml_backend_dev_type": (_INT, _POINTER),
}
