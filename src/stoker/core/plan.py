"""How one model is to be run: the decision that planning makes and an engine executes.

What planning says about a plan (does it fit, how fast is it) is in `proposal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stoker.core.model import LocalModel

# The number formats that a KV cache may have, and their bytes for so many elements.
KV_GROUP = 32
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


class Verdict(StrEnum):
    """Whether a plan's memory is there."""

    FITS = "fits"
    TIGHT = "tight"  # it fits, and hardly anything is left for others
    DOES_NOT_FIT_NOW = "does_not_fit_now"  # it would if others gave back what they have
    CAN_NEVER_FIT = "can_never_fit"

    @property
    def usable(self) -> bool:
        """Whether it can be loaded now."""
        return self in {Verdict.FITS, Verdict.TIGHT}


class DeviceKind(StrEnum):
    """What computes."""

    CPU = "cpu"
    GPU = "gpu"
    SPLIT = "split"  # the last layers on GPUs, the others on the processor


@dataclass(frozen=True, slots=True)
class GpuShare:
    """So many of a plan's layers on the GPU of that place."""

    gpu: int
    layers: int


@dataclass(frozen=True, slots=True)
class Device:
    """Where a plan's layers run: so many of `layers` on the GPU of that place and name.

    Of several GPUs `gpu` is the first, `gpu_layers` are those of all, `name` is of all together,
    and `shares` has each.
    """

    kind: DeviceKind = DeviceKind.CPU
    layers: int = 0
    gpu: int | None = None
    gpu_layers: int = 0
    name: str = ""
    shares: tuple[GpuShare, ...] = ()
