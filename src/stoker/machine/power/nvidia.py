"""The power meters of NVIDIA's GPUs, asked through NVML.

Owns what NVML's answers mean. A driver is opened once and asked many times: opening takes long.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stoker.machine.gpus.nvidia import GPUS_MAX, binding, text_of
from stoker.machine.power.counting import Count, Meter, Sees

Told = tuple[tuple[Count, ...], tuple[str, ...]]


@contextmanager
def nvidia_meters(nvml: Any = None) -> Iterator[Callable[[], Told]]:
    """What reads every GPU's meter, with why others cannot be read, while the driver is open.

    Without a driver there are no GPUs. All of them count, also those that nobody may compute on:
    the machine draws their power too. `nvml` is as for `stoker.machine.gpus.nvidia.read_nvidia`.
    """
    module = binding() if nvml is None else nvml
    if module is None:
        yield lambda: ((), ())
        return
    try:
        module.nvmlInit()
    except module.NVMLError as error:
        reason = str(error)
        yield lambda: ((), (reason,))
        return
    try:
        yield lambda: _read(module)
    finally:
        with contextlib.suppress(module.NVMLError):
            module.nvmlShutdown()


def _read(nvml: Any) -> Told:
    counts: list[Count] = []
    unread: list[str] = []
    for index in range(_gpus(nvml)):
        try:
            counts.append(_count(nvml, index))
        except nvml.NVMLError as error:
            unread.append(f"GPU {index}: {error}")
    return tuple(counts), tuple(unread)


def _gpus(nvml: Any) -> int:
    try:
        return min(int(nvml.nvmlDeviceGetCount()), GPUS_MAX)
    except nvml.NVMLError:
        return 0


def _count(nvml: Any, index: int) -> Count:
    """Millijoules since the driver was loaded; of older GPUs milliwatts now."""
    gpu = nvml.nvmlDeviceGetHandleByIndex(index)
    meter = Meter(Sees.GPU, f"GPU {index} ({text_of(nvml.nvmlDeviceGetName(gpu))})")
    try:
        return Count(meter, energy_uj=int(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu)) * 1000)
    except nvml.NVMLError:
        return Count(meter, watts=int(nvml.nvmlDeviceGetPowerUsage(gpu)) / 1000)
