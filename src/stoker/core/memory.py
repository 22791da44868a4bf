"""What one loaded model takes of memory, part by part; counted by an engine or by formulas."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """What memory is for. The first three the engine counts itself; the others it does not."""

    WEIGHTS = "weights"
    KV = "kv"  # the KV cache, and the state of recurrent layers
    COMPUTE = "compute"
    OUTPUT = "output"
    PROMPT_CACHE = "prompt_cache"
    CHECKPOINTS = "checkpoints"
    PROCESS = "process"  # the program itself: code, Python, threads
    QUEUE = "queue"  # what requests that wait hold in the gateway


COUNTED = (Part.WEIGHTS, Part.KV, Part.COMPUTE)


@dataclass(frozen=True, slots=True)
class Taken:
    """`size_bytes` for one part on one `device`: `cpu`, or `gpu0`, `gpu1`, ...

    `buffer` is the engine's name for the kind of memory (`CPU`, `CPU_REPACK`, `CUDA0`, ...).
    """

    part: Part
    device: str
    size_bytes: int
    buffer: str = ""


@dataclass(frozen=True, slots=True)
class MemoryNeed:
    """All that one loaded model takes; `source` says who counted: `engine`, or which formula."""

    taken: tuple[Taken, ...]
    source: str

    def of(self, *parts: Part, device: str | None = None) -> int:
        """Bytes of `parts`, of all of them when none is named, on one device or on all."""
        return sum(
            one.size_bytes
            for one in self.taken
            if (not parts or one.part in parts) and (device is None or one.device == device)
        )

    @property
    def weights_bytes(self) -> int:
        """The weights as the engine keeps them."""
        return self.of(Part.WEIGHTS)

    @property
    def kv_bytes(self) -> int:
        """The KV cache and recurrent state of all slots."""
        return self.of(Part.KV)

    @property
    def compute_bytes(self) -> int:
        """The engine's scratch memory for one step."""
        return self.of(Part.COMPUTE)

    @property
    def total_bytes(self) -> int:
        """Everything."""
        return self.of()

    @property
    def other_bytes(self) -> int:
        """Everything but the three above."""
        return self.total_bytes - self.of(*COUNTED)


@dataclass(frozen=True, slots=True)
class DeviceMemory:
    """What one model takes of one device, and what may be taken of it now, within the budget.

    `device` is as in `Taken`; `name` is a GPU's, empty for the machine's own memory.
    """

    device: str
    taken_bytes: int
    available_bytes: int
    name: str = ""
