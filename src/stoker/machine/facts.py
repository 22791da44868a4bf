"""The machine as one value."""

from __future__ import annotations

from stoker.core.machine import Machine
from stoker.machine import cpu, memory


def read_machine() -> Machine:
    """This machine now; the available memory is a snapshot."""
    return Machine(
        cores=cpu.usable_cores(),
        memory_total_bytes=memory.total_bytes(),
        memory_available_bytes=memory.available_bytes(),
    )
