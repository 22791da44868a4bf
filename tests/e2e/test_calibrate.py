"""A calibration with the real engine, on models so small that it takes seconds.

No figure decides.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from stoker.calibrating import calibrate as calibrating
from stoker.calibrating import gauging, others
from stoker.calibrating.rounds import take_samples
from stoker.calibrating.sampling import Bench, samples_of
from stoker.calibrating.subjects import SHAPES, Ask, TimedModel
from stoker.cli.main import cli
from stoker.core.clock import SystemClock
from stoker.core.errors import AlreadyRunningError, DiskFullError
from stoker.core.request import Finish, Timings, Usage
from stoker.machine.power.counting import Count, Meter, Reading, Sees
from stoker.models.synthetic.write import Shape
from stoker.state.calibrations import load_calibration
from stoker.state.home import Home

pytestmark = [pytest.mark.slow, pytest.mark.engine]
ASKS = (Ask(48, 8), Ask(300, 8))


@pytest.fixture(autouse=True)
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tiny shapes; a busy machine makes no difference."""
    monkeypatch.setitem(SHAPES, "small", Shape(2, 256, 4, 2, 512, 512, 1024))
    monkeypatch.setitem(SHAPES, "deep", Shape(4, 256, 4, 4, 768, 512, 1024))
    monkeypatch.setattr(others, "were_busy", lambda *_: False)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


def bench(home: Home) -> Bench:
    clock = SystemClock()
    return Bench(home.workers, clock, threads=1, end_s=clock.now() + 50, wait_s=0)


def left(home: Home) -> list[str]:
    return [str(path) for path in home.run.rglob("*") if path != home.workers]


async def test_every_kind_is_timed_and_nothing_stays(home: Home) -> None:
    taken = bench(home)
    asked = [TimedModel("small", "Q4_K", ASKS, rounds=1, together=(Ask(16, 8, 2),), cold=True)]
    await take_samples(home, asked, taken)
    kinds = {(one.kind, one.tokens) for one in taken.samples}
    assert kinds == {("decode", 1), ("prefill", 48), ("prefill", 300), ("streams", 2)} | {
        ("load", 0),
        ("cold", 0),
        ("first", 48),
        ("first", 300),
    }
    assert all(one.seconds > 0 for one in taken.samples)
    assert left(home) == []


async def test_a_calibration_that_is_cancelled_leaves_neither_files_nor_processes(
    home: Home,
) -> None:
    second = asyncio.Event()
    asked = [TimedModel("small", "Q8_0", ASKS), TimedModel("deep", "Q8_0", ASKS)]

    def step(done: int, *_: object) -> None:
        if done == 1:  # the first model has been timed; the second is about to be
            second.set()

    task = asyncio.create_task(take_samples(home, asked, bench(home), step))
    await second.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left(home) == []


async def test_there_is_one_calibration_at_a_time(home: Home) -> None:
    asked = [TimedModel("small", "Q8_0", ASKS)]
    caught: list[type[Exception]] = []

    async def second() -> None:
        with pytest.raises(AlreadyRunningError):
            await take_samples(home, asked, bench(home))
        caught.append(AlreadyRunningError)

    seconds: list[asyncio.Task[None]] = []

    def once(*_: object) -> None:
        if not seconds:
            seconds.append(asyncio.create_task(second()))

    await take_samples(home, asked, bench(home), once)
    await seconds[0]
    assert caught == [AlreadyRunningError]


async def test_what_a_killed_one_left_behind_is_removed_first(home: Home) -> None:
    (home.run / "calibration").mkdir()
    (home.run / "calibration" / "wide-F16.gguf").write_bytes(b"half")
    await take_samples(home, [], bench(home))
    assert left(home) == []


async def test_a_disk_without_room_is_told_before_anything_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 20}))
    with pytest.raises(DiskFullError):
        await take_samples(home, [TimedModel("small", "Q8_0", ASKS)], bench(home))
    assert left(home) == []


class MadeMeter:
    """A processor's meter whose every second is one reading: 10 W at rest, then 50 W."""

    def __init__(self) -> None:
        self.at_s, self.joules = 0, 0

    def __call__(self) -> Reading:
        self.at_s += 1
        self.joules += 10 if self.at_s <= 1 + 2 * gauging.QUIET_PARTS else 50
        meter = Meter(Sees.PACKAGE, "package-0")
        return Reading(self.at_s, (Count(meter, self.joules * 10**6),))


def test_the_command_calibrates_keeps_and_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        TimedModel(shape, kind, ASKS, rounds=1, together=(Ask(16, 8, 2),))
        for shape in ("small", "deep")
        for kind in ("Q8_0", "Q4_0", "F16")
    ]
    monkeypatch.setattr(calibrating, "subjects", lambda *, quick: tuple(asked))
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(calibrating, "open_meters", lambda: nullcontext(MadeMeter()))
    monkeypatch.setattr(gauging, "QUIET_PART_S", 0.001)
    runner = CliRunner()
    nothing = runner.invoke(cli, ["calibrate", "--show"])
    assert nothing.exit_code == 2
    made = runner.invoke(cli, ["calibrate", "--quick", "--json"], catch_exceptions=False)
    assert made.exit_code == 0
    document = json.loads(made.stdout)
    assert document["quick"] is True
    kept = load_calibration(Home(tmp_path / "home"))
    assert kept is not None
    assert (kept.power.watts_idle, kept.power.watts_load) == (10, 50)
    assert document["power"]["scope"] == kept.power.scope == "processor package"
    # Which terms the seconds fall to is the moment's, with models as small as these.
    assert kept.decode.terms
    assert kept.prefill.terms
    shown = runner.invoke(cli, ["calibrate", "--show"], catch_exceptions=False)
    assert "q8_0" in shown.stdout
    assert "left out in turn" in shown.stdout
    assert "10 W idle, 50 W under load: processor package" in shown.stdout


def test_an_answer_that_ended_early_or_was_cached_is_no_timing() -> None:
    subject, ask = TimedModel("small", "Q8_0"), Ask(48, 8)
    whole = Finish("length", Usage(48, 8), Timings(0.2, 0.7, 0, 0))
    decode, prefill = samples_of(subject, 1, ask, [whole])
    assert decode.seconds == pytest.approx(0.1)  # seven steps follow the first token
    assert prefill.seconds == pytest.approx(0.2)
    cached = Finish("length", Usage(48, 8, 4), Timings(0.2, 0.7, 0, 0))
    assert [one.kind for one in samples_of(subject, 1, ask, [cached])] == ["decode"]
    early = Finish("stop", Usage(48, 3), Timings(0.2, 0.7, 0, 0))
    assert samples_of(subject, 1, ask, [early]) == []
    assert samples_of(subject, 1, Ask(48, 8, 2), [whole, early]) == []
