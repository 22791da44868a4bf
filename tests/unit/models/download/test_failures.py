"""What is tried again, how often, and after how long."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import (
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
)
from stoker.models.download.events import DownloadEvent, Retrying
from stoker.models.download.failures import (
    Patience,
    TransientError,
    backoff_s,
    refusal,
    retry_after_s,
)
from stoker.models.download.limits import DownloadLimits, Timing
from stoker.testing.clock import ManualClock

NOW_S = 1_700_000_000.0
LIMITS = DownloadLimits(tries=3, tries_in_all=5, backoff_s=1.0, backoff_max_s=4.0)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 522])
def test_what_may_pass_is_tried_again(status: int) -> None:
    found = refusal(status, "here", retry_after="7", now_unix_s=NOW_S)
    assert isinstance(found, TransientError)
    assert found.retry_after_s == 7.0
    assert found.busy == (status in {429, 503})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((401, SourceDeniedError), (403, SourceDeniedError), (404, SourceMissingError)),
        *((410, SourceMissingError), (400, SourceError), (451, SourceError), (501, SourceError)),
    ],
)
def test_what_does_not_pass_is_an_error_with_a_hint(status: int, kind: type[SourceError]) -> None:
    found = refusal(status, "here", retry_after=None, now_unix_s=NOW_S)
    assert type(found) is kind
    assert str(status) in found.message
    assert found.hint


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *((None, None), ("", None), ("soon", None), ("-1", None), ("0", 0.0), (" 12 ", 12.0)),
        (formatdate(NOW_S + 90, usegmt=True), 90.0),
        (formatdate(NOW_S - 90, usegmt=True), 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW_S) == seconds


@given(st.text(max_size=40))
def test_no_retry_after_breaks_the_reader(text: str) -> None:
    found = retry_after_s(text, NOW_S)
    assert found is None or found >= 0


@given(st.integers(1, 100), st.floats(0, 1))
def test_a_pause_grows_twofold_and_has_a_longest(failures: int, chance: float) -> None:
    pause_s = backoff_s(failures, LIMITS, lambda: chance)
    assert 0 <= pause_s <= min(4.0, 2.0 ** (failures - 1))
    assert backoff_s(failures, LIMITS, lambda: 1.0) == min(4.0, 2.0 ** (failures - 1))


def patience(clock: ManualClock, events: list[DownloadEvent]) -> Patience:
    timing = Timing(clock=clock, random=lambda: 1.0, wall=lambda: NOW_S)
    return Patience("here", LIMITS, timing, events.append)


async def test_it_waits_as_long_as_the_source_asks_and_says_so() -> None:
    clock, events = ManualClock(), list[DownloadEvent]()
    waiting = asyncio.ensure_future(
        patience(clock, events).wait(TransientError("busy", retry_after_s=20.0))
    )
    await clock.wait_sleepers()
    await clock.advance(19.9)
    assert not waiting.done()
    await clock.advance(0.2)
    await waiting
    assert events == [Retrying("busy", 20.0)]


async def test_a_source_that_asks_for_too_long_a_wait_is_left() -> None:
    events = list[DownloadEvent]()
    with pytest.raises(SourceUnreachableError, match="come back in 50 min"):
        await patience(ManualClock(), events).wait(TransientError("busy", retry_after_s=3000.0))
    assert events == []


async def wait_often(waits: list[int]) -> int:
    """How many waits end well, each after a try that moved so many bytes."""
    clock = ManualClock()
    one = patience(clock, [])
    for count, moved in enumerate(waits):
        waiting = asyncio.ensure_future(one.wait(TransientError("lost"), moved))
        while not waiting.done():
            await clock.advance(1.0)
        if waiting.exception() is not None:
            assert isinstance(waiting.exception(), SourceUnreachableError)
            return count
    return len(waits)


async def test_tries_without_fruit_are_counted_in_a_row() -> None:
    fruit = LIMITS.fruit_bytes_min
    assert await wait_often([0] * 9) == 2
    assert await wait_often([fruit, fruit - 1, fruit, 0, 0, 0]) == 4
    assert await wait_often([0, fruit, 0, fruit, 0, fruit]) == 4


async def test_tries_with_little_fruit_end_too() -> None:
    assert await wait_often([LIMITS.fruit_bytes_min] * 99) == LIMITS.tries_in_all - 1
