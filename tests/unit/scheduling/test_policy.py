"""Admission never oversells, never overtakes, and never waits without bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stoker.scheduling.policy import (
    RESTART_DELAY_MAX_S,
    Admission,
    Occupancy,
    admit,
    grants,
    restart_delay_s,
)

occupancies = st.builds(
    Occupancy,
    slots=st.integers(1, 8),
    busy=st.integers(0, 8),
    waiting=st.integers(0, 8),
    queue_max=st.integers(0, 8),
    ready=st.booleans(),
)


@given(occupancies)
def test_a_grant_is_given_only_where_a_slot_is_free_and_nobody_waits(seen: Occupancy) -> None:
    if admit(seen) is Admission.GRANT:
        assert seen.ready
        assert seen.busy < seen.slots
        assert seen.waiting == 0


@given(occupancies)
def test_a_full_queue_refuses(seen: Occupancy) -> None:
    if seen.waiting >= seen.queue_max:
        assert admit(seen) is not Admission.WAIT


@given(occupancies)
def test_grants_fill_the_free_slots_and_no_more(seen: Occupancy) -> None:
    count = grants(seen)
    assert 0 <= count <= seen.waiting
    assert seen.busy + count <= max(seen.slots, seen.busy)
    assert seen.ready or count == 0


def test_the_first_restart_is_immediate_and_later_ones_wait_longer_up_to_a_bound() -> None:
    delays = [restart_delay_s(failures) for failures in range(12)]
    assert delays[:2] == [0, 0]
    assert delays == sorted(delays)
    assert delays[-1] == RESTART_DELAY_MAX_S
