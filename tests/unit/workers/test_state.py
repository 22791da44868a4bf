"""The life of a worker: what may follow what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.workers.state import (
    COMING_UP,
    FINAL,
    TRANSITIONS,
    IllegalTransitionError,
    WorkerEvent,
    WorkerState,
    after,
    can,
)

EVENTS = st.lists(st.sampled_from(WorkerEvent), max_size=30)


def lived(events: list[WorkerEvent]) -> list[WorkerState]:
    """Every state that a worker passes through; steps that do not exist are not taken."""
    states = [WorkerState.COLD]
    for event in events:
        if can(states[-1], event):
            states.append(after(states[-1], event))
    return states


@given(EVENTS)
def test_no_state_is_entered_twice(events: list[WorkerEvent]) -> None:
    states = lived(events)
    assert len(states) == len(set(states))


@given(EVENTS)
def test_nothing_follows_an_end(events: list[WorkerEvent]) -> None:
    assert all(state not in FINAL for state in lived(events)[:-1])


@given(EVENTS)
def test_ready_comes_only_from_a_real_answer_while_coming_up(events: list[WorkerEvent]) -> None:
    states = lived(events)
    if WorkerState.READY in states:
        assert states[states.index(WorkerState.READY) - 1] is WorkerState.WARMING


@given(st.sampled_from(WorkerState), st.sampled_from(WorkerEvent))
def test_a_step_outside_the_table_raises(state: WorkerState, event: WorkerEvent) -> None:
    if can(state, event):
        assert after(state, event) is TRANSITIONS[state, event]
    else:
        with pytest.raises(IllegalTransitionError, match=state.value):
            after(state, event)


@pytest.mark.parametrize("state", sorted(COMING_UP | {WorkerState.READY, WorkerState.DRAINING}))
def test_every_living_state_can_fail(state: WorkerState) -> None:
    assert after(state, WorkerEvent.FAIL) is WorkerState.FAILED


def test_every_state_reaches_an_end() -> None:
    ending = set(FINAL)
    for _ in WorkerState:
        ending |= {state for (state, _), to in TRANSITIONS.items() if to in ending}
    assert ending == set(WorkerState)
