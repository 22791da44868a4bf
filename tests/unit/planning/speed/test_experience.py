"""What was measured of a model goes before what was estimated of it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.measurement import AnswerMeasured, LoadMeasured, RunKey
from stoker.core.request import ColdStart, Timings, Usage
from stoker.core.speed import Occasion, SpeedSource
from stoker.planning.speed.estimate import Basis, estimate_speed
from stoker.planning.speed.experience import (
    AGE_MAX_S,
    LAST_MAX,
    RUNS_ENOUGH,
    RUNS_MIN,
    Experience,
    experience,
)
from stoker.planning.speed.spread import Estimate
from stoker.planning.speed.work import Work

KEY = RunKey(
    "facts:0",
    "llamacpp",
    "xllamacpp 1 aa",
    threads=2,
    context=4096,
    slots=1,
    micro_batch=512,
    repack=True,
    kv_type="f16",
)
WORK = Work((), 1, 1, 1)
NOW = 2_000_000_000
NAMES = [one.name for one in fields(RunKey)]


@dataclass(frozen=True)
class Plain:
    """A basis that is easy to reckon with: 10 ms a step and a microsecond for each token back."""

    source = SpeedSource.CALIBRATION
    first_token_s = 0.0

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        return Estimate(streams * (0.01 + past * 1e-6), 0.2)

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        return Estimate(tokens * 1e-3, 0.2)

    def load(self, work: Work, *, cold: bool) -> Estimate | None:
        return Estimate(10.0 if cold else 1.0, 0.2)

    def notes(self, work: Work) -> tuple[str, ...]:
        return ("plain",)


class Mute(Plain):
    """Knows nothing of steps."""

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        return None


def answer(
    step_s: float, *, past: int = 1000, streams: int = 1, read_s: float = 1.0
) -> AnswerMeasured:
    prompt = past - 50
    return AnswerMeasured(
        KEY, NOW, Usage(prompt, 100), Timings(read_s, 99 * step_s, 0, 0), streams, streams
    )


def load(seconds: float, *, from_disk: float) -> LoadMeasured:
    return LoadMeasured(KEY, NOW, 1000, int(1000 * from_disk), ColdStart(0, 0, seconds, 0))


def told(like: Basis | None, records: Sequence[AnswerMeasured | LoadMeasured]) -> Experience:
    return experience(like, records, KEY, NOW)


def test_runs_say_by_which_factor_the_estimate_is_off_also_elsewhere() -> None:
    runs = [answer(2 * 0.011) for _ in range(LAST_MAX)]
    known = told(Plain(), runs)
    assert known.source is SpeedSource.MEASURED
    for past in (1000, 9000):
        step = known.step(WORK, 1, past)
        assert step is not None
        assert step.middle == pytest.approx(2 * (0.01 + past * 1e-6), rel=0.03)
        assert step.width <= 0.2


factors = st.floats(0.1, 10.0)


@given(st.lists(factors, min_size=RUNS_MIN, max_size=RUNS_ENOUGH - 1), st.floats(50, 20000))
def test_a_few_runs_never_make_an_interval_wider_nor_the_error_larger_than_they_saw(
    by: list[float], asked: float
) -> None:
    plain = Plain().step(WORK, 1, asked)
    step = told(Plain(), [answer(0.011 * one) for one in by]).step(WORK, 1, asked)
    assert plain is not None
    assert step is not None
    assert step.width <= plain.width
    low, high = sorted((0.0, statistics.median(map(math.log, by))))
    assert low - 0.001 <= math.log(step.middle / plain.middle) <= high + 0.001


def test_the_fewer_runs_the_less_is_believed_of_the_factor() -> None:
    middles = []
    for count in range(RUNS_MIN, RUNS_ENOUGH + 1):
        step = told(Plain(), [answer(2 * 0.011)] * count).step(WORK, 1, 1000)
        assert step is not None
        middles.append(step.middle)
    assert middles == sorted(middles)
    assert 0.011 < middles[0] < middles[-1] == pytest.approx(2 * 0.011)


def test_three_runs_that_differ_widely_leave_the_estimate_almost_as_it_is() -> None:
    """A machine that was busy meanwhile says little of the model."""
    step = told(Plain(), [answer(0.011 * by) for by in (0.9, 1.0, 5.0)]).step(WORK, 1, 1000)
    assert step is not None
    assert step.interval().p10 == pytest.approx(Estimate(0.011, 0.2).interval().p10, rel=0.01)


def test_runs_of_short_answers_say_less_of_long_ones() -> None:
    runs = [answer(1.01 * 0.010090, past=90)] * RUNS_MIN
    widths = []
    for past in (90, 130, 200):
        step = told(Plain(), runs).step(WORK, 1, past)
        assert step is not None
        widths.append(step.width)
    assert widths == sorted(set(widths))


def test_a_load_from_the_disk_is_never_told_to_be_shorter_than_one_from_memory() -> None:
    loads = [load(seconds, from_disk=1.0) for seconds in (0.6, 0.8, 1.1)] * RUNS_ENOUGH
    loads += [load(seconds, from_disk=0.0) for seconds in (0.9, 1.0, 1.5)] * RUNS_ENOUGH
    speed = estimate_speed(WORK, [told(Plain(), loads), Plain()], Occasion())
    warm, cold = speed.load_s, speed.load_cold_s
    assert warm is not None
    assert cold is not None
    assert (cold.p10, cold.p50, cold.p90) >= (warm.p10, warm.p50, warm.p90)
    assert cold.p90 >= warm.p90


def test_the_interval_is_as_wide_as_the_runs_differ() -> None:
    steps = [0.011 * by for by in (0.7, 0.8, 0.9, 1.0, 1.0, 1.1, 1.2, 1.4)]
    assert len(steps) >= RUNS_ENOUGH
    step = told(Plain(), [answer(one) for one in steps]).step(WORK, 1, 1000)
    assert step is not None
    assert step.interval().p90 >= 0.011 * 1.3


@pytest.mark.parametrize(
    "runs",
    [
        [answer(0.5)] * (RUNS_MIN - 1),
        [answer(0.5, streams=2)] * 9,
        [replace(answer(0.5), streams_last=2)] * 9,
        [replace(answer(0.5), key=replace(KEY, threads=1))] * 9,
        [replace(answer(0.5), usage=Usage(900, 2))] * 9,
        [replace(answer(0.5), unix_s=NOW - AGE_MAX_S - 1)] * 9,
    ],
    ids=[
        *("too few", "of other streams", "of changing streams", "of other threads", "too short"),
        "too old",
    ],
)
def test_runs_that_say_little_leave_it_to_others(runs: list[AnswerMeasured]) -> None:
    known = told(Plain(), runs)
    assert known.step(WORK, 1, 1000) is None
    speed = estimate_speed(WORK, [known, Plain()], Occasion())
    assert speed.decode_tok_s == estimate_speed(WORK, [Plain()], Occasion()).decode_tok_s


keys = st.builds(
    RunKey,
    model=st.sampled_from(["facts:0", "facts:1"]),
    engine=st.sampled_from(["llamacpp", "other"]),
    conditions=st.sampled_from(["xllamacpp 1 aa", "xllamacpp 2 bb"]),
    threads=st.integers(1, 2),
    context=st.sampled_from([1024, 4096]),
    slots=st.integers(1, 2),
    micro_batch=st.sampled_from([32, 512]),
    repack=st.booleans(),
    kv_type=st.sampled_from(["f16", "q4_0"]),
)


@given(keys, keys)
def test_runs_of_different_keys_never_mix(one: RunKey, other: RunKey) -> None:
    """All of a key decides how long a load takes; what is only reserved does not slow an answer."""
    records = [replace(load(1.0, from_disk=0.0), key=other), replace(answer(0.01), key=other)]
    found = experience(None, records, one, NOW)
    assert len(found.loads) == (one == other)
    apart = {name for name in NAMES if getattr(one, name) != getattr(other, name)}
    assert len(found.answers) == (apart <= {"context", "slots"})


@pytest.mark.parametrize(
    "changed",
    [{"repack": False}, {"kv_type": "q4_0"}, {"micro_batch": 32}, {"conditions": "xllamacpp 2 bb"}],
)
def test_runs_of_another_plan_or_engine_replace_nothing(changed: dict[str, Any]) -> None:
    others = [replace(answer(1.0), key=replace(KEY, **changed))] * 9
    assert told(Plain(), others).step(WORK, 1, 1000) is None


def test_the_last_runs_of_a_figure_count_and_the_first_are_forgotten() -> None:
    """However many there are of others since."""
    alone = [answer(0.5)] * LAST_MAX + [answer(0.011)] * LAST_MAX
    known = told(Plain(), alone + [answer(9.0, streams=4)] * LAST_MAX)
    step = known.step(WORK, 1, 1000)
    assert step is not None
    assert step.middle == pytest.approx(0.011)


def test_prefill_is_held_against_prefill_and_the_way_to_the_first_token_comes_on_top() -> None:
    """The log has the engine's figures, which end before the first token is here."""

    class Far(Plain):
        first_token_s = 0.5

    known = told(Far(), [answer(0.01, read_s=0.95)] * RUNS_MIN)
    prompt = known.prompt(WORK, 100)
    assert prompt is not None
    assert prompt.middle == pytest.approx(0.1)
    speed = estimate_speed(WORK, [known], Occasion(prompt_tokens=100))
    assert speed.ttft_s is not None
    assert speed.ttft_s.p50 == pytest.approx(0.6)
    assert speed.prefill_tok_s is not None
    assert speed.prefill_tok_s.p50 == pytest.approx(1000.0)


