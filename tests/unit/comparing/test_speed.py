"""Rounds take turns, and a figure is the median of its rounds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.comparing.speed import PROBES_MAX, in_turns, median_speed, probe_load, prompt
from stoker.core.errors import ContextOverflowError
from stoker.core.request import Completion, Timings, Usage
from stoker.testing.clock import ManualClock

ITEMS = st.lists(st.integers(), min_size=1, max_size=6, unique=True)


@given(ITEMS, st.integers(1, 8))
def test_each_round_has_every_candidate_once(items: list[int], rounds: int) -> None:
    turns = list(in_turns(items, rounds))
    for number in range(rounds):
        assert sorted(one for at, one in turns if at == number) == sorted(items)
    assert [at for at, _ in turns] == sorted(at for at, _ in turns)


@given(ITEMS)
def test_each_is_first_as_often_as_the_others(items: list[int]) -> None:
    turns = list(in_turns(items, 2 * len(items)))
    first = [next(one for at, one in turns if at == n) for n in range(2 * len(items))]
    assert sorted(first) == sorted([*items, *items])


def test_a_speed_is_the_median_and_its_range() -> None:
    speed = median_speed([5.0, 1.0, 3.0])
    assert speed is not None
    assert (speed.median_tok_s, speed.low_tok_s, speed.high_tok_s, speed.rounds) == (3, 1, 5, 3)


def test_no_round_is_no_speed() -> None:
    assert median_speed([]) is None
    assert median_speed([0.0]) is None


@given(st.integers(60, 3000))
def test_no_two_prompts_begin_alike(size: int) -> None:
    prompts = [prompt(size, number) for number in range(PROBES_MAX + 1)]
    assert all(len(one) == size for one in prompts)
    assert all(a[0] != b[0] for a, b in itertools.combinations(prompts, 2))


class Timed:
    """A runtime whose answers take a second of `clock`; longer prompts than `most` overflow."""

    def __init__(self, clock: ManualClock, seconds: float, most: int = 10_000) -> None:
        self.prompts: list[str] = []
        self._clock, self._seconds, self._most = clock, seconds, most

    async def generate(self, text: str, **options: object) -> Completion:
        if len(text) > self._most:
            raise ContextOverflowError
        assert options == {"temperature": 0.0, "max_tokens": 64, "ignore_eos": True}
        self.prompts.append(text)
        await self._clock.advance(self._seconds)
        timings = Timings(1.0, 1.0, 100.0 * len(self.prompts), 10.0 * len(self.prompts))
        return Completion("", "length", Usage(1, 1), timings, 0.0)


async def test_a_slow_model_is_asked_once_after_its_warm_up() -> None:
    clock = ManualClock()
    runtime = Timed(clock, 60.0)
    probe = await probe_load(runtime, clock)  # type: ignore[arg-type]
    assert len(runtime.prompts) == 2
    assert (probe.prefill_tok_s, probe.decode_tok_s) == (200.0, 20.0)


async def test_a_fast_one_is_asked_more_often_but_not_forever() -> None:
    clock = ManualClock()
    runtime = Timed(clock, 0.0)
    await probe_load(runtime, clock)  # type: ignore[arg-type]
    assert len(runtime.prompts) == 1 + PROBES_MAX
    assert len(set(runtime.prompts)) == len(runtime.prompts)


async def test_a_small_context_gets_a_shorter_prompt() -> None:
    clock = ManualClock()
    runtime = Timed(clock, 1.0, most=400)
    await probe_load(runtime, clock)  # type: ignore[arg-type]
    assert {len(one) for one in runtime.prompts} == {300}


async def test_a_context_too_small_for_anything_is_told() -> None:
    clock = ManualClock()
    with pytest.raises(ContextOverflowError):
        await probe_load(Timed(clock, 1.0, most=10), clock)  # type: ignore[arg-type]
