"""Prices that samples were made from are found again, and the errors are those of unseen shapes."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from stoker.calibrating.composing import Conditions, Timed, compose
from stoker.calibrating.fitting import disturbed_width, fit, observations_of, work_for
from stoker.calibrating.sampling import Sample
from stoker.calibrating.subjects import COMMON, OTHERS, SHAPES, TimedModel, subjects
from stoker.core.calibration import Observation
from stoker.core.errors import CalibrationError
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.formats import format_family
from stoker.planning.speed.spread import width_of
from stoker.planning.speed.terms import decode_terms, load_terms, prompt_terms, streams_terms

READ = {
    format_family(kind): (10 + 5 * at) * 1e-12 for at, kind in enumerate((*COMMON, *OTHERS))
} | {
    "f16": 50e-12,
    "q8_0": 27e-12,
}
DECODE = {f"read:{family}": price for family, price in READ.items()} | {
    "layers": 1e-4,
    "vocabulary": 5e-9,
    "rows": 8e-9,
    "heads_near": 2e-8,
    "products_near": 5e-11,
    "heads_far": 1e-8,
    "products_far": 3e-11,
    "step": 5e-4,
}
PREFILL = {f"multiply:{family}": 6e-12 + price / 10 for family, price in READ.items()} | {
    "rows": 1e-9,
    "reading": 1.0,
    "heads": 2e-9,
    "products": 3e-11,
    "prompt": 2e-3,
}
STREAMS = {
    f"multiply:{family}@{count}": price * (0.7 + 0.3 * count)
    for family, price in READ.items()
    for count in (2, 4, 8)
} | {"layers": 1.5e-4, "each": 1.0, "experts": 1.1}
LOAD = {f"load:{family}": 5e-10 for family in READ} | {"vocabulary": 2e-6, "start": 0.1}


def decode_price(name: str) -> float:
    return DECODE.get(name, 0.0)


def exact(kind: str, subject: TimedModel, tokens: int, past: int, threads: int = 2) -> Sample:
    """A sample that takes exactly what the prices above make of it."""
    work = subject.work
    terms, prices = {
        "decode": lambda: (decode_terms(work, past), DECODE),
        "prefill": lambda: (prompt_terms(work, tokens, 512, decode_price), PREFILL),
        "streams": lambda: (streams_terms(work, tokens, past, decode_price), STREAMS),
        "load": lambda: (load_terms(work), LOAD),
    }[kind]()
    seconds = sum(units * prices.get(name, 0.0) for name, units in terms.items())
    return Sample(kind, subject.shape, subject.format, threads, tokens, past, seconds)


def samples(noise: Callable[[], float] = lambda: 1.0, *, quick: bool = True) -> list[Sample]:
    found = []
    for subject in subjects(quick=quick):
        threads = subject.threads or 2
        for ask in subject.asks:
            past = ask.prompt + ask.answer // 2
            found += [exact("decode", subject, 1, past, threads)]
            found += [exact("prefill", subject, ask.prompt, 0, threads)]
        found += [
            exact("streams", subject, ask.streams, ask.prompt + 20) for ask in subject.together
        ]
        found += [exact("load", subject, 0, 0, threads)]
        if subject.cold:
            warm = found[-1]
            found += [Sample("cold", *_name(warm), 0, 0, warm.seconds + subject.file_bytes * 1e-9)]
    return [
        Sample(one.kind, *_name(one), one.tokens, one.past, one.seconds * noise()) for one in found
    ]


def _name(one: Sample) -> tuple[str, str, int]:
    return one.shape, one.format, one.threads


CONDITIONS = Conditions("here", "llamacpp", "1", threads=2, taken_unix_s=1, quick=True)


def test_what_the_samples_were_made_from_is_found_again() -> None:
    whole = compose(Timed(samples(quick=False)), CONDITIONS)
    for one in whole.observations:
        if one.threads == 2 and one.kind != "streams":
            assert one.seconds == pytest.approx(one.fitted_s), one
    assert whole.decode.seconds_per_unit["read:q8_0"] == pytest.approx(27e-12)
    assert whole.cold.seconds_per_unit["file"] == pytest.approx(1e-9)
    unseen = TimedModel("experts", "Q4_K")
    step = Calibrated(whole, 2).step(unseen.work, 1, 1000)
    assert step is not None
    assert step.middle == pytest.approx(exact("decode", unseen, 1, 1000).seconds)


def test_steps_of_several_answers_are_found_again() -> None:
    whole = compose(Timed(samples(quick=False)), CONDITIONS)
    for one in whole.observations:
        if one.kind == "streams" and one.format in {"Q8_0", "Q4_K"}:
            assert one.seconds == pytest.approx(one.fitted_s, rel=0.02), one


def test_noise_widens_the_interval_by_as_much() -> None:
    dice = random.Random(7)  # noqa: S311 - noise that can be repeated
    quiet = compose(Timed(samples(lambda: math.exp(dice.gauss(0, 0.02)))), CONDITIONS)
    loud = compose(Timed(samples(lambda: math.exp(dice.gauss(0, 0.15)))), CONDITIONS)
    assert 0.01 < width_of(quiet.decode.log_errors) < 0.08
    assert width_of(loud.decode.log_errors) > 2 * width_of(quiet.decode.log_errors)


def test_a_single_outlier_moves_neither_the_median_nor_the_fit() -> None:
    three = samples() * 3
    calm = compose(Timed(three), CONDITIONS)
    spoilt = [
        Sample(one.kind, *_name(one), one.tokens, one.past, 20 * one.seconds)
        if at % 97 == 0
        else one
        for at, one in enumerate(three)
    ]
    assert compose(Timed(spoilt), CONDITIONS).decode == calm.decode


def test_errors_are_of_shapes_that_the_fit_has_not_seen() -> None:
    """One shape that differs from all others is not explained away by having been fitted."""
    seen = observations_of([one for one in samples() if one.threads == 2])
    decode = [one for one in seen if one.kind == "decode"]
    odd = [_slower(one) if (one.shape, one.format) == ("deep", "Q8_0") else one for one in decode]
    found, _ = fit(odd, lambda one: decode_terms(work_for(one), one.past))
    assert max(found.log_errors) == pytest.approx(math.log(2), abs=0.05)


def _slower(one: Observation) -> Observation:
    return Observation(
        **{
            **{name: getattr(one, name) for name in one.__dataclass_fields__},
            "seconds": 2 * one.seconds,
        }
    )


def test_other_threads_are_known_by_their_ratio() -> None:
    whole = compose(Timed(samples(quick=False)), CONDITIONS)
    assert [ratio.threads for ratio in whole.thread_ratios] == [1]
    assert whole.thread_ratios[0].decode == pytest.approx(1.0)
    assert whole.thread_ratios[0].prefill == pytest.approx(1.0)


def test_too_few_timings_are_no_calibration() -> None:
    with pytest.raises(CalibrationError):
        compose(Timed(samples()[:4]), CONDITIONS)
    with pytest.raises(CalibrationError):
        compose(Timed([]), CONDITIONS)


def test_every_shape_can_be_written_in_every_format_it_is_asked_in() -> None:
    blocks = {one.name: one.block for one in TENSOR_TYPES.values()}
    for subject in subjects(quick=False):
        shape = SHAPES[subject.shape]
        assert shape.hidden % blocks[subject.format] == 0
        assert shape.ffn % blocks[subject.format] == 0


def test_a_machine_that_never_rests_is_calibrated_wider_and_marked() -> None:
    """The least disturbed timing stands for all, and how far the others lie from it counts."""
    calm = compose(Timed(samples()), CONDITIONS)
    slowed = [replace(one, seconds=1.6 * one.seconds, disturbance=0.9) for one in samples()]
    busy = compose(Timed([replace(one, disturbance=0.3) for one in samples()] + slowed), CONDITIONS)
    assert busy.decode.terms == calm.decode.terms
    assert busy.disturbed == len(busy.observations) > 0
    assert busy.decode.disturbed_width == pytest.approx(1.28 * math.log(1.6))
    work = TimedModel("experts", "Q8_0").work
    wide, narrow = Calibrated(busy, 2).step(work, 1, 100), Calibrated(calm, 2).step(work, 1, 100)
    assert wide is not None
    assert narrow is not None
    assert wide.width > narrow.width + 0.3
    assert any("disturbed" in note for note in Calibrated(busy, 2).notes(work))


def test_what_was_disturbed_counts_nothing_beside_what_was_not() -> None:
    disturbed = [replace(one, seconds=9 * one.seconds, disturbance=1.0) for one in samples()]
    assert compose(Timed(samples() + disturbed), CONDITIONS) == compose(
        Timed(samples()), CONDITIONS
    )


def test_a_few_disturbed_figures_widen_little_and_one_try_is_as_uncertain_as_the_others() -> None:
    seen = observations_of(samples())
    one = replace(seen[0], disturbed=True, spread=1.0, samples=1)
    two = replace(seen[1], disturbed=True, spread=0.5, samples=2)
    assert disturbed_width(seen) == 0
    assert 0 < disturbed_width([*seen, one]) < disturbed_width([one]) == 1.28 * math.log(2)
    assert disturbed_width([one, two]) == pytest.approx(1.28 * math.log(1.5))
