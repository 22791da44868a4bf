"""What a computer has, as far as it decides how a model runs; read by the room `machine`.

What could not be read is None or empty: a plan names it as missing and goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Backend(StrEnum):
    """What a GPU is driven by."""

    CUDA = "cuda"
    ROCM = "rocm"
    METAL = "metal"


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU. `memory_free_bytes` is what nobody uses now; `others_bytes` what others use.

    `integrated` means that its memory is the machine's own. `bandwidth_bytes_s` is the maker's
    figure where it is known.
    """

    name: str
    backend: Backend
    memory_total_bytes: int
    memory_free_bytes: int
    others_bytes: int | None = None
    driver: str = ""
    compute_capability: str = ""
    integrated: bool = False
    bandwidth_bytes_s: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured here, once, under `conditions` (that a later reader compares).

    Reading of memory by one thread and by all, in bytes a second; matrix products through the
    engine, in operations a second (a multiplication and an addition are two) by the number format
    of the weights; reading of the disk that holds the store. Each figure is the best of several
    passes, for interference only slows; `spread` says by its name how far their median lies below
    it, as a share. `missing` gives by its name why a figure could not be measured. `contention` is
    the share of the time of measuring, 0 to 1, in which some program waited for a processor.
    """

    read_bytes_s_one: float | None = None
    read_bytes_s_all: float | None = None
    matmul_ops_s: tuple[tuple[str, float], ...] = ()
    disk_read_bytes_s: float | None = None
    taken_unix_s: int = 0
    conditions: tuple[tuple[str, str], ...] = ()
    spread: tuple[tuple[str, float], ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    contention: float | None = None


@dataclass(frozen=True, slots=True)
class Machine:
    """One computer under its real limits (affinity, quota, cgroup), sizes in bytes.

    `cores` counts physical cores that this process may use, at least 1. `memory_total_bytes` is
    the least of the machine's memory and the group's limit; `memory_available_bytes` is what can
    still be taken without swapping, now. `memory_pressure` is the share of the last ten seconds
    in which somebody waited for memory, 0 to 1. `features` are the processor's instruction sets
    that an engine uses, in lower case. `name` is this machine's, a file's or a preset's.
    `memory_peak_bytes_s` is the maker's figure for reading memory, where it is known; what
    programs reach of it is in `measured`. `unread` says why GPUs that are there are not in `gpus`.
    `power_meters` can be read here, and `power_unread` says why others cannot; both are empty where
    nobody looked for meters.
    """

    cores: int
    memory_total_bytes: int
    memory_available_bytes: int
    name: str = ""
    cpu: str = ""
    threads: int = 0
    quota_cores: float | None = None
    features: tuple[str, ...] = ()
    numa_nodes: int = 1
    memory_limit_bytes: int | None = None
    swap_total_bytes: int = 0
    swap_free_bytes: int = 0
    memory_pressure: float | None = None
    memory_peak_bytes_s: float | None = None
    disk_free_bytes: int | None = None
    gpus: tuple[Gpu, ...] = ()
    unread: tuple[str, ...] = ()
    power_meters: tuple[str, ...] = ()
    power_unread: tuple[str, ...] = ()
    measured: Measured = field(default_factory=Measured)
