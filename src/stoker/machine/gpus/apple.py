"""A Mac's processor, memory and GPU, from what `sysctl`, `vm_stat` and `system_profiler` print.

The readers are pure: text in. The two functions that run a tool are not tried by any test here,
for they need a Mac.
"""

from __future__ import annotations

import json
import re
import subprocess

from stoker.core.machine import Backend, Gpu
from stoker.core.units import GIB, MIB
from stoker.machine.cpu import Cpu
from stoker.machine.memory import Memory
from stoker.machine.system_files import parse_count, parse_rows

_TOOL_S = 5.0
_OUTPUT_MAX = 1 << 20
_SYSCTL = ("/usr/sbin/sysctl", "hw", "machdep.cpu", "vm.swapusage", "iogpu")
_FEATURES = {
    "hw.optional.AdvSIMD": "neon",
    "hw.optional.neon": "neon",
    "hw.optional.arm.FEAT_FP16": "fp16",
    "hw.optional.arm.FEAT_DotProd": "dotprod",
    "hw.optional.arm.FEAT_I8MM": "i8mm",
    "hw.optional.arm.FEAT_BF16": "bf16",
    "hw.optional.arm.FEAT_SME": "sme",
    "hw.optional.avx2_0": "avx2",
    "hw.optional.fma": "fma",
    "hw.optional.f16c": "f16c",
    "hw.optional.avx512f": "avx512f",
}
_PAGE_SIZE = re.compile(r"page size of (\d+) bytes")
_SWAP = re.compile(r"(total|free) = (\d+(?:\.\d+)?)M")
# Pages that can be had without writing anything out.
_AVAILABLE = ("Pages free", "Pages inactive", "Pages speculative", "Pages purgeable")


def parse_sysctl(text: str) -> dict[str, str]:
    """The rows of `sysctl`'s output."""
    return parse_rows(text)


def cpu_of(values: dict[str, str]) -> Cpu:
    """The processor that `values` of `sysctl` describe."""
    names = (name for key, name in _FEATURES.items() if values.get(key) == "1")
    cores = parse_count(values.get("hw.physicalcpu", "")) or 1
    return Cpu(
        model=values.get("machdep.cpu.brand_string", ""),
        features=tuple(dict.fromkeys(names)),
        cores=cores,
        threads=parse_count(values.get("hw.logicalcpu", "")) or cores,
        quota_cores=None,
        efficiency_cores=_efficiency_cores(values, cores),
    )


def _efficiency_cores(values: dict[str, str], cores: int) -> int:
    """The cores of every level of performance but the first, which is the fastest."""
    fast = parse_count(values.get("hw.perflevel0.physicalcpu", "")) or cores
    return max(0, cores - fast)


def memory_of(values: dict[str, str], vm_stat: str) -> Memory:
    """The memory that `values` of `sysctl` and the output of `vm_stat` describe."""
    total = parse_count(values.get("hw.memsize", "")) or 0
    swap = dict(_SWAP.findall(values.get("vm.swapusage", "")))
    available = parse_vm_stat(vm_stat)
    return Memory(
        total_bytes=total,
        available_bytes=total if available is None else min(total, available),
        limit_bytes=None,
        swap_total_bytes=int(float(swap.get("total", 0)) * MIB),
        swap_free_bytes=int(float(swap.get("free", 0)) * MIB),
        pressure=None,
    )


def parse_vm_stat(text: str) -> int | None:
    """The bytes that `vm_stat` shows as free or easily freed; None if it shows nothing."""
    size = _PAGE_SIZE.search(text)
    rows = parse_rows(text)
    counts = [parse_count(rows.get(name, "").rstrip(".")) for name in _AVAILABLE]
    known = [count for count in counts if count is not None]
    return int(size[1]) * sum(known) if size and known else None


def gpu_of(values: dict[str, str], displays: str, memory: Memory) -> Gpu | None:
    """The GPU of an Apple chip; None for a Mac whose chip is another's.

    `displays` is what `system_profiler SPDisplaysDataType -json` prints; it tells the GPU's cores,
    by which chips of one name differ in bandwidth. The GPU may wire what the owner allowed
    (`iogpu.wired_limit_mb`), else a share of the memory.
    """
    chip = values.get("machdep.cpu.brand_string", "")
    if not chip.startswith("Apple "):
        return None
    allowed = parse_count(values.get("iogpu.wired_limit_mb", "")) or 0
    total = min(memory.total_bytes, allowed * MIB) or wirable_bytes(memory.total_bytes)
    cores = _gpu_cores(displays)
    return Gpu(
        name=f"{chip} ({cores}-core GPU)" if cores else chip,
        backend=Backend.METAL,
        memory_total_bytes=total,
        memory_free_bytes=min(total, memory.available_bytes),
        integrated=True,
    )


def wirable_bytes(memory_bytes: int) -> int:
    """How much of the memory the GPU may use where the owner said nothing.

    The least that Metal was seen to recommend (recommendedMaxWorkingSetSize in llama.cpp's logs):
    10.7 of 16 GiB, 21.3 of 32, 48 of 64. Newer systems allow more.
    """
    return memory_bytes * 3 // 4 if memory_bytes > 36 * GIB else memory_bytes * 2 // 3


def read_cpu_and_memory() -> tuple[Cpu, Memory]:
    """This Mac's processor and memory."""
    values = parse_sysctl(_output(*_SYSCTL))
    return cpu_of(values), memory_of(values, _output("/usr/bin/vm_stat"))


def read_gpu(memory: Memory) -> tuple[Gpu, ...]:
    """This Mac's GPU, if it is an Apple chip's."""
    displays = _output("/usr/sbin/system_profiler", "SPDisplaysDataType", "-json")
    gpu = gpu_of(parse_sysctl(_output(*_SYSCTL)), displays, memory)
    return () if gpu is None else (gpu,)


def _gpu_cores(displays: str) -> int | None:
    try:
        found = json.loads(displays)["SPDisplaysDataType"]
        counts = [parse_count(str(one.get("sppci_cores", ""))) for one in found]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return next((count for count in counts if count), None)


def _output(*argv: str) -> str:
    """What a tool prints; empty where it is not there, fails or does not end."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=_TOOL_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout[:_OUTPUT_MAX].decode(errors="replace")
