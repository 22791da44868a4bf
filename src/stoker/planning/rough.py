"""A first, rough estimate of how catalogue models would run on a machine, for advice alone.

Wide on purpose, and replaced by the exact count of memory and the fitted speeds where a plan is
made. A speed whose figures nobody has stays unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from stoker.core.advice import LocalOption
from stoker.core.estimate import Interval
from stoker.core.judgement import Judgement
from stoker.core.machine import Gpu, Machine
from stoker.core.needs import Needs
from stoker.core.plan import Verdict
from stoker.core.units import MIB
from stoker.planning.catalogue import Entry

# What a program needs besides weights and KV cache.
PROCESS_BYTES = 512 * MIB
WEIGHTS_FACTOR = 1.05
TIGHT = 0.85
# The share of the memory's bandwidth that decode reaches: of the published figures of Llama-3-8B
# in 4 bits the least is 0.44 (M1 Max) and the most 0.80 (RTX 3070).
BANDWIDTH_SHARE = (0.4, 0.65, 0.85)
# The share of the measured matrix throughput that prefill reaches.
MATMUL_SHARE = (0.35, 0.6, 0.9)
# What several answers at a time give together: at worst as much as one, at best each as much as
# one alone; in the middle the 0.6th power. More than 16 add nothing here.
CONCURRENT_POWERS = (0.0, 0.6, 1.0)
CONCURRENT_MOST = 16


def estimate_roughly(
    catalogue: Sequence[Entry], needs: Needs, machine: Machine, judgement: Judgement
) -> tuple[LocalOption, ...]:
    """Each model of `catalogue` on `machine` for the context and concurrency of `needs`."""
    return tuple(_option(entry, needs, machine, judgement) for entry in catalogue)


def _option(entry: Entry, needs: Needs, machine: Machine, judgement: Judgement) -> LocalOption:
    prompt = needs.prompt_tokens or judgement.prompt_tokens
    context = needs.context or max(
        judgement.context, prompt + (needs.answer_tokens or judgement.answer_tokens)
    )
    kv = entry.shape.kv_bytes(context)
    memory = int(entry.weights_bytes * WEIGHTS_FACTOR) + kv * needs.concurrency + PROCESS_BYTES
    gpu = _gpu_for(memory, machine)
    alone = decode_speed(entry.active_bytes + kv / 2, _bandwidth(gpu, machine))
    prefill = prefill_speed(entry.shape.parameters_active, machine)
    all_together = alone and together(alone, needs.concurrency)
    return LocalOption(
        name=entry.shape.name,
        quantization=entry.quantization,
        tier=entry.tier,
        memory_bytes=memory,
        fit=_fit(memory, machine, gpu),
        device="cpu" if gpu is None else "gpu",
        stream_tok_s=all_together and all_together.scaled(1 / needs.concurrency),
        total_tok_s=all_together,
        prefill_tok_s=prefill,
        ttft_s=prefill and prefill.inverse().scaled(prompt),
    )


def _gpu_for(memory_bytes: int, machine: Machine) -> Gpu | None:
    """The GPU that holds the whole model: splitting it is the plan's business."""
    for gpu in machine.gpus:
        free = machine.memory_available_bytes if gpu.integrated else gpu.memory_free_bytes
        if memory_bytes <= free:
            return gpu
    return None


def _fit(memory_bytes: int, machine: Machine, gpu: Gpu | None) -> Verdict:
    free = machine.memory_available_bytes
    if gpu is not None and not gpu.integrated:
        free = gpu.memory_free_bytes
    if memory_bytes <= free:
        return Verdict.FITS if memory_bytes <= TIGHT * free else Verdict.TIGHT
    totals = (machine.memory_total_bytes, *(one.memory_total_bytes for one in machine.gpus))
    return Verdict.DOES_NOT_FIT_NOW if memory_bytes <= max(totals) else Verdict.CAN_NEVER_FIT


def _bandwidth(gpu: Gpu | None, machine: Machine) -> float | None:
    return machine.measured.read_bytes_s_all if gpu is None else gpu.bandwidth_bytes_s


def decode_speed(bytes_per_token: float, bandwidth: float | None) -> Interval | None:
    """Tokens a second of one answer that reads so many bytes for each; None without a bandwidth."""
    if bandwidth is None:
        return None
    return Interval(*(share * bandwidth / bytes_per_token for share in BANDWIDTH_SHARE))


def together(alone: Interval, concurrency: int) -> Interval:
    """Tokens a second of several answers at a time, from those of one `alone`."""
    streams = min(concurrency, CONCURRENT_MOST)
    low, middle, high = (float(streams) ** power for power in CONCURRENT_POWERS)
    return Interval(alone.p10 * low, alone.p50 * middle, alone.p90 * high)


def prefill_speed(parameters_active: int, machine: Machine) -> Interval | None:
    """Two operations for each parameter and token, at the best throughput that was measured."""
    if not machine.measured.matmul_ops_s:
        return None
    ops_s = max(speed for _, speed in machine.measured.matmul_ops_s)
    return Interval(*(share * ops_s / (2 * parameters_active) for share in MATMUL_SHARE))
