"""Speeds behave as speeds do, whatever the model; what nobody can tell is not told."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.core.calibration import Calibration, Fit, ThreadRatio
from stoker.core.estimate import Interval
from stoker.core.speed import Occasion, SpeedSource
from stoker.core.weights import Use, WeightUse
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.estimate import decode_tok_s, estimate_speed, prefill_tok_s, ttft_s
from stoker.planning.speed.rough import Rough
from stoker.planning.speed.split import Split, divided
from stoker.planning.speed.work import Attention, Work

_ERRORS = (-0.1, -0.05, -0.02, 0.0, 0.03, 0.05, 0.08, 0.1, 0.2)
_READ = {"q8_0": 27e-12, "q4_k": 14e-12, "q6_k": 22e-12, "f16": 52e-12}


def _fit(**terms: float) -> Fit:
    return Fit(tuple(terms.items()), _ERRORS)


@pytest.fixture
def calibration() -> Calibration:
    """Of a machine that never was: two threads; q8_0, q4_k, q6_k and f16 were measured."""
    streams = {
        f"multiply:{family}@{count}": price * (1 + 0.4 * (count - 1))
        for family, price in _READ.items()
        for count in (2, 4, 8)
    }
    return Calibration(
        machine="made up",
        engine="llamacpp",
        engine_version="1",
        threads=2,
        taken_unix_s=0,
        decode=_fit(
            **{f"read:{family}": price for family, price in _READ.items()},
            layers=1e-4,
            vocabulary=5e-9,
            heads_near=1e-8,
            products_near=2e-11,
            heads_far=2e-8,
            step=5e-4,
        ),
        prefill=_fit(
            **{f"multiply:{family}": 7e-12 for family in _READ},
            reading=1.0,
            rows=1e-9,
            heads=2e-9,
            prompt=1e-3,
        ),
        streams=_fit(**streams, layers=1e-4, experts=1.0, each=1.0),
        load=_fit(**{f"load:{family}": 7e-10 for family in _READ}, vocabulary=1e-6, start=0.1),
        cold=_fit(file=5e-10),
        first_token_s=1e-3,
        thread_ratios=(ThreadRatio(1, 1.5, 1.9),),
    )


same_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
formats = st.sampled_from(["Q8_0", "Q4_K", "Q6_K", "F16", "IQ3_S", "Q5_K"])


def work(
    elements: int = 10**9, kind: str = "Q8_0", layers: int = 24, experts: tuple[int, int] = (0, 0)
) -> Work:
    uses = (
        WeightUse(Use.EXPERT if experts[0] else Use.BODY, kind, elements, elements),
        WeightUse(Use.OUTPUT, kind, elements // 10, elements // 10),
    )
    return Work(uses, layers, 2048, 32000, (Attention(layers, 16, 256, 1024),), *experts)


@same_fixture
@given(elements=st.integers(10**7, 10**11), more=st.floats(1.01, 10), kind=formats)
def test_more_weights_are_not_faster(
    calibration: Calibration, elements: int, more: float, kind: str
) -> None:
    basis = Calibrated(calibration, 2)
    small, large = (
        estimate_speed(work(int(elements * by), kind), [basis], Occasion()) for by in (1, more)
    )
    for name in ("decode_tok_s", "prefill_tok_s"):
        assert getattr(large, name).p50 <= getattr(small, name).p50
    for name in ("load_s", "load_cold_s", "ttft_s"):
        assert getattr(large, name).p50 >= getattr(small, name).p50


@same_fixture
@given(st.integers(1, 100_000), st.integers(0, 100_000), formats)
def test_a_longer_context_is_not_faster(
    calibration: Calibration, past: int, more: int, kind: str
) -> None:
    basis = Calibrated(calibration, 2)
    near, far = (decode_tok_s(work(kind=kind), basis, back) for back in (past, past + more))
    assert near is not None
    assert far is not None
    assert far.p50 <= near.p50


@same_fixture
@given(st.integers(1, 20_000), st.integers(0, 20_000))
def test_a_longer_prompt_does_not_begin_to_be_answered_earlier(
    calibration: Calibration, tokens: int, more: int
) -> None:
    basis = Calibrated(calibration, 2)
    short, long = (ttft_s(work(), basis, count) for count in (tokens, tokens + more))
    assert short is not None
    assert long is not None
    assert short.p50 <= long.p50 * (1 + 1e-9)


@same_fixture
@given(st.integers(1, 64), formats)
def test_with_more_streams_none_gets_faster_and_together_they_lose_nothing(
    calibration: Calibration, streams: int, kind: str
) -> None:
    """The made-up prices of a step grow less than in proportion, as they should in an engine."""
    basis = Calibrated(calibration, 2)
    few, more = (
        estimate_speed(work(kind=kind), [basis], Occasion(streams=count))
        for count in (streams, streams + 1)
    )
    assert few.stream_tok_s is not None
    assert more.stream_tok_s is not None
    assert few.total_tok_s is not None
    assert more.total_tok_s is not None
    assert more.stream_tok_s.p50 <= few.stream_tok_s.p50 * (1 + 1e-9)
    assert more.total_tok_s.p50 >= few.total_tok_s.p50 * (1 - 1e-9)


def test_streams_that_cost_more_together_than_apart_are_told_as_measured(
    calibration: Calibration,
) -> None:
    dear = Fit((("multiply:q8_0@2", 95e-12), ("layers", 1e-4)), (0.1,) * 9)
    basis = Calibrated(replace(calibration, streams=dear), 2)
    speed = estimate_speed(work(), [basis], Occasion(streams=2))
    assert speed.total_tok_s is not None
    assert speed.decode_tok_s is not None
    assert speed.total_tok_s.p50 < speed.decode_tok_s.p50


@same_fixture
@given(st.integers(10**7, 10**11), formats, st.integers(1, 16), st.integers(1, 8))
def test_every_interval_is_in_order_and_above_nothing(
    calibration: Calibration, elements: int, kind: str, streams: int, threads: int
) -> None:
    basis = Calibrated(calibration, threads)
    speed = estimate_speed(work(elements, kind), [basis], Occasion(streams=streams))
    for name in speed.__dataclass_fields__:
        figure = getattr(speed, name)
        if isinstance(figure, Interval):
            assert 0 < figure.p10 <= figure.p50 <= figure.p90 < math.inf


def test_units_fit_together(calibration: Calibration) -> None:
    basis = Calibrated(calibration, 2)
    speed = estimate_speed(work(), [basis], Occasion(prompt_tokens=500, context=1000, streams=4))
    assert speed.source is SpeedSource.CALIBRATION
    assert speed.ttft_s is not None
    assert speed.prefill_tok_s is not None
    read_s = speed.ttft_s.p50 - calibration.first_token_s
    assert speed.prefill_tok_s.p50 * read_s == pytest.approx(500)
    assert speed.stream_tok_s is not None
    assert speed.total_tok_s is not None
    assert speed.total_tok_s.p50 == pytest.approx(4 * speed.stream_tok_s.p50)
    assert prefill_tok_s(work(), basis, 500) == speed.prefill_tok_s


def test_a_decode_step_is_the_sum_of_its_terms(calibration: Calibration) -> None:
    step = Calibrated(calibration, 2).step(work(10**9, layers=20), 1, 100)
    read = 1.1e9 * 27e-12
    attention = 20 * 16 * 100 * (1e-8 + 256 * 2e-11)
    assert step is not None
    assert step.middle == pytest.approx(read + 20e-4 + 32000 * 5e-9 + attention + 5e-4)


def test_of_experts_only_those_chosen_are_read(calibration: Calibration) -> None:
    basis = Calibrated(calibration, 2)
    dense, sparse = (decode_tok_s(work(experts=of), basis, 100) for of in ((0, 0), (64, 4)))
    assert dense is not None
    assert sparse is not None
    assert sparse.p50 > 3 * dense.p50


def test_a_format_that_was_not_measured_borrows_and_is_less_certain(
    calibration: Calibration,
) -> None:
    basis = Calibrated(calibration, 2)
    own, lent = (decode_tok_s(work(kind=kind), basis, 100) for kind in ("Q6_K", "Q5_K"))
    assert own is not None
    assert lent is not None
    assert lent.p50 == own.p50
    assert lent.p90 / lent.p10 > 1.1 * own.p90 / own.p10
    assert basis.notes(work(kind="Q5_K")) == ("speed of q5_k from q6_k",)
    assert basis.notes(work(kind="Q6_K")) == ()


def test_a_format_without_any_relative_is_unknown(calibration: Calibration) -> None:
    speed = estimate_speed(work(kind="Q99_X"), [Calibrated(calibration, 2)], Occasion())
    assert speed.decode_tok_s is None
    assert speed.ttft_s is None
    assert speed.load_s is None


def test_a_few_norms_of_another_format_do_not_matter(calibration: Calibration) -> None:
    base = work()
    norms = WeightUse(Use.BODY, "Q99_X", 10_000, 40_000)
    basis = Calibrated(calibration, 2)
    assert basis.step(replace(base, uses=(*base.uses, norms)), 1, 100) == basis.step(base, 1, 100)


def test_what_was_not_measured_is_unknown() -> None:
    empty = Calibration("", "", "", 2, 0, Fit(), Fit())
    speed = estimate_speed(work(), [Calibrated(empty, 2)], Occasion(streams=4))
    assert all(
        getattr(speed, name) is None for name in speed.__dataclass_fields__ if name.endswith("_s")
    )
    nothing = estimate_speed(work(), [], Occasion())
    assert (nothing.source, nothing.sources) == (SpeedSource.UNKNOWN, ())
    assert nothing.notes


def test_other_threads_than_the_calibrations_are_scaled_as_measured_or_in_proportion(
    calibration: Calibration,
) -> None:
    two, one, four = (Calibrated(calibration, n).step(work(), 1, 100) for n in (2, 1, 4))
    assert two is not None
    assert one is not None
    assert four is not None
    assert one.middle == pytest.approx(2 * two.middle)
    assert four.middle == pytest.approx(two.middle)  # they read the same memory
    small = work(10**7)
    assert Calibrated(calibration, 1).step(small, 1, 100).middle == pytest.approx(  # type: ignore[union-attr]
        1.5 * Calibrated(calibration, 2).step(small, 1, 100).middle  # type: ignore[union-attr]
    )
    assert min(one.width, four.width) > two.width


def test_a_plan_that_runs_otherwise_than_was_measured_is_less_certain(
    calibration: Calibration,
) -> None:
    usual = Calibrated(calibration, 2)
    for other in (
        replace(usual, repack=False),
        replace(usual, kv_type="q8_0"),
    ):
        one, less = usual.step(work(), 1, 100), other.step(work(), 1, 100)
        assert one is not None
        assert less is not None
        assert less.width > one.width
        assert any("calibrated with" in note for note in other.notes(work()))
    assert replace(usual, repack=False).load(work(), cold=False) is None


@same_fixture
@given(st.integers(0, 24), st.integers(1, 8))
def test_a_model_split_over_two_alike_devices_takes_as_long_as_on_one(
    calibration: Calibration, layers: int, streams: int
) -> None:
    basis = Calibrated(calibration, 2)
    whole = basis.step(work(), streams, 300)
    split = Split(basis, basis, layers).step(work(), streams, 300)
    assert whole is not None
    assert split is not None
    assert whole.middle <= split.middle <= whole.middle * 1.1 + 2e-3


def test_a_split_leaves_nothing_out() -> None:
    first, rest = divided(work(), 6)
    for use in (Use.BODY, Use.OUTPUT):
        parts = sum(one.elements for part in (first, rest) for one in part.uses if one.use is use)
        assert parts == sum(one.elements for one in work().uses if one.use is use)
    assert first.layers + rest.layers == work().layers
    whole, *parts = (
        one.products(lambda layer: layer.attended(100)) for one in (work(), first, rest)
    )
    assert sum(parts) == whole


def test_each_figure_is_the_first_basis_that_can_tell_it(calibration: Calibration) -> None:
    partly = Calibrated(replace(calibration, prefill=Fit(), load=Fit()), 2)
    rough = Rough(40e9, 1e11, 2)
    speed = estimate_speed(work(), [partly, rough], Occasion())
    alone = estimate_speed(work(), [rough], Occasion())
    assert speed.decode_tok_s == estimate_speed(work(), [partly], Occasion()).decode_tok_s
    assert (speed.ttft_s, speed.load_s) == (alone.ttft_s, None)
    assert dict(speed.sources) == {
        "ttft_s": SpeedSource.ROUGH,
        "prefill_tok_s": SpeedSource.ROUGH,
        "decode_tok_s": SpeedSource.CALIBRATION,
        "stream_tok_s": SpeedSource.CALIBRATION,
        "total_tok_s": SpeedSource.CALIBRATION,
    }
    assert speed.source is SpeedSource.ROUGH, "the weaker of prefill and decode"
    assert speed.notes == (
        "one answer alone, each answer, all answers: from this machine's calibration",
    )


def test_a_fit_of_several_answers_that_says_nothing_is_not_passed_on(
    calibration: Calibration,
) -> None:
    vague = replace(calibration, streams=replace(calibration.streams, log_errors=(3.0, -2.0)))
    alone = Calibrated(vague, 2).step(work(), 1, 100)
    several = Calibrated(vague, 2).step(work(), 4, 100)
    assert alone is not None
    assert several is not None
    assert several.width < math.log(2)
    assert alone.middle < several.interval().p10 < several.middle <= 4 * alone.middle
