"""What tells speeds of machines that nobody calibrated: published figures, else bandwidth alone.

Brings together what `machine` knows of devices, `published` of speeds, and what `planning` makes of
both.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

from stoker.core.machine import Gpu, Machine
from stoker.core.published import ModelShape, PublishedSpeed
from stoker.machine.gpus.data_sheets import find_sheet, gpu_bandwidth_bytes_s
from stoker.machine.presets import find_preset
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.planning.proposal.well_known import facts_of_shape
from stoker.planning.speed.estimate import Basis
from stoker.planning.speed.published import (
    PROCESSOR,
    Published,
    PublishedPoint,
    RatedDevice,
    Shares,
    fit_shares,
)
from stoker.planning.speed.rough import Rough
from stoker.planning.speed.work import Work, work_of
from stoker.published.devices import load_compute, load_hardware
from stoker.published.figures import load_losses, load_shapes, load_speeds

# Published tests write or read so many tokens where their names do not say it.
_TOKENS = 512
# What is the same architecture under another name.
_SAME = {"Llama-3-8B": "Llama-3.1-8B", "Llama-3-70B": "Llama-3.1-70B"}


def uncalibrated_bases(machine: Machine, threads: int, gpu: int | None = None) -> tuple[Basis, ...]:
    """What tells the speeds of `machine`'s GPU of that number, else of its processor, in order.

    Makers' figures with published speeds, where both are known; last a rough guess.
    """
    if gpu is None:
        device, ops_s = processor(machine, threads), _measured_ops_s(machine, threads)
    else:
        card = machine.gpus[gpu]
        device, ops_s = gpu_device(card), load_compute().get(card.name)
    bandwidth = None if device is None else device.bandwidth_bytes_s
    rough = Rough(bandwidth, ops_s, threads if gpu is None else None)
    published = published_basis(device)
    return (rough,) if published is None else (published, rough)


def published_basis(device: RatedDevice | None) -> Published | None:
    """Makers' figures of `device` with the speeds that were published of its kind; None without."""
    if device is None:
        return None
    shares = _shares(device.backend)
    return Published(device, shares) if shares.decode.terms else None


def gpu_device(gpu: Gpu) -> RatedDevice | None:
    """`gpu` by its maker's figures; None where its bandwidth is not known."""
    bandwidth = gpu.bandwidth_bytes_s or gpu_bandwidth_bytes_s(gpu)
    if not bandwidth:
        return None
    return RatedDevice(gpu.backend.value, bandwidth, load_compute().get(gpu.name))


def _listed(name: str) -> RatedDevice | None:
    """The GPU that makers list by `name`."""
    sheet = find_sheet(name)
    if sheet is None:
        return None
    return RatedDevice(sheet.backend.value, sheet.bandwidth_bytes_s, load_compute().get(name))


def processor(machine: Machine, threads: int | None = None) -> RatedDevice | None:
    """`machine`'s processor with so many threads, or one for each performance core.

    None where the bandwidth of its memory is neither stated nor measured. A maker's figure goes
    before one that was measured, for published speeds are held against makers' figures.
    """
    threads, measured = threads or machine.performance_cores, machine.measured
    alone = measured.read_bytes_s_one if threads == 1 else None
    stated = machine.memory_peak_bytes_s
    bandwidth = stated or alone or measured.read_bytes_s_all
    if not bandwidth:
        return None
    return RatedDevice(PROCESSOR, bandwidth, threads=threads, is_measured=not stated)


def _measured_ops_s(machine: Machine, threads: int) -> float | None:
    """The best throughput of matrices, measured with the performance cores, for so many threads."""
    best = max((speed for _, speed in machine.measured.matmul_ops_s), default=None)
    return best * min(threads / machine.performance_cores, 1.0) if best else None


@cache
def published_points() -> tuple[PublishedPoint, ...]:
    """The published speeds whose model and machine are known here."""
    shapes = {shape.name: shape for shape in load_shapes()}
    found = (_point(row, shapes) for row in load_speeds())
    return tuple(one for one in found if one is not None)


@cache
def _shares(backend: str) -> Shares:
    """Of `backend`; a GPU's of which nobody published speeds are lent by the one with the most."""
    own = fit_shares(published_points(), backend)
    if own.decode.terms or backend == PROCESSOR:
        return own
    others = Counter(one.device.backend for one in published_points())
    del others[PROCESSOR]
    lender = max(others, key=lambda name: others[name], default="")
    return replace(fit_shares(published_points(), lender), lender=lender)


def _point(row: PublishedSpeed, shapes: dict[str, ModelShape]) -> PublishedPoint | None:
    shape, name = shapes.get(_SAME.get(row.model, row.model)), load_hardware().get(row.hardware)
    if shape is None or name is None:
        return None
    if row.backend == PROCESSOR:
        device = processor(find_preset(name).machine, row.threads)
    else:
        device = _listed(name)
    if device is None:
        return None
    tokens = int(row.metric[2:] or _TOKENS)
    prompt = row.metric.startswith("pp")
    work = _work(shape, row.quantization)
    return PublishedPoint(row.hardware, device, work, prompt, tokens / 2, 1.0 / row.tok_s)


def _work(shape: ModelShape, quantization: str) -> Work:
    """Mixtures count as the format that most of their weights have, at the mixture's bits."""
    kind = quantization.removesuffix("_M").removesuffix("_S")
    kind = quantization if quantization in _TYPES else kind
    stored = _TYPES[kind]
    published = [
        row.bits_per_weight
        for row in load_losses()
        if row.quantization == quantization and row.bits_per_weight
    ]
    bits = published[0] if published else 8 * stored.block_bytes / stored.block
    return work_of(facts_of_shape(shape, kind, round(shape.parameters * bits / 8)))


_TYPES = {one.name: one for one in TENSOR_TYPES.values()}
