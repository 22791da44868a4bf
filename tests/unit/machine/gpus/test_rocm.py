"""AMD's GPUs, from recorded trees of the kernel's compute driver."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.core.machine import Backend, Gpu
from stoker.core.units import GIB, MIB
from stoker.machine.gpus.rocm import read_rocm, target
from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]
NODES = "sys/class/kfd/kfd/topology/nodes"
PROCESSOR = {
    f"{NODES}/0/properties": "cpu_cores_count 16\nsimd_count 0\ndrm_render_minor 0\n",
    f"{NODES}/0/name": "\n",
}


def card(node: int, minor: int, version: int, **files: str) -> dict[str, str]:
    """One GPU's node, and its display device's files."""
    device = f"sys/class/drm/renderD{minor}/device"
    return {
        f"{NODES}/{node}/properties": (
            f"cpu_cores_count 0\nsimd_count 192\ngfx_target_version {version}\n"
            f"drm_render_minor {minor}\n"
        ),
        **{f"{device}/{name}": text for name, text in files.items()},
    }


def test_a_card(plant: Plant) -> None:
    files = card(
        1,
        128,
        110000,
        mem_info_vram_total=f"{24 * GIB}\n",
        mem_info_vram_used=f"{GIB}\n",
        product_name="AMD Radeon RX 7900 XTX\n",
    )
    roots = plant(PROCESSOR | files | {"sys/module/amdgpu/version": "6.8.5\n"})
    assert read_rocm(roots) == (
        Gpu(
            name="AMD Radeon RX 7900 XTX",
            backend=Backend.ROCM,
            memory_total_bytes=24 * GIB,
            memory_free_bytes=23 * GIB,
            others_bytes=GIB,
            driver="6.8.5",
            compute_capability="gfx1100",
        ),
    )


def test_a_gpu_inside_the_processor_has_what_the_driver_may_take(plant: Plant) -> None:
    files = card(
        1,
        128,
        110501,
        mem_info_vram_total=str(512 * MIB),
        mem_info_vram_used=str(100 * MIB),
        mem_info_gtt_total=str(60 * GIB),
        mem_info_gtt_used=str(28 * MIB),
    )
    (gpu,) = read_rocm(plant(PROCESSOR | files))
    assert gpu.integrated
    assert gpu.memory_total_bytes == 60 * GIB + 512 * MIB
    assert gpu.others_bytes == 128 * MIB
    assert gpu.name == "AMD GPU (gfx1151)"


def test_nodes_come_in_their_numbers_order(plant: Plant) -> None:
    files: dict[str, str] = {}
    for node in (10, 2):
        total = str(node * GIB)
        files |= card(node, 120 + node, 90402, mem_info_vram_total=total)
    sizes = [gpu.memory_total_bytes // GIB for gpu in read_rocm(plant(files))]
    assert sizes == [2, 10]


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({}, [1, 2, 3]),
        ({"ROCR_VISIBLE_DEVICES": "1"}, [2]),
        ({"ROCR_VISIBLE_DEVICES": "2,0"}, [3, 1]),
        ({"ROCR_VISIBLE_DEVICES": "GPU-00000000000000c2"}, [2]),
        ({"ROCR_VISIBLE_DEVICES": ""}, []),
        ({"HIP_VISIBLE_DEVICES": "0,-1,2"}, [1]),
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "1"}, [3]),
        ({"CUDA_VISIBLE_DEVICES": "2"}, [3]),
        ({"CUDA_VISIBLE_DEVICES": "2", "HIP_VISIBLE_DEVICES": "0"}, [1]),
    ],
)
def test_what_the_owner_hides_is_not_there(
    plant: Plant, environment: dict[str, str], shown: list[int]
) -> None:
    files: dict[str, str] = {}
    for node in (1, 2, 3):
        files |= card(node, 120 + node, 90402, mem_info_vram_total=str(node * GIB))
        files[f"{NODES}/{node}/properties"] += f"unique_id {0xC0 + node}\n"
    sizes = [gpu.memory_total_bytes // GIB for gpu in read_rocm(plant(files), environment)]
    assert sizes == shown


def test_a_display_without_the_compute_driver_is_none(plant: Plant) -> None:
    device = "sys/class/drm/card0/device"
    assert read_rocm(plant({f"{device}/mem_info_vram_total": str(GIB)})) == ()
    assert read_rocm(Roots(Path("/none"), Path("/none"))) == ()


def test_a_node_whose_memory_cannot_be_read_is_left_out(plant: Plant) -> None:
    """In a container the topology may be visible and the device not."""
    assert read_rocm(plant(PROCESSOR | card(1, 128, 90402))) == ()


@pytest.mark.parametrize(
    ("version", "name"),
    [(90010, "gfx90a"), (90402, "gfx942"), (100300, "gfx1030"), (110501, "gfx1151")],
)
def test_chips_are_named_as_compilers_name_them(version: int, name: str) -> None:
    assert target(version) == name


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(st.characters(codec="utf-8"), max_size=60))
def test_no_content_of_a_file_breaks_it(plant: Plant, text: str) -> None:
    files = card(1, 128, 110000, mem_info_vram_total=text, mem_info_vram_used=text)
    gpus = read_rocm(plant(files | {f"{NODES}/2/properties": text}))
    assert all(0 <= one.memory_free_bytes <= one.memory_total_bytes for one in gpus)
