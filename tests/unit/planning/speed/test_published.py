"""Speeds of machines that nobody calibrated, from makers' figures and published speeds."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.speed import Occasion, SpeedSource
from stoker.core.weights import Use, WeightUse
from stoker.planning.speed.estimate import estimate_speed
from stoker.planning.speed.floors import step_floor_s
from stoker.planning.speed.least_squares import solve
from stoker.planning.speed.published import (
    Published,
    PublishedPoint,
    RatedDevice,
    errors_left_out,
    fit_shares,
)
from stoker.planning.speed.work import Attention, Work

EXTRA, LAYER_S, CACHE = 0.2, 6e-5, 1.5
OPS, ATTENTION, UNPACKED = 1.5, 4.0, 1.2


def work(size: int = 4 * 10**9, kind: str = "Q4_K") -> Work:
    uses = (WeightUse(Use.BODY, kind, 2 * size, size),)
    return Work(uses, 32, 4096, 128000, (Attention(32, 32, 256, 2048),))


def point(
    name: str, rate: float, past: int, *, kind: str = "Q4_K", prompt: bool = False
) -> PublishedPoint:
    """What a device that reaches exactly the shares above would be published with."""
    bandwidth, ops_s = rate * 1e9, OPS_S[name]
    device, job = RatedDevice("cuda", bandwidth, ops_s), work(kind=kind)
    reading, cache = 4e9 / bandwidth, job.kv_bytes(past) / bandwidth
    token = (1 + EXTRA) * reading + (1 + CACHE) * cache + job.layers * LAYER_S
    if prompt:
        attention = job.products(lambda layer: layer.attended(past))
        token = (OPS * 8e9 + ATTENTION * attention) * 2 / ops_s
        token += UNPACKED * 8e9 * 2 / 512 / bandwidth
    return PublishedPoint(name, device, job, prompt, past, token)


OPS_S = {"a": 4e13, "b": 12e13, "c": 5e13, "d": 9e13, "e": 20e13}
RATES = {"a": 400, "b": 700, "c": 1000, "d": 600, "e": 1500}
ALL = [
    point(name, rate, past, prompt=prompt)
    for name, rate in RATES.items()
    for past in (256, 4096)
    for prompt in (False, True)
]


def test_shares_that_figures_were_made_from_are_found_again() -> None:
    shares = fit_shares(ALL, "cuda")
    assert shares.decode.seconds_per_unit["extra:q4_k"] == pytest.approx(EXTRA, rel=1e-3)
    assert shares.decode.seconds_per_unit["layers"] == pytest.approx(LAYER_S, rel=1e-3)
    assert shares.decode.seconds_per_unit["cache"] == pytest.approx(CACHE, rel=1e-3)
    assert shares.prefill.seconds_per_unit["ops"] == pytest.approx(OPS, rel=1e-3)


def test_a_device_that_the_fit_has_not_seen_is_predicted_by_the_others() -> None:
    for one, guess_s in errors_left_out(ALL):
        assert guess_s == pytest.approx(one.token_s, rel=1e-3)
    assert len(errors_left_out(ALL)) == len(ALL)


def test_of_a_single_device_nobody_knows_how_far_others_are_off() -> None:
    shares = fit_shares(ALL[:1], "cuda")
    assert shares.decode.log_errors == ()
    assert "layers" not in shares.decode.seconds_per_unit
    assert errors_left_out(ALL[:1]) == ()


def test_a_backend_without_a_published_speed_is_unknown() -> None:
    basis = Published(RatedDevice("rocm", 1e12, 1e14), fit_shares(ALL, "rocm"))
    speed = estimate_speed(work(), [basis], Occasion())
    assert speed.decode_tok_s is None
    assert speed.ttft_s is None
    assert speed.load_s is None


def test_a_device_whose_products_are_not_known_has_no_figure_for_prompts() -> None:
    basis = Published(RatedDevice("cuda", 1e12), fit_shares(ALL, "cuda"))
    speed = estimate_speed(work(), [basis], Occasion(streams=4))
    assert speed.source is SpeedSource.PUBLISHED
    assert speed.decode_tok_s is not None
    assert speed.ttft_s is None
    assert speed.prefill_tok_s is None
    assert speed.total_tok_s is not None  # at worst as much as one alone, at best each as much
    assert speed.total_tok_s.p10 == pytest.approx(speed.decode_tok_s.p10, rel=0.1)
    assert speed.total_tok_s.p90 == pytest.approx(4 * speed.decode_tok_s.p90, rel=0.1)
    assert any("multiplies" in note for note in speed.notes)


BASIS = Published(RatedDevice("cuda", 8e11, 8e13), fit_shares(ALL, "cuda"))


@given(st.integers(1, 256))
def test_with_more_streams_none_gets_faster_and_together_they_lose_nothing(streams: int) -> None:
    few, more = (
        estimate_speed(work(), [BASIS], Occasion(streams=count)) for count in (streams, streams + 1)
    )
    assert few.stream_tok_s is not None
    assert more.stream_tok_s is not None
    assert few.total_tok_s is not None
    assert more.total_tok_s is not None
    assert more.stream_tok_s.p50 <= few.stream_tok_s.p50
    assert more.total_tok_s.p50 >= few.total_tok_s.p50 * (1 - 1e-9)


@given(st.integers(10**8, 10**11), st.floats(1, 10), st.integers(0, 100_000))
def test_more_weights_and_a_longer_context_are_not_faster(size: int, by: float, past: int) -> None:
    base = BASIS.step(work(size), 1, past)
    for other in (BASIS.step(work(int(size * by)), 1, past), BASIS.step(work(size), 1, past * by)):
        assert base is not None
        assert other is not None
        assert other.middle >= base.middle
        assert 0 < other.interval().p10 <= other.interval().p90 < math.inf


def test_a_processor_unpacks_with_each_thread_and_reads_with_all() -> None:
    rows = []
    for name, rate, threads in (("a", 8e10, 2), ("b", 8e10, 8), ("c", 5e10, 4)):
        job = work()
        token = 1.3 * 4e9 / rate + job.kv_bytes(64) / rate + 8e9 * 1e-11 / threads
        token += step_floor_s(job, 64, threads)
        rows.append(
            PublishedPoint(
                name,
                RatedDevice("cpu", rate, threads=threads),
                job,
                prompt=False,
                past=64,
                token_s=token,
            )
        )
    shares = fit_shares(rows, "cpu")
    few, many = (
        Published(RatedDevice("cpu", 8e10, threads=n), shares).step(work(), 1, 64) for n in (2, 16)
    )
    assert few is not None
    assert many is not None
    assert few.middle == pytest.approx(rows[0].token_s, rel=0.01)
    floors = step_floor_s(work(), 64, 2) - step_floor_s(work(), 64, 16)
    unpacking = 8e9 * 1e-11 * (1 / 2 - 1 / 16)
    assert few.middle - many.middle == pytest.approx(unpacking + floors, rel=0.02)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(0, 3)), min_size=2, max_size=8
    )
)
def test_the_least_squares_keep_the_conditions_of_an_optimum(
    rows: list[tuple[float, float, float]],
) -> None:
    matrix = [{"a": a, "b": b} for a, b, _ in rows]
    wanted = [value for _, _, value in rows]
    found = solve(matrix, wanted)
    assert set(found) == {"a", "b"}
    for name in found:
        left = [
            w - sum(found[k] * row[k] for k in found) for row, w in zip(matrix, wanted, strict=True)
        ]
        gain = sum(row[name] * rest for row, rest in zip(matrix, left, strict=True))
        assert found[name] >= 0
        assert gain <= 1e-3
        assert abs(gain * found[name]) <= 1e-2
