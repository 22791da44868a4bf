"""The life of one worker as a pure state machine.

Owns the states, the events and the one table that joins them. Starts nothing and waits for
nothing: `worker` does, and asks here first whether it may.
"""

from __future__ import annotations

from enum import StrEnum


class WorkerState(StrEnum):
    """Where a worker stands in its life."""

    COLD = "cold"
    STARTING = "starting"
    LOADING = "loading"
    WARMING = "warming"
    READY = "ready"
    DRAINING = "draining"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class WorkerEvent(StrEnum):
    """What can happen to a worker."""

    START = "start"
    LOAD = "load"
    LISTEN = "listen"
    ANSWER = "answer"
    DRAIN = "drain"
    STOP = "stop"
    EXIT = "exit"
    FAIL = "fail"


class IllegalTransitionError(RuntimeError):
    """Our own code asked for a step that a worker's life does not have: a defect in Stoker."""


S, E = WorkerState, WorkerEvent

TRANSITIONS: dict[tuple[WorkerState, WorkerEvent], WorkerState] = {
    (S.COLD, E.START): S.STARTING,
    (S.COLD, E.STOP): S.STOPPED,
    (S.STARTING, E.LOAD): S.LOADING,
    (S.STARTING, E.LISTEN): S.WARMING,
    (S.LOADING, E.LISTEN): S.WARMING,
    (S.WARMING, E.ANSWER): S.READY,
    (S.READY, E.DRAIN): S.DRAINING,
    (S.STARTING, E.STOP): S.STOPPING,
    (S.LOADING, E.STOP): S.STOPPING,
    (S.WARMING, E.STOP): S.STOPPING,
    (S.DRAINING, E.STOP): S.STOPPING,
    (S.STOPPING, E.EXIT): S.STOPPED,
    (S.STARTING, E.FAIL): S.FAILED,
    (S.LOADING, E.FAIL): S.FAILED,
    (S.WARMING, E.FAIL): S.FAILED,
    (S.READY, E.FAIL): S.FAILED,
    (S.DRAINING, E.FAIL): S.FAILED,
    (S.STOPPING, E.FAIL): S.FAILED,
}

FINAL = frozenset({S.STOPPED, S.FAILED})
COMING_UP = frozenset({S.STARTING, S.LOADING, S.WARMING})


def after(state: WorkerState, event: WorkerEvent) -> WorkerState:
    """The state that follows `state` when `event` happens.

    Raises:
        IllegalTransitionError: a worker in `state` cannot meet `event`.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransitionError(f"a worker that is {state} cannot {event}") from None


def can(state: WorkerState, event: WorkerEvent) -> bool:
    """Whether a worker in `state` can meet `event`."""
    return (state, event) in TRANSITIONS
