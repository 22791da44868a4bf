"""AMD's GPUs, read from the kernel: its compute driver's topology, and the display's memory files.

A GPU without the compute driver (`kfd`) is none that an engine could use. Nothing of ROCm itself
is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from stoker.core.machine import Backend, Gpu
from stoker.machine.gpus.visible import visible_indices
from stoker.machine.system_files import (
    HERE,
    Roots,
    parse_count,
    parse_rows,
    read_count,
    read_text,
)

# Processors with a GPU inside, by what their GPU is called in the LLVM user guide for AMDGPU.
_INTEGRATED = frozenset(
    {
        "gfx902",
        "gfx909",
        "gfx90c",
        "gfx1013",
        "gfx1033",
        "gfx1035",
        "gfx1036",
        "gfx1037",
        "gfx1103",
        "gfx1150",
        "gfx1151",
        "gfx1152",
        "gfx1153",
    }
)
_NODES_MAX = 64
NOTHING: Mapping[str, str] = MappingProxyType({})


def read_rocm(roots: Roots = HERE, environment: Mapping[str, str] = NOTHING) -> tuple[Gpu, ...]:
    """Each node of the topology that computes, with the memory of its display device.

    `environment` may hide some: ROCR_VISIBLE_DEVICES of all, then HIP_VISIBLE_DEVICES of those that
    are left, or CUDA_VISIBLE_DEVICES where that is not set, as HIP has it.
    """
    nodes = sorted(
        roots.sys.glob("class/kfd/kfd/topology/nodes/*"),
        key=lambda node: (len(node.name), node.name),
    )
    asked = ((_gpu(node, roots), _uuid(node)) for node in nodes[:_NODES_MAX])
    found = [(gpu, uuid) for gpu, uuid in asked if gpu is not None]
    hip = environment.get("HIP_VISIBLE_DEVICES", environment.get("CUDA_VISIBLE_DEVICES"))
    for visible in (environment.get("ROCR_VISIBLE_DEVICES"), hip):
        found = [found[at] for at in visible_indices(visible, [uuid for _, uuid in found])]
    return tuple(gpu for gpu, _ in found)


def target(version: int) -> str:
    """The compiler's name of a chip that the kernel numbers `version`: 110000 is `gfx1100`."""
    major, rest = divmod(version, 10_000)
    minor, stepping = divmod(rest, 100)
    return f"gfx{major}{minor:x}{stepping:x}"


def _uuid(node: Path) -> str:
    """As the runtime writes it; empty for a GPU without a number of its own."""
    number = parse_count(parse_rows(read_text(node / "properties"), " ").get("unique_id", ""))
    return f"GPU-{number:016x}" if number else ""


def _gpu(node: Path, roots: Roots) -> Gpu | None:
    facts = parse_rows(read_text(node / "properties"), " ")
    minor = parse_count(facts.get("drm_render_minor", ""))
    if not parse_count(facts.get("simd_count", "")) or not minor:
        return None
    device = roots.sys / "class" / "drm" / f"renderD{minor}" / "device"
    total = read_count(device / "mem_info_vram_total")
    if total is None:
        return None
    used = read_count(device / "mem_info_vram_used") or 0
    chip = target(parse_count(facts.get("gfx_target_version", "")) or 0)
    integrated = chip in _INTEGRATED or bool(parse_count(facts.get("cpu_cores_count", "")))
    if integrated:  # what was set aside at start-up, and what the driver may take besides
        total += read_count(device / "mem_info_gtt_total") or 0
        used += read_count(device / "mem_info_gtt_used") or 0
    return Gpu(
        name=_name(device, node, chip),
        backend=Backend.ROCM,
        memory_total_bytes=total,
        memory_free_bytes=max(0, total - used),
        others_bytes=used,
        driver=read_text(roots.sys / "module" / "amdgpu" / "version"),
        compute_capability=chip,
        integrated=integrated,
    )


def _name(device: Path, node: Path, chip: str) -> str:
    """The product's name where the card tells it, else the chip's."""
    product = read_text(device / "product_name")
    return product or f"AMD {read_text(node / 'name') or 'GPU'} ({chip})"
