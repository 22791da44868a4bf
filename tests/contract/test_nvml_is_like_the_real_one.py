"""The fake of NVML's binding answers as the binding does.

What the binding offers is checked wherever it is installed. What a driver answers can be checked
only beside a GPU: elsewhere those tests are skipped, and say so.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import pynvml
import pytest

from stoker.core.units import GIB
from stoker.machine.gpus.nvidia import INTEGRATED, read_nvidia
from stoker.machine.memory import read_memory
from stoker.testing.nvml import GPU_IS_LOST, NOT_FOUND, NOT_SUPPORTED, FakeGpu, FakeNvml

ASKED = sorted(name for name in dir(FakeNvml) if name.startswith("nvml"))
GPUS = [
    FakeGpu(processes=[(1, GIB)]),
    FakeGpu(name="NVIDIA GB10", uuid="GPU-1", total=None, energy_mj=None),
]


def has_driver() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    pynvml.nvmlShutdown()
    return True


@pytest.fixture(params=["fake", "real"])
def nvml(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An open driver."""
    if request.param == "real" and not has_driver():
        pytest.skip("there is no NVIDIA driver here: the real one is not tried")
    module: Any = FakeNvml(GPUS) if request.param == "fake" else pynvml
    module.nvmlInit()
    yield module
    module.nvmlShutdown()


@pytest.mark.parametrize("name", ASKED)
def test_the_binding_has_what_the_fake_has_and_takes_the_same(name: str) -> None:
    fake = inspect.signature(getattr(FakeNvml, name))
    real = inspect.signature(getattr(pynvml, name))
    needed = [
        one.name for one in real.parameters.values() if one.default is inspect.Parameter.empty
    ]
    assert list(fake.parameters)[1:] == needed


def test_the_numbers_of_errors_are_the_bindings() -> None:
    assert pynvml.NVML_ERROR_NOT_SUPPORTED == NOT_SUPPORTED
    assert pynvml.NVML_ERROR_NOT_FOUND == NOT_FOUND
    assert pynvml.NVML_ERROR_GPU_IS_LOST == GPU_IS_LOST
    for number in (NOT_SUPPORTED, NOT_FOUND, GPU_IS_LOST):
        real, fake = pynvml.NVMLError(number), FakeNvml.NVMLError(number)
        assert isinstance(real, pynvml.NVMLError)
        assert (real.value, str(real)) == (fake.value, str(fake))


def test_a_driver_tells_its_version_and_its_gpus(nvml: Any) -> None:
    assert nvml.nvmlSystemGetDriverVersion()
    assert nvml.nvmlDeviceGetCount() >= 0
    with pytest.raises(nvml.NVMLError):
        nvml.nvmlDeviceGetHandleByIndex(nvml.nvmlDeviceGetCount())


def test_each_gpu_answers_in_kind(nvml: Any) -> None:
    for index in range(nvml.nvmlDeviceGetCount()):
        gpu = nvml.nvmlDeviceGetHandleByIndex(index)
        name = nvml.nvmlDeviceGetName(gpu)
        assert isinstance(name, str)
        assert isinstance(nvml.nvmlDeviceGetUUID(gpu), str)
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(gpu)
        assert major >= 1
        assert minor >= 0
        for process in nvml.nvmlDeviceGetComputeRunningProcesses(gpu):
            assert process.pid > 0
            assert process.usedGpuMemory is None or process.usedGpuMemory >= 0
        try:
            memory = nvml.nvmlDeviceGetMemoryInfo(gpu)
        except nvml.NVMLError as error:
            assert error.value == NOT_SUPPORTED  # noqa: PT017 - either outcome is right
            assert any(chip in name for chip in INTEGRATED)
        else:
            assert 0 <= memory.free <= memory.total


def test_each_gpu_tells_its_power_in_thousandths_or_not_at_all(nvml: Any) -> None:
    for index in range(nvml.nvmlDeviceGetCount()):
        gpu = nvml.nvmlDeviceGetHandleByIndex(index)
        for ask in (nvml.nvmlDeviceGetTotalEnergyConsumption, nvml.nvmlDeviceGetPowerUsage):
            try:
                told = ask(gpu)
            except nvml.NVMLError as error:
                assert error.value == NOT_SUPPORTED  # noqa: PT017 - either outcome is right
            else:
                assert isinstance(told, int)
                assert told >= 0


def test_a_machine_is_read_from_it(nvml: Any) -> None:
    answer = read_nvidia(read_memory(), None, nvml)
    assert answer.unread == ()
    for gpu in answer.gpus:
        assert 0 <= gpu.memory_free_bytes <= gpu.memory_total_bytes
        assert gpu.driver
        assert gpu.compute_capability.count(".") == 1
