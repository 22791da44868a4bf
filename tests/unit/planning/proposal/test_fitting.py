"""A verdict follows from what is needed, what is available, what there is, and a spare part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.plan import Verdict
from stoker.core.units import GIB, MIB
from stoker.planning.proposal.fitting import Room, judge, room_of, say_verdict, spare_bytes, worst
from stoker.testing.machines import MACHINES

SIZES = st.integers(0, 1 << 44)
ROOMS = st.builds(
    lambda now, more, budget: Room(now, now + more, budget), SIZES, SIZES, st.none() | SIZES
)


@pytest.mark.parametrize(
    ("need", "verdict"),
    [
        (1 * GIB, Verdict.FITS),
        (11 * GIB, Verdict.TIGHT),
        (12 * GIB, Verdict.TIGHT),
        (12 * GIB + 1, Verdict.DOES_NOT_FIT_NOW),
        (16 * GIB, Verdict.DOES_NOT_FIT_NOW),
        (16 * GIB + 1, Verdict.CAN_NEVER_FIT),
    ],
)
def test_the_verdicts_on_a_laptop_with_12_of_16_gib_free(need: int, verdict: Verdict) -> None:
    assert judge(need, room_of(MACHINES["laptop"])) is verdict


def test_a_budget_bounds_what_may_be_taken_and_needs_no_spare_part_for_others() -> None:
    room = room_of(MACHINES["laptop"], 2 * GIB)
    assert (room.available_bytes, room.most_bytes) == (2 * GIB, 2 * GIB)
    assert spare_bytes(GIB, room) == round(0.05 * GIB)
    assert judge(GIB, room) is Verdict.FITS
    assert judge(2 * GIB, room) is Verdict.TIGHT
    assert judge(3 * GIB, room) is Verdict.CAN_NEVER_FIT


def test_a_budget_above_what_is_free_is_bounded_by_what_is_free() -> None:
    room = room_of(MACHINES["laptop"], 14 * GIB)
    assert room.available_bytes == 12 * GIB
    assert judge(13 * GIB, room) is Verdict.DOES_NOT_FIT_NOW


def test_what_another_model_takes_is_gone() -> None:
    room = room_of(MACHINES["laptop"], 8 * GIB).without(6 * GIB)
    assert room.available_bytes == 2 * GIB
    assert room.without(100 * GIB).available_bytes == 0


@given(SIZES, ROOMS)
def test_what_fits_never_exceeds_what_is_available(need: int, room: Room) -> None:
    verdict = judge(need, room)
    assert verdict.usable == (need <= room.available_bytes)
    if verdict is Verdict.FITS:
        assert need + spare_bytes(need, room) <= room.available_bytes


@given(SIZES, SIZES, ROOMS)
def test_more_is_never_judged_better(one: int, other: int, room: Room) -> None:
    less, more = sorted((one, other))
    assert worst([judge(less, room), judge(more, room)]) is judge(more, room)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_is_said_with_both_figures(verdict: Verdict) -> None:
    room = Room(512 * MIB, GIB)
    words = say_verdict(verdict, 700 * MIB, room)
    assert "700 MiB" in words
    assert ("1 GiB" if verdict is Verdict.CAN_NEVER_FIT else "512 MiB") in words


def test_nothing_is_wrong_with_nothing() -> None:
    assert worst([]) is Verdict.FITS