def test_without_a_basis_like_runs_stand_by_themselves_and_unlike_ones_say_nothing() -> None:
    known = told(None, [answer(0.02)] * RUNS_MIN)
    step = known.step(WORK, 1, 1200)
    assert step is not None
    assert step.middle == pytest.approx(0.02)
    assert known.step(WORK, 1, 5000) is None
    assert known.step(WORK, 4, 1000) is None
    assert known.load(WORK, cold=False) is None


def test_a_basis_that_cannot_tell_a_figure_is_as_none() -> None:
    known = told(Mute(), [answer(0.02)] * RUNS_MIN)
    assert known.step(WORK, 1, 1200) == told(None, known.answers).step(WORK, 1, 1200)
    assert known.step(WORK, 1, 5000) is None


def test_prompts_are_known_from_what_was_read_and_not_from_the_cache() -> None:
    cached = replace(answer(0.01, read_s=9.0), usage=Usage(950, 100, cached_tokens=900))
    runs = [answer(0.01, read_s=1.9)] * RUNS_MIN + [cached] * 9
    prompt = told(Plain(), runs).prompt(WORK, 100)
    assert prompt is not None
    assert 0.18 < prompt.middle < 0.2


def test_loads_from_the_disk_and_from_memory_are_kept_apart() -> None:
    seen = [load(0.5, from_disk=0.0), load(0.52, from_disk=0.01), load(7.0, from_disk=1.0)]
    seen += [load(7.2, from_disk=0.9), load(3.0, from_disk=0.3)]
    known = told(Plain(), seen)
    warm, cold = known.load(WORK, cold=False), known.load(WORK, cold=True)
    assert warm is not None
    assert cold is not None
    assert 0.5 < warm.middle < 0.6  # of an estimate of 1 s
    assert 7.0 < cold.middle < 7.6  # of one of 10 s
    untold = [replace(one, disk_bytes=None) for one in seen]
    assert told(Plain(), untold).load(WORK, cold=True) is None


