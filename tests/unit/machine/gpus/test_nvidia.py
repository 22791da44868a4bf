"""What NVML's answers mean, on a fake of its binding that a contract suite holds to it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.machine import Backend, Gpu
from stoker.core.units import GIB
from stoker.machine.gpus.nvidia import Answer, read_nvidia
from stoker.machine.gpus.visible import visible_indices
from stoker.machine.memory import Memory
from stoker.testing.nvml import GPU_IS_LOST, FakeGpu, FakeNvml

MEMORY = Memory(128 * GIB, 100 * GIB, None, 0, 0, None)


def read(*gpus: FakeGpu, visible: str | None = None) -> Answer:
    nvml = FakeNvml(gpus)
    answer = read_nvidia(MEMORY, visible, nvml)
    assert nvml.opened == 0
    return answer


def test_a_card_with_others_on_it() -> None:
    mine, theirs = os.getpid(), os.getpid() + 1
    gpu = FakeGpu(used=4 * GIB, processes=[(theirs, 2 * GIB), (mine, GIB)])
    assert read(gpu).gpus == (
        Gpu(
            name="NVIDIA GeForce RTX 4090",
            backend=Backend.CUDA,
            memory_total_bytes=24 * GIB,
            memory_free_bytes=20 * GIB,
            others_bytes=2 * GIB,
            driver="560.35",
            compute_capability="8.9",
        ),
    )


@pytest.mark.parametrize("processes", [[], [(1, None)]])
def test_where_no_process_is_told_all_that_is_used_is_others(
    processes: list[tuple[int, int | None]],
) -> None:
    """In a container the list is empty; under Windows' display driver it has no sizes."""
    (gpu,) = read(FakeGpu(used=4 * GIB, processes=processes)).gpus
    assert gpu.others_bytes == 4 * GIB


@pytest.mark.parametrize("name", ["NVIDIA GB10", "Orin (nvgpu)", "NVIDIA Thor"])
def test_an_integrated_gpu_has_the_machines_memory(name: str) -> None:
    (gpu,) = read(FakeGpu(name=name, total=None, processes=[(1, GIB)])).gpus
    assert gpu.integrated
    assert (gpu.memory_total_bytes, gpu.memory_free_bytes) == (128 * GIB, 100 * GIB)
    assert gpu.others_bytes == GIB


def test_a_card_that_does_not_tell_its_memory_is_named_and_hides_no_other() -> None:
    answer = read(FakeGpu(name="NVIDIA Odd", total=None), FakeGpu(uuid="GPU-1"))
    assert [gpu.name for gpu in answer.gpus] == ["NVIDIA GeForce RTX 4090"]
    assert answer.unread == ("NVIDIA Odd does not tell its memory",)


def test_a_lost_card_is_named_and_hides_no_other() -> None:
    answer = read(FakeGpu(lost=True), FakeGpu(uuid="GPU-1"))
    assert len(answer.gpus) == 1
    assert answer.unread == ("GPU 0: GPU is lost",)


def test_a_split_card_is_its_partitions() -> None:
    whole = FakeGpu(
        name="NVIDIA A100-SXM4-40GB",
        capability=(8, 0),
        partitions=[
            FakeGpu(name="NVIDIA A100-SXM4-40GB MIG 3g.20gb", uuid="MIG-a", total=20 * GIB, used=0),
            None,
        ],
    )
    (gpu,) = read(whole).gpus
    assert (gpu.name, gpu.memory_total_bytes) == ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", 20 * GIB)
    assert gpu.compute_capability == "8.0"


def test_hidden_cards_are_not_there() -> None:
    cards = (FakeGpu(uuid="GPU-a", used=0), FakeGpu(uuid="GPU-b", used=GIB))
    assert [gpu.memory_free_bytes for gpu in read(*cards, visible="1,0").gpus] == [
        23 * GIB,
        24 * GIB,
    ]
    assert [gpu.memory_free_bytes for gpu in read(*cards, visible="GPU-b").gpus] == [23 * GIB]
    assert read(*cards, visible="").gpus == ()


def test_a_driver_that_cannot_be_opened_is_a_reason_and_no_error() -> None:
    answer = read_nvidia(MEMORY, None, FakeNvml([FakeGpu()], broken=GPU_IS_LOST))
    assert answer == Answer(unread=("GPU is lost",))


def test_without_a_driver_there_are_no_gpus_and_no_binding_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(_: str) -> None:
        raise OSError

    monkeypatch.setattr("stoker.machine.gpus.nvidia.ctypes.CDLL", missing)
    monkeypatch.setattr("stoker.machine.gpus.nvidia.import_module", pytest.fail)
    assert read_nvidia(MEMORY) == Answer()


@pytest.mark.parametrize(
    ("visible", "shown"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("2,0", [2, 0]),
        ("0,9,1", [0]),
        ("0,0,1", [0]),
        ("GPU-c,0", [2, 0]),
        ("GPU-", []),
        (" 1 , 2 ", [1, 2]),
        ("1,nonsense,2", [1]),
    ],
)
def test_visible_devices_are_read_as_cuda_reads_them(visible: str | None, shown: list[int]) -> None:
    assert visible_indices(visible, ["GPU-a", "GPU-b", "GPU-c"]) == shown


@given(st.text(), st.lists(st.text(min_size=1), max_size=5))
def test_whatever_is_visible_is_there_and_there_once(visible: str, uuids: list[str]) -> None:
    shown = visible_indices(visible, uuids)
    assert len(set(shown)) == len(shown)
    assert all(0 <= index < len(uuids) for index in shown)
