"""Layers go on a GPU as far as they fit; both memories are judged, and nothing is lost between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.memory import MemoryNeed, Part, Taken
from stoker.core.plan import DeviceKind, Verdict
from stoker.core.units import GIB
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.fitting import room_of
from stoker.planning.proposal.placing import (
    DRIVER_BYTES,
    GpuSlot,
    Placed,
    gpu_room,
    on_processor,
    place,
    with_layers,
)
from stoker.planning.proposal.proposing import draft
from stoker.testing.machines import MACHINES
from support.planning import ENTRIES, ask


def placed(name: str, machine: str, free_gib: float | None = None) -> Placed:
    question = ask(name, machine, gpus=True)
    here = MACHINES[machine]
    if free_gib is not None:
        gpu = replace(here.gpus[0], memory_free_bytes=int(free_gib * GIB))
        here = replace(here, gpus=(gpu,))
    plan = draft(ask(name, "server"))
    return place(count_plainly(plan), question.model.facts, here)


@pytest.mark.parametrize(
    ("name", "machine", "kind"),
    [
        ("Llama-3.1-8B", "gaming", DeviceKind.GPU),
        ("Llama-3.1-70B", "gaming", DeviceKind.SPLIT),
        ("Llama-3.1-8B", "laptop", DeviceKind.CPU),
        ("Llama-3.1-8B", "mac", DeviceKind.GPU),
    ],
)
def test_where_models_go(name: str, machine: str, kind: DeviceKind) -> None:
    assert placed(name, machine).device.kind is kind


def test_a_split_fills_the_gpu_and_leaves_the_rest_with_the_processor() -> None:
    found = placed("Llama-3.1-70B", "gaming")
    device = found.device
    assert 0 < device.gpu_layers < device.layers == 80
    assert found.verdict.usable
    on_gpu = found.need.of(device="gpu0")
    assert 0.9 * 23 * GIB < on_gpu <= 23 * GIB
    assert found.need.of(device="cpu") > 15 * GIB


def test_nothing_is_lost_on_the_way_to_a_gpu() -> None:
    cpu, gpu = placed("Llama-3.1-8B", "laptop").need, placed("Llama-3.1-8B", "gaming").need
    assert gpu.weights_bytes == cpu.weights_bytes
    assert gpu.kv_bytes == cpu.kv_bytes
    # The driver's own part, and scratch memory on both.
    assert gpu.total_bytes == cpu.total_bytes + DRIVER_BYTES + cpu.compute_bytes


def test_less_free_memory_never_puts_more_layers_on_the_gpu() -> None:
    layers = [placed("Phi-4", "gaming", free).device.gpu_layers for free in (23, 8, 4, 2, 0.1)]
    assert layers == sorted(layers, reverse=True)
    assert (layers[0], layers[-1]) == (40, 0)


def test_an_integrated_gpu_shares_the_machines_memory() -> None:
    found = placed("Llama-3.1-8B", "mac")
    assert found.need.of(device="cpu") == 0
    assert [name for name, _ in found.rooms] == ["gpu0"]
    assert found.verdict is Verdict.FITS


@pytest.mark.parametrize(
    ("budget_gib", "kind", "usable"),
    [(9, DeviceKind.GPU, True), (6.5, DeviceKind.GPU, True), (3, DeviceKind.CPU, False)],
)
def test_a_budget_counts_on_all_devices_together(
    budget_gib: float, kind: DeviceKind, *, usable: bool
) -> None:
    budget = int(budget_gib * GIB)
    question = ask("Llama-3.1-8B", "gaming", gpus=True, budget_bytes=budget)
    found = question.placed(count_plainly(draft(question)), question.model.facts)
    assert (found.device.kind, found.verdict.usable) == (kind, usable)
    assert (found.need.total_bytes <= budget) is usable


@pytest.mark.slow
@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=4),
    st.lists(st.integers(1, 100), min_size=1, max_size=3),
    st.sampled_from(["Llama-3.1-8B", "Llama-3.1-70B", "Gemma-3-27B"]),
)
@settings(max_examples=60, deadline=None)
def test_however_an_engine_tells_a_part_in_buffers_its_sum_is_kept(
    weights: list[int], kv: list[int], name: str
) -> None:
    facts, machine = ask(name).model.facts, MACHINES["gaming"]
    whole = count_plainly(draft(ask(name, "server")))
    parts = {Part.WEIGHTS: weights, Part.KV: kv}
    taken = [two for one in whole.taken for two in in_buffers(one, parts.get(one.part, [1]))]
    told = place(MemoryNeed(tuple(taken), "engine"), facts, machine)
    plain = place(whole, facts, machine)
    assert told.device == plain.device
    for part in (Part.WEIGHTS, Part.KV):
        assert told.need.of(part) == whole.of(part)
        assert told.need.of(part, device="gpu0") == plain.need.of(part, device="gpu0") > 0
    assert all(one.size_bytes > 0 for one in told.need.taken)


def in_buffers(one: Taken, shares: list[int]) -> list[Taken]:
    """`one` as an engine tells it: in several buffers of these shares."""
    sizes = [one.size_bytes * share // sum(shares) for share in shares]
    sizes[0] += one.size_bytes - sum(sizes)
    return [Taken(one.part, one.device, size, buffer=f"CPU_{at}") for at, size in enumerate(sizes)]


def test_the_tokens_vectors_stay_with_the_processor() -> None:
    found = placed("Llama-3.1-8B", "gaming")
    stays = found.need.of(Part.WEIGHTS, device="cpu")
    assert stays == pytest.approx(found.need.weights_bytes * 128256 * 4096 / 8.03e9, rel=0.01)


@given(st.sampled_from(sorted(ENTRIES)), st.floats(0.1, 200), st.floats(0.1, 200))
def test_no_other_number_of_layers_on_the_gpu_would_be_better(
    name: str, gpu_gib: float, own_gib: float
) -> None:
    """As counted one by one, from all layers down."""
    here = MACHINES["gaming"]
    gpu = replace(here.gpus[0], memory_free_bytes=int(gpu_gib * GIB))
    machine = replace(here, gpus=(gpu,), memory_available_bytes=int(own_gib * GIB))
    plan = draft(ask(name, "server"))
    facts, need = plan.model.facts, count_plainly(plan)
    found = place(need, facts, machine)
    cpu = on_processor(need, facts, room_of(machine))
    slots = (GpuSlot(0, gpu, gpu_room(gpu, machine)),)
    every = (with_layers(cpu, facts, slots, count) for count in range(facts.layers, 0, -1))
    assert found == next((one for one in every if one.verdict.usable), cpu)


def several(name: str, *free_gib: float, integrated: bool = False) -> Placed:
    """A model of the catalogue on equal GPUs with so much free memory."""
    here = MACHINES["gaming"]
    gpus = tuple(
        replace(here.gpus[0], memory_free_bytes=int(free * GIB), integrated=integrated)
        for free in free_gib
    )
    plan = replace(draft(ask(name, "server")), slots=1)
    return place(count_plainly(plan), plan.model.facts, replace(here, gpus=gpus))


def test_two_gpus_hold_what_one_cannot() -> None:
    assert several("Llama-3.1-70B", 23).device.kind is DeviceKind.SPLIT
    found = several("Llama-3.1-70B", 23, 23)
    assert found.device.kind is DeviceKind.GPU
    assert [(one.gpu, one.layers) for one in found.device.shares] == [(0, 40), (1, 40)]
    assert found.device.name == "2 x NVIDIA GeForce RTX 4090"
    assert [name for name, _ in found.rooms] == ["cpu", "gpu0", "gpu1"]


def test_what_one_gpu_holds_stays_on_the_one_with_the_most_room() -> None:
    found = several("Llama-3.1-8B", 12, 20)
    assert [(one.gpu, one.layers) for one in found.device.shares] == [(1, 32)]


def test_a_second_gpu_is_taken_where_one_has_nothing_to_spare() -> None:
    alone, both = several("Qwen3-30B-A3B", 19), several("Qwen3-30B-A3B", 19, 19)
    assert (alone.device.kind, alone.verdict) == (DeviceKind.GPU, Verdict.TIGHT)
    assert (len(both.device.shares), both.verdict) == (2, Verdict.FITS)


def test_gpus_that_share_the_machines_memory_are_not_added_up() -> None:
    assert len(several("Llama-3.1-70B", 23, 23, integrated=True).device.shares) <= 1


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Llama-3.1-8B", "Llama-3.1-70B", "Gemma-3-27B", "gpt-oss-120b"]),
    st.lists(st.floats(0.5, 90), min_size=2, max_size=4),
)
def test_nothing_is_lost_between_several_gpus_and_each_has_the_room(
    name: str, free_gib: list[float]
) -> None:
    found, alone = several(name, *free_gib), several(name, max(free_gib))
    count = len(found.device.shares)
    whole = count_plainly(replace(draft(ask(name, "server")), slots=1))
    assert found.need.weights_bytes == whole.weights_bytes
    assert found.need.kv_bytes == whole.kv_bytes
    extra = count * (DRIVER_BYTES + whole.compute_bytes)
    assert found.need.total_bytes == whole.total_bytes + extra
    assert sum(one.layers for one in found.device.shares) == found.device.gpu_layers
    if found.device.kind is not DeviceKind.CPU:
        assert found.verdict.usable
        assert found.device.gpu_layers >= alone.device.gpu_layers
