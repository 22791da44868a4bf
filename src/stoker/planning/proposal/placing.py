"""Which device computes: the processor, a GPU, or both with the layers divided. Pure.

The engine that is installed here computes on the processor alone, so a GPU is planned with only
where somebody asks about another machine, or as an alternative; that is an estimate, and said so.
Of several GPUs the one with the most free memory is taken.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from stoker.core.machine import Gpu, Machine
from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.model import ModelFacts
from stoker.core.plan import Device, DeviceKind, Verdict
from stoker.core.units import MIB
from stoker.planning.proposal.fitting import Room, judge, room_of, worst

# What a driver keeps for a program before its first buffer: an allowance, measured nowhere here.
DRIVER_BYTES = 512 * MIB
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Placed:
    """A need on its devices, with the room that each of them has; the verdict is the worst."""

    device: Device
    need: MemoryNeed
    rooms: tuple[tuple[str, Room], ...]

    @property
    def verdict(self) -> Verdict:
        """Whether every device has the room."""
        return worst(judge(self.need.of(device=name), room) for name, room in self.rooms)

    @property
    def main(self) -> tuple[str, Room]:
        """The device that decides: the one whose verdict is the worst, the GPU where they tie."""
        verdict = self.verdict
        alike = [one for one in self.rooms if judge(self.need.of(device=one[0]), one[1]) is verdict]
        return alike[-1]


def on_processor(need: MemoryNeed, facts: ModelFacts, room: Room) -> Placed:
    """All of it in the machine's memory."""
    return Placed(Device(DeviceKind.CPU, facts.layers), need, (("cpu", room),))


def place(
    need: MemoryNeed,
    facts: ModelFacts,
    machine: Machine,
    budget_bytes: int | None = None,
    taken: Mapping[str, int] = NOTHING,
) -> Placed:
    """The fastest device that has the room: a whole GPU, a part of the layers on it, or neither.

    `taken` is what other models take of each device.
    """
    cpu = on_processor(need, facts, room_of(machine, budget_bytes).without(taken.get("cpu", 0)))
    if not machine.gpus or not facts.layers:
        return cpu
    index = max(range(len(machine.gpus)), key=lambda at: machine.gpus[at].memory_free_bytes)
    gpu = machine.gpus[index]
    room = gpu_room(gpu, machine, budget_bytes).without(taken.get(f"gpu{index}", 0))
    left = None if budget_bytes is None else budget_bytes - sum(taken.values())
    layers = _most_layers(cpu, facts, (index, gpu, room))
    placed = with_layers(cpu, facts, (index, gpu, room), layers) if layers else cpu
    return placed if placed.verdict.usable and _within(placed, left) else cpu


def _most_layers(cpu: Placed, facts: ModelFacts, place: tuple[int, Gpu, Room]) -> int:
    """How many layers the GPU has room for.

    More layers take more of it and less of the processor's memory: where so many leave too much
    with the processor, fewer would leave more.
    """
    index, _, room = place

    def is_too_much(layers: int) -> bool:
        need = with_layers(cpu, facts, place, layers).need
        return not judge(need.of(device=f"gpu{index}"), room).usable

    return bisect_left(range(1, facts.layers + 1), x=True, key=is_too_much)


def _within(placed: Placed, budget_bytes: int | None) -> bool:
    """Whether all devices together stay within the budget."""
    return budget_bytes is None or placed.need.total_bytes <= budget_bytes


def gpu_room(gpu: Gpu, machine: Machine, budget_bytes: int | None = None) -> Room:
    """A GPU's own memory; of an integrated one what it may use of the machine's."""
    if not gpu.integrated:
        return Room(gpu.memory_free_bytes, gpu.memory_total_bytes, budget_bytes)
    now = min(gpu.memory_free_bytes, machine.memory_available_bytes)
    return Room(now, min(gpu.memory_total_bytes, machine.memory_total_bytes), budget_bytes)


def with_layers(
    cpu: Placed, facts: ModelFacts, place: tuple[int, Gpu, Room], layers: int
) -> Placed:
    """`cpu` with the last `layers` layers on a GPU, and the output matrix where all are."""
    index, gpu, room = place
    whole = layers == facts.layers
    share = layers / facts.layers
    wanted = {
        Part.WEIGHTS: _weights(cpu.need, facts, layers, whole=whole),
        Part.KV: round(cpu.need.kv_bytes * share),
    }
    stays, moved = _divided(cpu.need.taken, wanted)
    # Scratch memory is needed on both, and the driver's own is the GPU's.
    moved |= {Part.COMPUTE: cpu.need.compute_bytes, Part.PROCESS: DRIVER_BYTES}
    name = f"gpu{index}"
    goes = [Taken(part, name, size) for part, size in moved.items() if size]
    kind = DeviceKind.GPU if whole else DeviceKind.SPLIT
    device = Device(kind, facts.layers, index, layers, gpu.name)
    taken = tuple(one for one in (*stays, *goes) if one.size_bytes)
    rooms: tuple[tuple[str, Room], ...] = (("cpu", cpu.rooms[0][1]), (name, room))
    if gpu.integrated:  # one memory: everything counts against what the GPU may use
        taken = tuple(Taken(one.part, name, one.size_bytes, one.buffer) for one in taken)
        rooms = ((name, room),)
    return Placed(device, MemoryNeed(taken, cpu.need.source), rooms)


def _divided(
    taken: Sequence[Taken], wanted: Mapping[Part, int]
) -> tuple[list[Taken], dict[Part, int]]:
    """What stays, and the bytes of each part that go: as `wanted`, and no more than there is.

    An engine tells a part in several buffers; the largest gives first.
    """
    left, stays = dict(wanted), list(taken)
    for at in sorted(range(len(taken)), key=lambda at: -taken[at].size_bytes):
        one = taken[at]
        goes = min(left.get(one.part, 0), one.size_bytes)
        if goes:
            left[one.part] -= goes
            stays[at] = Taken(one.part, one.device, one.size_bytes - goes, one.buffer)
    return stays, {part: size - left[part] for part, size in wanted.items()}


def _weights(need: MemoryNeed, facts: ModelFacts, layers: int, *, whole: bool) -> int:
    """The bytes of the last `layers` layers; the tokens' vectors stay with the processor."""
    layout = facts.layout
    if not any(layout.layer_bytes):
        return round(need.weights_bytes * layers / facts.layers)
    own = sum(layout.layer_bytes[-layers:])
    return own + (max(0, layout.other_bytes - layout.embedding_bytes) if whole else 0)
