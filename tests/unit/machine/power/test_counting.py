"""Counters become watts through wraps; a meter that does not tell all the time tells nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.power import Power
from stoker.machine.power.counting import (
    Count,
    Meter,
    Reading,
    Sees,
    Span,
    mean_watts,
    power_of,
    scope_of,
    span_between,
)

PACKAGE, OTHER = Meter(Sees.PACKAGE, "package-0"), Meter(Sees.PACKAGE, "package-1")
MEMORY, GPU = Meter(Sees.MEMORY, "package-0 memory"), Meter(Sees.GPU, "GPU 0")
PLATFORM = Meter(Sees.PLATFORM, "psys")
MOST = 262_143_328_850


def shown(at_s: float, energy_uj: int, most: int | None = MOST, meter: Meter = PACKAGE) -> Reading:
    return Reading(at_s, (Count(meter, energy_uj, most),))


def span(seconds: float, **watts: float) -> Span:
    meters = {"package": PACKAGE, "memory": MEMORY, "gpu": GPU, "platform": PLATFORM}
    return Span(seconds, {meters[name]: value * seconds for name, value in watts.items()})


def test_energy_that_rose_is_joules() -> None:
    found = span_between(shown(10.0, 1_000_000), shown(12.0, 31_000_000))
    assert found == Span(2.0, {PACKAGE: 30.0})


@given(st.integers(0, MOST - 1), st.integers(0, MOST - 1))
def test_a_counter_that_begins_anew_loses_nothing(start: int, rise: int) -> None:
    found = span_between(shown(0.0, start), shown(1.0, (start + rise) % MOST))
    assert found is not None
    assert found.joules[PACKAGE] == pytest.approx(rise / 1e6)


@pytest.mark.parametrize("most", [None, 0, 1_000_000])
def test_a_counter_that_went_back_and_says_not_where_it_begins_tells_nothing(
    most: int | None,
) -> None:
    assert span_between(shown(0.0, 5_000_000, most), shown(1.0, 0, most)) is None


def test_a_meter_that_comes_or_goes_tells_nothing_of_the_span() -> None:
    both = Reading(1.0, (Count(PACKAGE, 10, MOST), Count(OTHER, 10, MOST)))
    assert span_between(shown(0.0, 0), both) == Span(1.0, {PACKAGE: 1e-05})
    assert span_between(both, replace(shown(2.0, 30), at_s=2.0)) == Span(1.0, {PACKAGE: 2e-05})
    assert span_between(shown(0.0, 0), shown(1.0, 5, meter=OTHER)) is None


@pytest.mark.parametrize("end_s", [0.0, -1.0])
def test_where_no_time_passed_there_is_no_span(end_s: float) -> None:
    assert span_between(shown(0.0, 0), shown(end_s, 5)) is None


def test_watts_of_an_instant_are_averaged_over_the_ends() -> None:
    first, last = (Reading(at, (Count(GPU, watts=watts),)) for at, watts in ((0.0, 40), (2.0, 60)))
    assert span_between(first, last) == Span(2.0, {GPU: 100.0})
    counting = Reading(1.0, (Count(GPU, 5),))
    assert span_between(first, counting) is None


def test_the_mean_is_over_time_and_of_meters_that_told_it_always() -> None:
    spans = [span(1.0, package=10, gpu=5), span(3.0, package=30)]
    assert mean_watts(spans) == {PACKAGE: 25.0}
    assert mean_watts([]) == {}


def test_parts_are_added_and_named() -> None:
    idle, load = span(2.0, package=10, memory=2, gpu=20), span(60.0, package=70, memory=8, gpu=21)
    found = power_of([idle], [load])
    assert found == Power(32.0, 99.0, "processor package, memory and GPU", 2.0, 60.0)


def test_of_two_lower_bounds_the_larger_counts() -> None:
    idle = [span(2.0, package=10, platform=25)]
    more = power_of(idle, [span(9.0, package=70, platform=90)])
    assert (more.watts_idle, more.watts_load, more.scope) == (25.0, 90.0, "platform")
    stuck = power_of([span(2.0, package=10, platform=0)], [span(9.0, package=70, platform=0)])
    assert (stuck.watts_load, stuck.scope) == (70.0, "processor package")


@pytest.mark.parametrize(
    ("idle", "load"),
    [
        ([], []),
        ([span(1.0, package=5)], []),
        ([span(1.0, gpu=5)], [span(1.0, gpu=50)]),
        ([span(1.0, package=5)], [span(1.0, package=5)]),
        ([span(1.0, package=0)], [span(1.0, package=0)]),
        ([span(1.0, package=9)], [span(1.0, package=5)]),
    ],
)
def test_without_a_meter_of_what_works_there_is_a_reason_and_no_figure(
    idle: list[Span], load: list[Span]
) -> None:
    found = power_of(idle, load)
    assert not found.is_known
    assert found.missing


def test_several_packages_are_counted() -> None:
    assert scope_of([PACKAGE, OTHER]) == "2 processor packages"
    assert scope_of([MEMORY, MEMORY, OTHER]) == "processor package and memory"
    assert scope_of([]) == ""


def test_half_a_figure_is_none() -> None:
    with pytest.raises(ValueError, match="missing"):
        Power(watts_idle=3.0)
    with pytest.raises(ValueError, match="below"):
        Power(5.0, 3.0)
