"""On a machine that never rests, what every calibration needs is timed first."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.calibrating import others, rounds
from stoker.calibrating.rounds import _next, _Step, take_samples
from stoker.calibrating.sampling import RESTLESS, Bench
from stoker.calibrating.subjects import TimedModel, subjects
from stoker.state.home import Home
from stoker.testing.clock import ManualClock

ASKED = subjects(quick=True)


async def taken(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is timed, in its order: `plain`, `streams` or `cold`."""
    kinds: list[str] = []

    async def cold(_: Bench, __: TimedModel, ___: Path) -> None:
        kinds.append("cold")

    async def visit(_: Bench, subject: TimedModel, __: Path, streams: int) -> None:
        kinds.append("streams" if streams > 1 else "small" if subject.threads else "plain")

    monkeypatch.setattr(rounds, "visit", visit)
    monkeypatch.setattr(rounds, "visit_cold", cold)
    monkeypatch.setattr(rounds, "write_model", lambda *_: None)
    monkeypatch.setattr(rounds, "_check_room", lambda *_: None)
    await take_samples(Home(tmp_path).prepare(), ASKED, bench)
    return kinds


async def test_all_is_timed_whether_a_machine_rests_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path, ManualClock(), threads=2, end_s=1e9, wait_s=0.0)
    calm = await taken(bench, tmp_path, monkeypatch)
    monkeypatch.setattr(others, "were_busy", lambda *_: True)
    for _ in range(RESTLESS):
        bench.judge(None, None)
    busy = await taken(bench, tmp_path, monkeypatch)
    assert sorted(busy) == sorted(calm)
    plain = busy.count("plain")
    assert busy[:plain] == ["plain"] * plain
    assert calm[:plain] != busy[:plain]


def test_the_second_shape_of_a_format_comes_before_other_formats() -> None:
    left = [_Step(one) for one in ASKED if one.asks]
    at = _next(left, {("wide", "Q6_K")})
    assert (left[at].subject.shape, left[at].subject.format) == ("deep", "Q6_K")
    both = {("wide", "Q6_K"), ("deep", "Q6_K")}
    assert left[_next(left, both)].subject.format != "Q6_K"
    assert _next(left, set()) == 0
