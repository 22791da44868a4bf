"""Named machines that are not here."""

from __future__ import annotations

import pytest

from stoker.core.errors import InvalidMachineError, NotFoundError
from stoker.core.units import GIB
from stoker.machine.document import document_of, machine_of
from stoker.machine.presets import FREE_SHARE, Preset, find_preset, presets


@pytest.mark.parametrize("preset", presets(), ids=lambda preset: preset.name)
def test_each_is_a_whole_machine(preset: Preset) -> None:
    machine = preset.machine
    assert machine_of(document_of(machine)) == machine
    assert 1 <= machine.cores <= machine.threads
    assert 0 < machine.memory_available_bytes < machine.memory_total_bytes
    assert (machine.memory_peak_bytes_s or 0) > 0
    assert machine.features
    for gpu in machine.gpus:
        assert 0 < gpu.memory_free_bytes < gpu.memory_total_bytes or gpu.integrated
        assert (gpu.bandwidth_bytes_s or 0) > 0
    assert machine.measured.taken_unix_s == 0


def test_names_stand_once_and_are_easy_to_type() -> None:
    names = [preset.name for preset in presets()]
    assert len(set(names)) == len(names) >= 35
    assert all(name == name.lower() and name.replace("-", "").isalnum() for name in names)


def test_another_amount_of_memory_reaches_the_gpu_that_shares_it() -> None:
    small, large = find_preset("m2-max:32").machine, find_preset("M2-Max:96").machine
    assert small.memory_total_bytes == 32 * GIB
    assert large.name == "m2-max:96"
    assert large.memory_available_bytes == int(96 * GIB * FREE_SHARE)
    assert large.gpus[0].memory_total_bytes == 72 * GIB
    assert large.gpus[0].bandwidth_bytes_s == small.gpus[0].bandwidth_bytes_s
    assert "96 GiB" in find_preset("m2-max:96").assumed


def test_another_amount_of_memory_does_not_change_a_card() -> None:
    (gpu,) = find_preset("rtx-4090:128").machine.gpus
    assert gpu.memory_total_bytes == 24 * GIB


def test_two_cards_are_two() -> None:
    assert len(find_preset("2x-rtx-3090").machine.gpus) == 2


@pytest.mark.parametrize(
    "size",
    ["", "0", "x", "-4", "1.5", "9" * 30, "²", "000000001" + "0" * 5000, "00000000199999", "65537"],
)
def test_an_amount_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(InvalidMachineError):
        find_preset(f"m1:{size}")


def test_a_name_that_nearly_is_one_is_helped() -> None:
    with pytest.raises(NotFoundError) as caught:
        find_preset("rtx4090")
    assert "rtx-4090" in caught.value.hint
    with pytest.raises(NotFoundError) as caught:
        find_preset("x" * 500)
    assert len(caught.value.message) < 200
