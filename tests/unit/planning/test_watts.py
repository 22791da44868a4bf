"""Given watts win over read ones, and those over assumed ones; whose they are is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.costs import LocalCosts, Source
from stoker.core.power import Power
from stoker.planning.watts import describe_watts, with_watts
from stoker.published.judgement import load_judgement
from stoker.testing.machines import MACHINES

JUDGEMENT, LAPTOP = load_judgement(), MACHINES["laptop"]
READ = Power(12.0, 48.0, "processor package")
UNREAD = Power(missing="no meter here")
WATTS = st.none() | st.floats(0, 2000)


def test_what_was_given_is_kept() -> None:
    given_both = LocalCosts(watts_idle=40, watts_load=180)
    assert with_watts(given_both, LAPTOP, JUDGEMENT, READ) == given_both
    assert describe_watts(given_both) == "40 W idle and 180 W under load, as given"


def test_what_was_read_is_used_and_never_passed_off_as_the_whole() -> None:
    found = with_watts(LocalCosts(), LAPTOP, JUDGEMENT, READ)
    assert (found.watts_idle, found.watts_load) == (12.0, 48.0)
    assert found.watts_source is Source.READ
    told = describe_watts(found)
    assert "processor package" in told
    assert "the whole machine draws more" in told


@pytest.mark.parametrize("power", [None, Power(), UNREAD])
def test_what_was_neither_is_assumed_with_why(power: Power | None) -> None:
    found = with_watts(LocalCosts(), LAPTOP, JUDGEMENT, power)
    assert found.watts_source is Source.ASSUMED
    assert (found.watts_idle, found.watts_load) == (
        JUDGEMENT.watts_cpu.idle,
        JUDGEMENT.watts_cpu.load,
    )
    told = describe_watts(found)
    assert "assumed" in told
    assert ("no meter here" in told) == (power is UNREAD)


def test_a_machine_with_its_own_gpu_is_assumed_to_draw_more() -> None:
    found = with_watts(LocalCosts(), MACHINES["gaming"], JUDGEMENT)
    assert found.watts_load == JUDGEMENT.watts_gpu.load


def test_idle_watts_at_the_wall_keep_what_work_adds() -> None:
    found = with_watts(LocalCosts(watts_idle=35), LAPTOP, JUDGEMENT, READ)
    assert (found.watts_idle, found.watts_load, found.watts_source) == (35, 71.0, Source.READ)


@given(WATTS, WATTS, st.sampled_from([None, READ, UNREAD]))
def test_given_figures_win_and_load_is_never_below_idle(
    idle: float | None, load: float | None, power: Power | None
) -> None:
    if idle is not None and load is not None and load < idle:
        idle, load = load, idle
    found = with_watts(LocalCosts(watts_idle=idle, watts_load=load), LAPTOP, JUDGEMENT, power)
    assert found.watts_idle is not None
    assert found.watts_load is not None
    assert found.watts_idle <= found.watts_load
    assert found.watts_idle == (found.watts_idle if idle is None else idle)
    assert found.watts_load == (found.watts_load if load is None else load)


def test_without_watts_there_is_nothing_to_say() -> None:
    assert describe_watts(replace(LocalCosts(), watts_idle=3)) == ""
