"""How one model is to be run: the decision that planning makes and an engine executes."""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.model import LocalModel

# The number formats that a KV cache may have, and their bytes for 32 elements.
KV_TYPES = {"f32": 128, "f16": 64, "bf16": 64, "q8_0": 34, "q5_1": 24, "q5_0": 22, "q4_1": 20} | {
    "q4_0": 18,
    "iq4_nl": 18,
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run one model. Sizes in bytes, lengths in tokens.

    `context` is the length of each slot's context; the engine reserves `slots` of them.
    `batch` and `micro_batch` bound one prefill step (logical and physical).
    `prompt_cache_bytes` is what the engine may keep of past prompts outside the KV cache.
    `repack` rewrites the weights at load for speed; the file is then read, not mapped.
    `kv_type` is the number format of the KV cache, one of `KV_TYPES`.
    """

    model: LocalModel
    engine: str
    context: int
    slots: int
    threads: int
    batch: int = 2048
    micro_batch: int = 512
    prompt_cache_bytes: int = 0
    checkpoints: int = 2
    repack: bool = True
    kv_type: str = "f16"
