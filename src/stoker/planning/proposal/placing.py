"""Which devices compute: the processor, GPUs, or both with the layers divided. Pure.

The engine that is installed here computes on the processor alone, so a GPU is planned with only
where somebody asks about another machine, or as an alternative; that is an estimate, and said so.
Of several GPUs as few are taken as hold the model with something to spare, those with the most free
memory first; they divide the layers by their memory. GPUs that share the machine's memory are never
taken together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from stoker.core.machine import Gpu, Machine
from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.model import ModelFacts
from stoker.core.plan import Device, DeviceKind, GpuShare, Verdict
from stoker.core.units import MIB
from stoker.planning.proposal.fitting import Room, judge, room_of, worst

# What a driver keeps for a program before its first buffer: an allowance, measured nowhere here.
DRIVER_BYTES = 512 * MIB
NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class GpuSlot:
    """One GPU of the machine, with the room that it has."""

    index: int
    gpu: Gpu
    room: Room

    @property
    def name(self) -> str:
        """What memory of it is called by."""
        return f"gpu{self.index}"


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
    """The fastest devices that have the room: GPUs alone, with a part of the layers, or none.

    `taken` is what other models take of each device.
    """
    cpu = on_processor(need, facts, room_of(machine, budget_bytes).without(taken.get("cpu", 0)))
    left = None if budget_bytes is None else budget_bytes - sum(taken.values())
    best = cpu
    for slots in _groups(machine, budget_bytes, taken) if facts.layers else ():
        layers = _most_layers(cpu, facts, slots)
        placed = with_layers(cpu, facts, slots, layers) if layers else cpu
        if not placed.verdict.usable or not _within(placed, left):
            continue
        if placed.device.kind is DeviceKind.GPU and placed.verdict is Verdict.FITS:
            return placed
        if placed.device.gpu_layers > best.device.gpu_layers:
            best = placed
    return best


def _groups(
    machine: Machine, budget_bytes: int | None, taken: Mapping[str, int]
) -> Iterator[tuple[GpuSlot, ...]]:
    """The GPUs that may be taken together: the one with the most room, the best two, and so on."""
    slots = [
        GpuSlot(at, gpu, gpu_room(gpu, machine, budget_bytes).without(taken.get(f"gpu{at}", 0)))
        for at, gpu in enumerate(machine.gpus)
    ]
    slots.sort(key=lambda one: -one.gpu.memory_free_bytes)
    first = slots[:1]
    others = [one for one in slots[1:] if _go_together(slots[0].gpu, one.gpu)]
    for count in range(len(others) + 1 if first else 0):
        yield (*first, *others[:count])


def _go_together(one: Gpu, other: Gpu) -> bool:
    """Whether one engine computes on both, each with its own memory."""
    return one.backend is other.backend and not (one.integrated or other.integrated)


def _most_layers(cpu: Placed, facts: ModelFacts, slots: Sequence[GpuSlot]) -> int:
    """How many layers the GPUs have room for.

    More layers take more of them and less of the processor's memory: where so many leave too much
    with the processor, fewer would leave more.
    """

    def is_too_much(layers: int) -> bool:
        need = with_layers(cpu, facts, slots, layers).need
        return any(not judge(need.of(device=one.name), one.room).usable for one in slots)

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


def with_layers(cpu: Placed, facts: ModelFacts, slots: Sequence[GpuSlot], layers: int) -> Placed:
    """`cpu` with the last `layers` layers on GPUs, and the output matrix where all are."""
    whole = layers == facts.layers
    shares = _shares(slots, layers)
    stays, taken, behind = list(cpu.need.taken), [], layers
    for slot, count in shares:
        behind -= count
        wanted = {
            Part.WEIGHTS: _weights(cpu.need, facts, count, behind, whole=whole),
            Part.KV: round(cpu.need.kv_bytes * (count + behind) / facts.layers)
            - round(cpu.need.kv_bytes * behind / facts.layers),
        }
        stays, moved = _divided(stays, wanted)
        # Scratch memory is needed on each, and the driver's own is the GPU's.
        moved |= {Part.COMPUTE: cpu.need.compute_bytes, Part.PROCESS: DRIVER_BYTES}
        taken += [Taken(part, slot.name, size) for part, size in moved.items() if size]
    taken = [one for one in (*stays, *taken) if one.size_bytes]
    rooms = (("cpu", cpu.rooms[0][1]), *((slot.name, slot.room) for slot, _ in shares))
    if shares[0][0].gpu.integrated:  # one memory: everything counts against what the GPU may use
        name = shares[0][0].name
        taken = [Taken(one.part, name, one.size_bytes, one.buffer) for one in taken]
        rooms = rooms[1:]
    return Placed(_device(facts, shares), MemoryNeed(tuple(taken), cpu.need.source), rooms)


def _shares(slots: Sequence[GpuSlot], layers: int) -> list[tuple[GpuSlot, int]]:
    """The layers of each GPU, by the memory it has; those that get none are left out."""
    whole, done, found = sum(one.room.available_bytes for one in slots), 0, []
    upto = 0
    for one in slots:
        upto += one.room.available_bytes
        end = round(layers * upto / whole) if whole else layers
        found.append((one, end - done))
        done = end
    return [(slot, count) for slot, count in found if count]


def _device(facts: ModelFacts, shares: Sequence[tuple[GpuSlot, int]]) -> Device:
    layers = sum(count for _, count in shares)
    counted = Counter(slot.gpu.name for slot, _ in shares)
    names = [f"{count} x {name}" if count > 1 else name for name, count in counted.items()]
    return Device(
        DeviceKind.GPU if layers == facts.layers else DeviceKind.SPLIT,
        facts.layers,
        shares[0][0].index,
        layers,
        " and ".join(names),
        tuple(GpuShare(slot.index, count) for slot, count in shares),
    )


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


def _weights(need: MemoryNeed, facts: ModelFacts, layers: int, behind: int, *, whole: bool) -> int:
    """The bytes of `layers` layers with so many behind them; the tokens' vectors stay behind.

    The output matrix goes with the last layer, where all layers go.
    """
    layout = facts.layout
    if not any(layout.layer_bytes):
        return round(need.weights_bytes * layers / facts.layers)
    end = len(layout.layer_bytes) - behind
    own = sum(layout.layer_bytes[end - layers : end])
    last = whole and not behind
    return own + (max(0, layout.other_bytes - layout.embedding_bytes) if last else 0)
