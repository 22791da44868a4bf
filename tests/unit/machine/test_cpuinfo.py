"""Processors by the text of `/proc/cpuinfo`, recorded from several kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.machine.cpuinfo import FEATURES, parse_cpuinfo

EPYC = """\
processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 26
model name\t: AMD EPYC
flags\t\t: fpu sse sse2 ht syscall fma f16c avx avx2 bmi2 avx512f avx512dq avx512bw avx512vl \
avx_vnni avx512_bf16 avx512vbmi avx512_vbmi2 avx512_vnni
bugs\t\t: spectre_v1

processor\t: 1
model name\t: another
flags\t\t: fpu
"""
XEON = """\
processor\t: 0
model name\t: Intel(R) Xeon(R)  Platinum 8481C CPU @ 2.70GHz
flags\t\t: fpu fma avx f16c avx2 avx512f avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16
"""
PI_5 = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm \
lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd0b
Revision\t: c04170
Model\t\t: Raspberry Pi 5 Model B Rev 1.0
"""
GRAVITON_3 = """\
processor\t: 0
Features\t: fp asimd fphp asimdhp asimddp sve i8mm bf16
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""
RISCV = """\
processor\t: 0
isa\t\t: rv64imafdcv_zicsr_zifencei
uarch\t\t: spacemit,x60
"""
LOONGSON = "processor\t: 0\nmodel name\t: Loongson-3A6000\nFeatures\t: cpucfg lam fpu lsx lasx\n"


def test_amd() -> None:
    info = parse_cpuinfo(EPYC)
    assert info.model == "AMD EPYC"
    assert info.features == (
        "avx",
        "avx2",
        "fma",
        "f16c",
        "bmi2",
        "avx512f",
        "avx512bw",
        "avx512dq",
        "avx512vl",
        "avx512vbmi",
        "avx512_vbmi2",
        "avx512_vnni",
        "avx512_bf16",
        "avx_vnni",
    )


def test_intel_with_matrix_units() -> None:
    info = parse_cpuinfo(XEON)
    assert info.model == "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz"
    assert {"amx_tile", "amx_int8", "amx_bf16", "avx512_fp16"} <= set(info.features)


@pytest.mark.parametrize(
    ("text", "model", "features"),
    [
        (PI_5, "Cortex-A76", ("neon", "fp16", "dotprod")),
        (GRAVITON_3, "Neoverse-V1", ("neon", "fp16", "dotprod", "i8mm", "bf16", "sve")),
        (RISCV, "spacemit,x60", ("rvv",)),
        (RISCV.replace("dcv_", "dc_"), "spacemit,x60", ()),
        (LOONGSON, "Loongson-3A6000", ("lsx", "lasx")),
        ("processor : 0\nCPU implementer : 0x99\nCPU part : 0x1", "", ()),
        ("", "", ()),
    ],
)
def test_others(text: str, model: str, features: tuple[str, ...]) -> None:
    info = parse_cpuinfo(text)
    assert (info.model, info.features) == (model, features)


@given(st.text(), st.lists(st.sampled_from(sorted(FEATURES))))
def test_features_are_known_each_once_and_in_one_order(noise: str, flags: list[str]) -> None:
    info = parse_cpuinfo(f"flags: {' '.join(flags)}\n{noise}")
    assert set(info.features) == {FEATURES[flag] for flag in flags}
    assert len(set(info.features)) == len(info.features)
    again = parse_cpuinfo(f"flags: {' '.join(reversed(flags))}")
    assert again.features == info.features


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    assert len(parse_cpuinfo(text).model) <= 120
