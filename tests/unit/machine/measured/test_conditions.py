"""When a measurement holds, and when it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stoker.core.machine import Machine
from stoker.machine.measured.conditions import changed, conditions_of, mark_of, was_disturbed

MACHINE = Machine(4, 1 << 30, 1 << 29, cpu="A", threads=8, quota_cores=2.5, features=("avx2",))


def test_memory_that_others_take_changes_nothing() -> None:
    now = replace(MACHINE, memory_available_bytes=1, disk_free_bytes=2, memory_pressure=0.5)
    assert changed(conditions_of(MACHINE, "e 1"), conditions_of(now, "e 1")) == ()


@pytest.mark.parametrize(
    ("now", "engine", "names"),
    [
        (replace(MACHINE, cores=2), "e 1", ("cores",)),
        (replace(MACHINE, efficiency_cores=2), "e 1", ("efficiency_cores",)),
        (replace(MACHINE, quota_cores=None), "e 1", ("quota_cores",)),
        (replace(MACHINE, cpu="B", features=()), "e 1", ("cpu", "features")),
        (MACHINE, "e 2", ("engine",)),
    ],
)
def test_what_matters_is_named(now: Machine, engine: str, names: tuple[str, ...]) -> None:
    assert changed(conditions_of(MACHINE, "e 1"), conditions_of(now, engine)) == names


def test_a_condition_that_was_not_kept_has_changed() -> None:
    assert changed((), (("cpu", "A"),)) == ("cpu",)
    assert changed((("cpu", "A"),), ()) == ("cpu",)


@pytest.mark.parametrize(
    ("then", "now", "disturbed"),
    [
        (0.8, 0.0, True),
        (0.8, 0.5, False),
        (0.05, 0.0, False),
        (None, 0.0, False),
        (0.8, None, False),
    ],
)
def test_a_disturbed_measurement_waits_for_a_calm_machine(
    then: float | None, now: float | None, disturbed: bool
) -> None:
    assert was_disturbed(then, now) is disturbed


def test_the_mark_is_the_same_for_the_same_conditions_alone() -> None:
    one = conditions_of(MACHINE, "engine 1")
    assert mark_of(one) == mark_of(tuple(one))
    assert mark_of(one).startswith("engine 1 ")
    assert mark_of(one) != mark_of(conditions_of(replace(MACHINE, cores=99), "engine 1"))
    assert mark_of(one) != mark_of(conditions_of(MACHINE, "engine 2"))
