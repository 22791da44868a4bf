"""NVIDIA's GPUs, asked of the driver through NVML.

Owns what NVML's answers mean. Its Python binding is imported only where the driver's library is
there; a test hands in a fake one (`stoker.testing.nvml`).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from stoker.core.machine import Backend, Gpu
from stoker.machine.gpus.visible import visible_indices
from stoker.machine.memory import Memory

# Chips whose GPU works in the processor's own memory; NVML has no figure for it.
INTEGRATED = ("GB10", "Thor", "Orin", "Xavier", "Tegra")
GPUS_MAX = 64


@dataclass(frozen=True, slots=True)
class Answer:
    """The GPUs that NVML told of, and why it told nothing of others."""

    gpus: tuple[Gpu, ...] = ()
    unread: tuple[str, ...] = ()


def read_nvidia(memory: Memory, visible: str | None = None, nvml: Any = None) -> Answer:
    """The GPUs that NVML lists and `visible` (as CUDA_VISIBLE_DEVICES writes it) lets be used.

    `memory` is the machine's, which an integrated GPU shares. `nvml` is the binding's module, or
    None to look for a driver; without one there are no GPUs. A partitioned GPU is given by its
    partitions.
    """
    module = binding() if nvml is None else nvml
    if module is None:
        return Answer()
    try:
        module.nvmlInit()
    except module.NVMLError as error:
        return Answer(unread=(str(error),))
    try:
        return _Asking(module, memory).all(visible)
    except module.NVMLError as error:
        return Answer(unread=(str(error),))
    finally:
        with contextlib.suppress(module.NVMLError):
            module.nvmlShutdown()


def binding() -> Any:
    """NVML's Python binding, None where the driver's library is not installed."""
    try:
        ctypes.CDLL("nvml.dll" if sys.platform == "win32" else "libnvidia-ml.so.1")
    except OSError:
        return None
    return import_module("pynvml")


class _Asking:
    """One round of questions to `nvml`, which has been opened."""

    def __init__(self, nvml: Any, memory: Memory) -> None:
        self._nvml = nvml
        self._memory = memory
        self._driver = text_of(nvml.nvmlSystemGetDriverVersion())
        self._unread: list[str] = []

    def all(self, visible: str | None) -> Answer:
        """Every GPU, or partition of one, that is visible; a broken one hides no other."""
        units = list(self._units())
        uuids = [
            text_of(self._asked(self._nvml.nvmlDeviceGetUUID, unit) or "") for unit, _ in units
        ]
        chosen = (units[index] for index in visible_indices(visible, uuids))
        gpus = [self._gpu(unit, parent) for unit, parent in chosen]
        return Answer(tuple(gpu for gpu in gpus if gpu is not None), tuple(self._unread))

    def _units(self) -> Iterator[tuple[Any, Any]]:
        """Each GPU with itself, or its partitions (MIG) with it, where those are switched on."""
        for index in range(min(self._nvml.nvmlDeviceGetCount(), GPUS_MAX)):
            try:
                parent = self._nvml.nvmlDeviceGetHandleByIndex(index)
            except self._nvml.NVMLError as error:
                self._unread.append(f"GPU {index}: {error}")
                continue
            mode = self._asked(self._nvml.nvmlDeviceGetMigMode, parent)
            for unit in self._partitions(parent) if mode and mode[0] else (parent,):
                yield unit, parent

    def _partitions(self, parent: Any) -> Iterator[Any]:
        places = self._asked(self._nvml.nvmlDeviceGetMaxMigDeviceCount, parent) or 0
        for index in range(min(places, GPUS_MAX)):
            unit = self._asked(self._nvml.nvmlDeviceGetMigDeviceHandleByIndex, parent, index)
            if unit is not None:  # a place may hold no partition
                yield unit

    def _gpu(self, unit: Any, parent: Any) -> Gpu | None:
        name = text_of(self._asked(self._nvml.nvmlDeviceGetName, unit) or "NVIDIA GPU")
        integrated = any(chip in name for chip in INTEGRATED)
        sizes = self._shared(unit) if integrated else self._own(unit)
        if sizes is None:
            self._unread.append(f"{name} does not tell its memory")
            return None
        total, free, others = sizes
        capability = self._asked(self._nvml.nvmlDeviceGetCudaComputeCapability, parent)
        return Gpu(
            name=name,
            backend=Backend.CUDA,
            memory_total_bytes=total,
            memory_free_bytes=free,
            others_bytes=others,
            driver=self._driver,
            compute_capability="{}.{}".format(*capability) if capability else "",
            integrated=integrated,
        )

    def _own(self, unit: Any) -> tuple[int, int, int | None] | None:
        held = self._asked(self._nvml.nvmlDeviceGetMemoryInfo, unit)
        if held is None or not held.total:
            return None
        others = self._others_bytes(unit)
        return int(held.total), int(held.free), int(held.used) if others is None else others

    def _shared(self, unit: Any) -> tuple[int, int, int | None]:
        memory = self._memory
        return memory.total_bytes, memory.available_bytes, self._others_bytes(unit)

    def _others_bytes(self, unit: Any) -> int | None:
        """What other processes hold; None where the driver does not say, or shows us none.

        In a container the list is empty although memory is taken: the caller counts all of it.
        """
        held: dict[int, int] = {}
        for ask in (
            self._nvml.nvmlDeviceGetComputeRunningProcesses,
            self._nvml.nvmlDeviceGetGraphicsRunningProcesses,
        ):
            for process in self._asked(ask, unit) or ():
                if process.usedGpuMemory is None:
                    return None
                # Who computes and draws is listed twice, each time with all that it holds.
                held[process.pid] = max(held.get(process.pid, 0), int(process.usedGpuMemory))
        held.pop(os.getpid(), None)
        return sum(held.values()) or None

    def _asked(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """The answer; None where this GPU does not support the question."""
        try:
            return ask(*arguments)
        except self._nvml.NVMLError:
            return None


def text_of(value: str | bytes) -> str:
    """A name as text: older bindings give bytes."""
    return value.decode(errors="replace") if isinstance(value, bytes) else value
