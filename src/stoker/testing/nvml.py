"""A driver that is not there: NVML's Python binding, as far as Stoker asks it, over made-up GPUs.

Pass one where `stoker.machine.gpus.nvidia.read_nvidia` takes `nvml`. A contract suite holds its
functions, their arguments and their answers to the real binding's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

NOT_SUPPORTED, NOT_FOUND, GPU_IS_LOST = 3, 6, 15
_WORDS = {NOT_SUPPORTED: "Not Supported", NOT_FOUND: "Not Found", GPU_IS_LOST: "GPU is lost"}


class NVMLError(Exception):
    """What the binding raises; `value` is NVML's number."""

    def __init__(self, value: int) -> None:
        super().__init__(_WORDS.get(value, f"NVML Error with code {value}"))
        self.value = value


@dataclass
class FakeGpu:
    """One GPU, or one partition of one; sizes in bytes.

    `total` None is a GPU that does not tell its memory. `processes` are pairs of a process id and
    what it holds (None where the driver does not say). With `partitions` the GPU is split.
    `energy_mj` is what it drew since the driver was loaded, and `power_mw` what it draws, in
    thousandths; None where it does not tell. A GPU that is `lost` answers nothing.
    """

    name: str = "NVIDIA GeForce RTX 4090"
    uuid: str = "GPU-0"
    total: int | None = 24 << 30
    used: int = 1 << 30
    capability: tuple[int, int] = (8, 9)
    processes: Sequence[tuple[int, int | None]] = ()
    partitions: Sequence[FakeGpu | None] = ()
    energy_mj: int | None = 5_000_000
    power_mw: int | None = 60_000
    lost: bool = False


@dataclass
class FakeNvml:
    """The binding's module: `gpus` in the driver's order; `broken` is the error of opening it."""

    gpus: Sequence[FakeGpu] = ()
    driver: str = "560.35"
    broken: int | None = None
    opened: int = field(default=0, init=False)
    NVMLError = NVMLError

    def nvmlInit(self) -> None:  # noqa: N802 - the binding's names
        """Open the driver."""
        if self.broken is not None:
            raise NVMLError(self.broken)
        self.opened += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        """Close it."""
        self.opened -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        """The driver's version."""
        return self.driver

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """How many GPUs there are."""
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:  # noqa: N802
        """One GPU."""
        if not 0 <= index < len(self.gpus):
            raise NVMLError(NOT_FOUND)
        return self._answering(self.gpus[index])

    def nvmlDeviceGetName(self, handle: FakeGpu) -> str:  # noqa: N802
        """Its name."""
        return self._answering(handle).name

    def nvmlDeviceGetUUID(self, handle: FakeGpu) -> str:  # noqa: N802
        """Its identity."""
        return self._answering(handle).uuid

    def nvmlDeviceGetMemoryInfo(self, handle: FakeGpu) -> SimpleNamespace:  # noqa: N802
        """Its memory."""
        total = self._answering(handle).total
        if total is None:
            raise NVMLError(NOT_SUPPORTED)
        return SimpleNamespace(total=total, free=total - handle.used, used=handle.used)

    def nvmlDeviceGetCudaComputeCapability(self, handle: FakeGpu) -> tuple[int, int]:  # noqa: N802
        """What generation it is."""
        return self._answering(handle).capability

    def nvmlDeviceGetComputeRunningProcesses(self, handle: FakeGpu) -> list[SimpleNamespace]:  # noqa: N802
        """Who computes on it."""
        return [
            SimpleNamespace(pid=pid, usedGpuMemory=held)
            for pid, held in self._answering(handle).processes
        ]

    def nvmlDeviceGetGraphicsRunningProcesses(self, handle: FakeGpu) -> list[SimpleNamespace]:  # noqa: N802
        """Who draws on it: the same, as far as a fake goes."""
        return self.nvmlDeviceGetComputeRunningProcesses(handle)

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: FakeGpu) -> int:  # noqa: N802
        """What it drew so far."""
        return _told(self._answering(handle).energy_mj)

    def nvmlDeviceGetPowerUsage(self, handle: FakeGpu) -> int:  # noqa: N802
        """What it draws now."""
        return _told(self._answering(handle).power_mw)

    def nvmlDeviceGetMigMode(self, device: FakeGpu) -> list[int]:  # noqa: N802
        """Whether it is split, now and after the next start."""
        split = int(bool(self._answering(device).partitions))
        return [split, split]

    def nvmlDeviceGetMaxMigDeviceCount(self, device: FakeGpu) -> int:  # noqa: N802
        """How many partitions it could have."""
        return len(self._answering(device).partitions)

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: FakeGpu, index: int) -> FakeGpu:  # noqa: N802
        """One partition."""
        found = self._answering(device).partitions[index]
        if found is None:
            raise NVMLError(NOT_FOUND)
        return found

    @staticmethod
    def _answering(gpu: FakeGpu) -> FakeGpu:
        if gpu.lost:
            raise NVMLError(GPU_IS_LOST)
        return gpu


def _told(value: int | None) -> int:
    if value is None:
        raise NVMLError(NOT_SUPPORTED)
    return value
