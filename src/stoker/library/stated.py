"""Speeds of machines that nobody calibrated: makers' figures and published speeds together.

Brings together what `machine` knows of devices, `published` of speeds, and what `planning` makes of
both.
"""

from __future__ import annotations

from functools import cache

from stoker.core.machine import Gpu, Machine
from stoker.core.published import ModelShape, PublishedSpeed
from stoker.machine.data_sheets import gpu_bandwidth_bytes_s
from stoker.machine.presets import find_preset
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.planning.speed.shape_work import work_of_shape
from stoker.planning.speed.stated import PROCESSOR, Device, Shares, Stated, Told, fit_shares
from stoker.planning.speed.work import Work
from stoker.published.devices import load_compute, load_hardware
from stoker.published.figures import load_losses, load_shapes, load_speeds

# Published tests write or read so many tokens where their names do not say it.
_TOKENS = 512
# What is the same architecture under another name.
_SAME = {"Llama-3-8B": "Llama-3.1-8B"}


def stated_basis(machine: Machine, gpu: int | None = None) -> Stated | None:
    """What tells the speeds of `machine`'s GPU of that number, or of its processor.

    None where its maker's bandwidth is not known, or no speed of its kind was published.
    """
    device = gpu_device(machine.gpus[gpu]) if gpu is not None else processor(machine)
    if device is None:
        return None
    shares = _shares(device.backend)
    return Stated(device, shares) if shares.decode.terms else None


def gpu_device(gpu: Gpu) -> Device | None:
    """`gpu` by its maker's figures; None where its bandwidth is not known."""
    bandwidth = gpu.bandwidth_bytes_s or gpu_bandwidth_bytes_s(gpu)
    if bandwidth is None:
        return None
    return Device(gpu.backend.value, bandwidth, load_compute().get(gpu.name))


def processor(machine: Machine) -> Device | None:
    """`machine`'s processor; None where the bandwidth of its memory is neither stated nor measured.

    Of a machine whose bandwidth was measured that figure counts: makers' are hardly reached.
    """
    bandwidth = machine.memory_peak_bytes_s or machine.measured.read_bytes_s_all
    if bandwidth is None:
        return None
    return Device(PROCESSOR, bandwidth, threads=machine.performance_cores)


@cache
def published_told() -> tuple[Told, ...]:
    """The published speeds whose model and machine are known here."""
    shapes = {shape.name: shape for shape in load_shapes()}
    found = (_told(row, shapes) for row in load_speeds())
    return tuple(one for one in found if one is not None)


@cache
def _shares(backend: str) -> Shares:
    return fit_shares(published_told(), backend)


def _told(row: PublishedSpeed, shapes: dict[str, ModelShape]) -> Told | None:
    shape = shapes.get(_SAME.get(row.model, row.model))
    preset = load_hardware().get(row.hardware)
    if shape is None or preset is None:
        return None
    machine = find_preset(preset).machine
    device = gpu_device(machine.gpus[0]) if row.backend != PROCESSOR else processor(machine)
    if device is None:
        return None
    if row.threads:
        device = Device(device.backend, device.bandwidth_bytes_s, device.ops_s, row.threads)
    tokens = int(row.metric[2:] or _TOKENS)
    prompt = row.metric.startswith("pp")
    work = _work(shape, row.quantization)
    return Told(row.hardware, device, work, prompt, tokens / 2, 1.0 / row.tok_s)


def _work(shape: ModelShape, quantization: str) -> Work:
    kind = quantization.removesuffix("_M").removesuffix("_S")
    kind = quantization if quantization in _TYPES else kind
    stored = _TYPES[kind]
    published = [
        row.bits_per_weight
        for row in load_losses()
        if row.quantization == quantization and row.bits_per_weight
    ]
    bits = published[0] if published else 8 * stored.block_bytes / stored.block
    return work_of_shape(shape, kind, bits)


_TYPES = {one.name: one for one in TENSOR_TYPES.values()}
