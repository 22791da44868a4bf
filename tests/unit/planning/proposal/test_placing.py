"""Layers go on a GPU as far as they fit; both memories are judged, and nothing is lost between."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.memory import Part
from stoker.core.plan import DeviceKind, Verdict
from stoker.core.units import GIB
from stoker.planning.proposal.counting import count_plainly
from stoker.planning.proposal.fitting import room_of
from stoker.planning.proposal.placing import (
    DRIVER_BYTES,
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


def test_a_budget_counts_on_all_devices_together() -> None:
    question = ask("Llama-3.1-8B", "gaming", gpus=True, budget_bytes=5 * GIB)
    found = question.placed(count_plainly(draft(question)), question.model.facts)
    assert not found.verdict.usable or found.need.total_bytes <= 5 * GIB


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
    place_of = (0, gpu, gpu_room(gpu, machine))
    every = (with_layers(cpu, facts, place_of, count) for count in range(facts.layers, 0, -1))
    assert found == next((one for one in every if one.verdict.usable), cpu)
