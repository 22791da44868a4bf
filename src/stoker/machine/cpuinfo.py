"""What a processor is called and which instruction sets it has, from `/proc/cpuinfo`.

Pure: text in. Features keep the kernel's names where those say what they are, and get the
engine's where they do not (`asimd` is NEON).
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.machine.system_files import parse_rows

_X86 = (
    "avx",
    "avx2",
    "fma",
    "f16c",
    "bmi2",
    "avx512f",
    "avx512bw",
    "avx512cd",
    "avx512dq",
    "avx512vl",
    "avx512vbmi",
    "avx512_vbmi2",
    "avx512_vnni",
    "avx512_bf16",
    "avx512_fp16",
    "avx_vnni",
    "avx_vnni_int8",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
    "amx_fp16",
)
_ARM = {
    "asimd": "neon",
    "neon": "neon",
    "asimdhp": "fp16",
    "asimddp": "dotprod",
    "i8mm": "i8mm",
    "bf16": "bf16",
    "sve": "sve",
    "sve2": "sve2",
    "sme": "sme",
}
_OTHERS = {"lsx": "lsx", "lasx": "lasx"}
FEATURES = {**{flag: flag for flag in _X86}, **_ARM, **_OTHERS}

# Implementer and part, as the main ID register of ARM processors numbers them.
_ARM_PARTS = {
    ("0x41", "0xd03"): "Cortex-A53",
    ("0x41", "0xd05"): "Cortex-A55",
    ("0x41", "0xd07"): "Cortex-A57",
    ("0x41", "0xd08"): "Cortex-A72",
    ("0x41", "0xd09"): "Cortex-A73",
    ("0x41", "0xd0a"): "Cortex-A75",
    ("0x41", "0xd0b"): "Cortex-A76",
    ("0x41", "0xd0c"): "Neoverse-N1",
    ("0x41", "0xd0d"): "Cortex-A77",
    ("0x41", "0xd40"): "Neoverse-V1",
    ("0x41", "0xd41"): "Cortex-A78",
    ("0x41", "0xd42"): "Cortex-A78AE",
    ("0x41", "0xd44"): "Cortex-X1",
    ("0x41", "0xd49"): "Neoverse-N2",
    ("0x41", "0xd4f"): "Neoverse-V2",
    ("0xc0", "0xac3"): "Ampere-1",
    ("0xc0", "0xac4"): "Ampere-1a",
}
_NAME_MAX = 120


@dataclass(frozen=True, slots=True)
class CpuInfo:
    """A processor's name, empty if it has none, and its features in a fixed order."""

    model: str
    features: tuple[str, ...]


def parse_cpuinfo(text: str) -> CpuInfo:
    """What the first processor of `text` is; all of a machine run the same programs.

    Cores that differ (big and little ones) share their features, as the kernel lists them.
    """
    rows = parse_rows(text)
    return CpuInfo(_model(rows)[:_NAME_MAX], _features(rows))


def _model(rows: dict[str, str]) -> str:
    part = (rows.get("CPU implementer", "").lower(), rows.get("CPU part", "").lower())
    for name in (rows.get("model name"), _ARM_PARTS.get(part), rows.get("uarch"), rows.get("cpu")):
        if name and name != "unknown":
            return " ".join(name.split())
    return ""


def _features(rows: dict[str, str]) -> tuple[str, ...]:
    words = set((rows.get("flags") or rows.get("Features") or "").lower().split())
    known = dict.fromkeys(name for flag, name in FEATURES.items() if flag in words)
    if _has_riscv_vectors(rows.get("isa", "").lower()):
        known["rvv"] = None
    return tuple(known)


def _has_riscv_vectors(isa: str) -> bool:
    """Whether `v` is among the single letters of a string like `rv64imafdcv_zicsr`."""
    letters = isa.partition("_")[0]
    return letters.startswith("rv") and "v" in letters[4:]