def test_each_figure_has_its_own_source_and_the_notes_say_how_much_was_measured() -> None:
    known = told(Plain(), [answer(0.01)] * 3)
    speed = estimate_speed(WORK, [known, Plain()], Occasion())
    sources = dict(speed.sources)
    assert sources["decode_tok_s"] is sources["prefill_tok_s"] is SpeedSource.MEASURED
    assert sources["load_s"] is SpeedSource.CALIBRATION
    assert speed.source is SpeedSource.MEASURED
    assert speed.notes == (
        (
            "0 loads and 3 answers of this model were measured here with settings like these"
            "; so few only correct what was estimated"
        ),
        "load, load from the disk: from this machine's calibration",
        "plain",
    )


def test_a_load_that_was_measured_makes_no_measured_speed() -> None:
    loads = [load(seconds, from_disk=0.0) for seconds in (2.0, 2.2)]
    speed = estimate_speed(WORK, [told(Plain(), loads), Plain()], Occasion())
    assert speed.source is SpeedSource.CALIBRATION
    assert speed.source_of("load_s") is SpeedSource.MEASURED
    assert speed.notes[0] == "load: measured with this model on this machine"
    assert "2 loads and 0 answers" in speed.notes[1]


def test_what_was_measured_is_counted_in_good_grammar() -> None:
    known = told(Plain(), [load(1.0, from_disk=1.0), answer(0.011)])
    assert known.notes(WORK)[0].startswith("1 load and 1 answer of this model")
