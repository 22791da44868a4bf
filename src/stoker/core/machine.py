"""What this computer has, as far as Stoker needs it; read by the room `machine`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Processor and memory under their real limits (affinity, quota, cgroup), in bytes.

    `cores` counts physical cores that this process may use, at least 1.
    `memory_available_bytes` is what can still be taken without swapping.
    """

    cores: int
    memory_total_bytes: int
    memory_available_bytes: int
