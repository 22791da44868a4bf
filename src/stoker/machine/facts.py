"""The machine as one value.

Reads what the kernel tells; measures nothing and starts no process (but on a Mac, whose kernel is
asked through its tools). Fast enough to be read before each start of a model.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from stoker.core.machine import Machine
from stoker.machine.cpu import Cpu, numa_nodes, read_cpu
from stoker.machine.disk import free_bytes
from stoker.machine.memory import Memory, read_memory
from stoker.machine.system_files import HERE, Roots


def read_machine(*, gpus: bool = False, store: Path | None = None, roots: Roots = HERE) -> Machine:
    """This machine now; memory that is available and space that is free are a snapshot.

    GPUs are asked for only with `gpus`, for their drivers take their time; the free space is that
    of the disk that holds `store`, None without one.
    """
    cpu, memory = _cpu_and_memory(roots)
    machine = Machine(
        cores=cpu.cores,
        memory_total_bytes=memory.total_bytes,
        memory_available_bytes=memory.available_bytes,
        name=_host(),
        cpu=cpu.model,
        threads=cpu.threads,
        efficiency_cores=cpu.efficiency_cores,
        quota_cores=cpu.quota_cores,
        features=cpu.features,
        numa_nodes=numa_nodes(roots),
        memory_limit_bytes=memory.limit_bytes,
        swap_total_bytes=memory.swap_total_bytes,
        swap_free_bytes=memory.swap_free_bytes,
        memory_pressure=memory.pressure,
        disk_free_bytes=None if store is None else free_bytes(store),
    )
    return _with_gpus(machine, memory, roots) if gpus else machine


def _with_gpus(machine: Machine, memory: Memory, roots: Roots) -> Machine:
    from stoker.machine.gpus.detection import read_gpus  # noqa: PLC0415 - most callers want no GPUs

    found = read_gpus(memory, roots)
    return replace(machine, gpus=found.gpus, unread=found.unread)


def _cpu_and_memory(roots: Roots) -> tuple[Cpu, Memory]:
    if sys.platform == "darwin" and roots is HERE:
        from stoker.machine.gpus.apple import read_cpu_and_memory  # noqa: PLC0415 - Macs alone

        cpu, memory = read_cpu_and_memory()
        if memory.total_bytes:
            return cpu, memory
    return read_cpu(roots), read_memory(roots)


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else ""
