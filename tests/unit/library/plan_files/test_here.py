"""A plan is not run where it cannot be kept, and what differs from its machine is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker import __version__
from stoker.core.errors import NotEnoughMemoryError, PlanElsewhereError
from stoker.core.machine import Machine
from stoker.core.units import GIB, MIB
from stoker.engines.registry import engine_version
from stoker.library.plan_files.executing import prepare
from stoker.library.plan_files.here import differences
from stoker.library.plan_files.plan_file import MachineTable, MemoryTable, ModelTable, PlanFile
from stoker.models.catalogue import starter
from stoker.models.storing.store import Store

CPU = "Some CPU"
HERE = Machine(cores=2, memory_total_bytes=8 * GIB, memory_available_bytes=4 * GIB, cpu=CPU)
OWN = MachineTable(cpu=CPU, cores=2, memory_total_bytes=8 * GIB)
MADE_BY = f"stoker {__version__}, {engine_version()}"


def memory(total_bytes: int) -> MemoryTable:
    others = dict.fromkeys(("kv_bytes", "compute_bytes", "other_bytes", "available_bytes"), 0)
    return MemoryTable(weights_bytes=0, total_bytes=total_bytes, source="engine", **others)


def file_of(
    *totals: int, machine: MachineTable = OWN, made_by: str = MADE_BY, **more: object
) -> PlanFile:
    fields = {"source": "starter", "digest": starter().facts.digest, "context": 512, "slots": 2}
    tables = [
        ModelTable.model_validate(
            {**fields, "name": f"m{number}", "threads": 1, "memory": memory(total), **more}
        )
        for number, total in enumerate(totals or (200 * MIB,))
    ]
    return PlanFile(version=1, model=tables, machine=machine, made_by=made_by)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def warnings(file: PlanFile, store: Store, machine: Machine = HERE) -> tuple[str, ...]:
    return prepare(file, store, machine).warnings


@pytest.mark.parametrize("device", ["gpu", "split"])
def test_a_device_that_the_engine_does_not_compute_on_is_refused(store: Store, device: str) -> None:
    with pytest.raises(PlanElsewhereError, match=f"planned for {device}.* on cpu alone") as caught:
        prepare(file_of(device=device), store, HERE)
    assert "again on this machine" in caught.value.hint


def test_models_that_can_never_be_loaded_together_are_refused(store: Store) -> None:
    assert warnings(file_of(GIB, GIB), store) == ()
    assert warnings(file_of(8 * GIB), store)
    with pytest.raises(NotEnoughMemoryError, match="never") as caught:
        prepare(file_of(5 * GIB, 4 * GIB), store, HERE)
    assert "again on this machine" in caught.value.hint


def test_what_others_hold_now_is_said_and_not_refused(store: Store) -> None:
    (warning,) = warnings(file_of(5 * GIB), store)
    assert "does not fit now" in warning
    assert "1 GiB more must become free" in warning


@pytest.mark.parametrize("table", [None, memory(200 * MIB)])
def test_settings_that_were_changed_by_hand_take_what_they_take(
    store: Store, table: MemoryTable | None
) -> None:
    """16 million tokens in 256 slots, whatever the file still says of its memory."""
    huge = file_of(memory=table, context=1 << 24, slots=256)
    with pytest.raises(NotEnoughMemoryError, match="never"):
        prepare(huge, store, HERE)


def test_the_machine_and_engine_that_it_was_made_for_say_nothing(store: Store) -> None:
    assert warnings(file_of(), store) == ()
    assert warnings(file_of(machine=MachineTable(), made_by=""), store) == ()
    near = replace(HERE, memory_total_bytes=round(8.1 * GIB), name="renamed")
    assert differences(file_of(), near) == ()


@pytest.mark.parametrize(
    ("machine", "made_by", "words"),
    [
        ({"cpu": "Other CPU"}, MADE_BY, "Other CPU, here Some CPU"),
        ({"cores": 16}, MADE_BY, "16 cores, here 2"),
        ({"memory_total_bytes": 999 << 40}, MADE_BY, "999 TiB of memory, here 8 GiB"),
        ({}, "stoker 9, engine 1", "made by stoker 9, engine 1, here"),
    ],
)
def test_another_machine_or_engine_is_said_and_its_predictions_with_it(
    store: Store, machine: dict[str, object], made_by: str, words: str
) -> None:
    planned = file_of(machine=OWN.model_copy(update=machine), made_by=made_by)
    (warning,) = warnings(planned, store)
    assert words in warning
    assert "what it predicts does not hold here" in warning
