"""Macs, from what their tools print: given texts, no Mac."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.machine import Backend
from stoker.core.units import GIB, MIB
from stoker.machine.gpus.apple import (
    cpu_of,
    gpu_of,
    memory_of,
    parse_sysctl,
    parse_vm_stat,
    wirable_bytes,
)

SYSCTL = """\
hw.ncpu: 12
hw.physicalcpu: 12
hw.logicalcpu: 12
hw.memsize: 68719476736
hw.nperflevels: 2
hw.perflevel0.physicalcpu: 8
hw.perflevel1.physicalcpu: 4
hw.optional.AdvSIMD: 1
hw.optional.neon: 1
hw.optional.arm.FEAT_DotProd: 1
hw.optional.arm.FEAT_FP16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_SME: 0
machdep.cpu.brand_string: Apple M2 Max
vm.swapusage: total = 2048.00M  used = 512.50M  free = 1535.50M  (encrypted)
iogpu.wired_limit_mb: 0
"""
INTEL = """\
hw.physicalcpu: 6
hw.logicalcpu: 12
hw.memsize: 17179869184
hw.optional.avx2_0: 1
hw.optional.fma: 1
machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz
"""
VM_STAT = """\
Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              100000.
Pages active:                            900000.
Pages inactive:                          200000.
Pages speculative:                        10000.
Pages wired down:                        300000.
Pages purgeable:                           5000.
"Translation faults":                 123456789.
"""
DISPLAYS = '{"SPDisplaysDataType": [{"_name": "Apple M2 Max", "sppci_cores": "38"}]}'
VALUES = parse_sysctl(SYSCTL)


def test_the_processor() -> None:
    cpu = cpu_of(VALUES)
    assert (cpu.model, cpu.cores, cpu.threads) == ("Apple M2 Max", 12, 12)
    assert cpu.efficiency_cores == 4
    assert cpu.features == ("neon", "fp16", "dotprod", "i8mm", "bf16")
    intel = cpu_of(parse_sysctl(INTEL))
    assert intel.efficiency_cores == 0
    assert (intel.cores, intel.threads, intel.features) == (6, 12, ("avx2", "fma"))


def test_the_memory() -> None:
    memory = memory_of(VALUES, VM_STAT)
    assert memory.total_bytes == 64 * GIB
    assert memory.available_bytes == 16384 * 315000
    assert memory.swap_total_bytes == 2 * GIB
    assert memory.swap_free_bytes == int(1535.5 * MIB)


def test_the_gpu_of_an_apple_chip_shares_the_memory() -> None:
    gpu = gpu_of(VALUES, DISPLAYS, memory_of(VALUES, VM_STAT))
    assert gpu is not None
    assert (gpu.name, gpu.backend) == ("Apple M2 Max (38-core GPU)", Backend.METAL)
    assert gpu.integrated
    assert gpu.memory_total_bytes == 48 * GIB
    assert gpu.memory_free_bytes == 16384 * 315000


def test_what_the_owner_allowed_counts() -> None:
    values = VALUES | {"iogpu.wired_limit_mb": "57344"}
    gpu = gpu_of(values, "", memory_of(values, ""))
    assert gpu is not None
    assert (gpu.name, gpu.memory_total_bytes) == ("Apple M2 Max", 56 * GIB)


def test_a_mac_with_anothers_chip_has_no_such_gpu() -> None:
    values = parse_sysctl(INTEL)
    assert gpu_of(values, DISPLAYS, memory_of(values, "")) is None


@pytest.mark.parametrize(("memory", "share"), [(16, 10.6), (32, 21.3), (64, 48), (128, 96)])
def test_no_more_is_promised_than_metal_recommends(memory: int, share: float) -> None:
    assert wirable_bytes(memory * GIB) / GIB == pytest.approx(share, abs=0.1)


@given(st.text(), st.text())
def test_no_text_breaks_them(first: str, second: str) -> None:
    values = parse_sysctl(first + SYSCTL)
    memory = memory_of(values, second)
    assert cpu_of(parse_sysctl(first)) is not None
    gpu_of(values, second, memory)
    assert parse_vm_stat(second) is None or "Pages" in second
