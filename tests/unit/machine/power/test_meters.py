"""All meters are read together: the processor's from files, GPUs' through an opened driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from stoker.machine.power.counting import Count, Meter, Sees
from stoker.machine.power.meters import meters_now, open_meters
from stoker.machine.power.nvidia import nvidia_meters
from stoker.machine.system_files import Roots
from stoker.testing.nvml import GPU_IS_LOST, NOT_FOUND, FakeGpu, FakeNvml

Plant = Callable[[Mapping[str, str]], Roots]
PACKAGE = {
    "sys/class/powercap/intel-rapl:0/name": "package-0",
    "sys/class/powercap/intel-rapl:0/energy_uj": "12000000",
    "sys/class/powercap/intel-rapl:0/max_energy_range_uj": "262143328850",
}


def gpu_counts(*gpus: FakeGpu) -> tuple[tuple[Count, ...], tuple[str, ...]]:
    nvml = FakeNvml(gpus)
    with nvidia_meters(nvml) as read:
        found = read()
        assert nvml.opened == 1
    assert nvml.opened == 0
    return found


def test_a_gpu_counts_its_energy() -> None:
    meter = Meter(Sees.GPU, "GPU 0 (NVIDIA GeForce RTX 4090)")
    assert gpu_counts(FakeGpu(energy_mj=7_000)) == ((Count(meter, energy_uj=7_000_000),), ())


def test_an_older_gpu_tells_its_power_now() -> None:
    (count,), _ = gpu_counts(FakeGpu(energy_mj=None, power_mw=61_500))
    assert (count.energy_uj, count.watts) == (None, 61.5)


def test_a_gpu_that_tells_nothing_is_named_and_hides_no_other() -> None:
    counts, unread = gpu_counts(
        FakeGpu(energy_mj=None, power_mw=None), FakeGpu(lost=True), FakeGpu(name="Other")
    )
    assert [count.meter.name for count in counts] == ["GPU 2 (Other)"]
    assert unread == ("GPU 0: Not Supported", "GPU 1: GPU is lost")


@pytest.mark.parametrize("broken", [GPU_IS_LOST, NOT_FOUND])
def test_a_driver_that_cannot_be_opened_is_a_reason(broken: int) -> None:
    with nvidia_meters(FakeNvml([FakeGpu()], broken=broken)) as read:
        counts, unread = read()
    assert counts == ()
    assert len(unread) == 1


def test_without_a_driver_there_are_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stoker.machine.power.nvidia.binding", lambda: None)
    with nvidia_meters() as read:
        assert read() == ((), ())


def test_a_reading_has_every_meter_and_comes_later_each_time(plant: Plant) -> None:
    roots = plant(PACKAGE)
    with open_meters(roots, FakeNvml([FakeGpu()])) as read:
        first, second = read(), read()
    assert [count.meter.sees for count in first.counts] == [Sees.PACKAGE, Sees.GPU]
    assert second.at_s >= first.at_s


def test_meters_are_named_with_what_they_see(plant: Plant) -> None:
    names, unread = meters_now(plant(PACKAGE), FakeNvml([FakeGpu(lost=True), FakeGpu(name="A")]))
    assert names == ("processor package (package-0)", "GPU 1 (A)")
    assert unread == ("GPU 0: GPU is lost",)
