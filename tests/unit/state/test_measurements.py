"""Lines about loads and answers: whole, private, bounded, and of no harm to anybody."""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.estimate import Interval
from stoker.core.measurement import AnswerMeasured, LoadMeasured, identity_of, key_of
from stoker.core.model import ModelRef
from stoker.core.request import ColdStart, Timings, Usage
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.state import measurements
from stoker.state.measurements import (
    EAGER_ANSWERS,
    EAGER_S,
    KEPT_MAX,
    LATER_S,
    MeasurementLog,
    Measurements,
    Record,
    append,
    from_line,
    older,
    read_measurements,
    to_line,
)
from stoker.testing.stub import stub_plan

PLAN = stub_plan()
MODEL = identity_of(PLAN.model.facts)
SPEED = Speed(
    Occasion(400, 410, 2), SpeedSource.CALIBRATION, decode_tok_s=Interval(8.0, 10.0, 12.0)
)
PREDICTED = (("decode_tok_s", Interval(8.0, 10.0, 12.0)),)
KEY = key_of(PLAN, "xllamacpp 1 aa")
ANSWER = AnswerMeasured(
    KEY,
    1,
    Usage(400, 21, 2),
    Timings(0.1, 0.4, 100.0, 10.0),
    1,
    1,
    PREDICTED,
)
LOAD = LoadMeasured(KEY, 1, 1000, 900, ColdStart(0.1, 0.2, 0.3, 0.4), PREDICTED)


def log(path: Path, now: list[float] | None = None) -> MeasurementLog:
    at = now or [0.0]
    promises, now_s = {ModelRef("stub"): SPEED}, lambda: at[0]
    return MeasurementLog(path, promises, now_s, lambda: 1.5, lambda: KEY.conditions)


def test_what_was_told_is_read_again_with_what_had_been_predicted(tmp_path: Path) -> None:
    told = log(tmp_path / "m")
    told.loaded(PLAN, LOAD.parts, LOAD.disk_bytes)
    told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 1))
    told.flush()
    load, answer = read_measurements(tmp_path / "m", MODEL)
    assert load == LoadMeasured(KEY, 1, 0, 900, LOAD.parts)
    assert answer == ANSWER


def test_the_conditions_are_asked_once_however_much_is_told(tmp_path: Path) -> None:
    asked: list[str] = []
    told = MeasurementLog(tmp_path / "m", conditions=lambda: asked.append("") or "engine 1")  # type: ignore[func-returns-value]
    told.loaded(PLAN, LOAD.parts, None)
    told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 1))
    told.flush()
    found = read_measurements(tmp_path / "m", MODEL)
    assert [one.key.conditions for one in found] == ["engine 1"] * 2
    assert asked == [""]


def test_what_was_promised_of_another_occasion_is_not_kept_with_a_run(tmp_path: Path) -> None:
    told = log(tmp_path / "m")
    told.answered(PLAN, Usage(100, 21), ANSWER.timings, (1, 1))
    told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 2))
    told.flush()
    assert [one.predicted for one in read_measurements(tmp_path / "m", MODEL)] == [(), ()]


def test_the_file_is_its_owners_alone_and_holds_counts_and_seconds_only(tmp_path: Path) -> None:
    told = log(tmp_path / "m")
    told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 1))
    told.flush()
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o600
    document = json.loads((tmp_path / "m").read_text())
    assert set(document) == {"v", "kind", "key", "unix_s", "usage", "timings", "predicted"} | {
        "streams_first",
        "streams_last",
    }
    assert str(PLAN.model.path) not in (tmp_path / "m").read_text()


def test_lines_of_other_models_are_not_given(tmp_path: Path) -> None:
    append(tmp_path / "m", to_line(ANSWER))
    assert read_measurements(tmp_path / "m", "sha256:other") == ()
    assert read_measurements(tmp_path / "none", MODEL) == ()


def test_the_log_is_read_once_for_however_many_models(tmp_path: Path) -> None:
    append(tmp_path / "m", to_line(ANSWER))
    told = Measurements(tmp_path / "m")
    assert told.of("sha256:other") == ()
    append(tmp_path / "m", to_line(LOAD))
    assert told.of(MODEL) == (ANSWER,)
    assert Measurements().of(MODEL) == ()


def test_of_many_lines_the_last_of_the_model_are_parsed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(ANSWER, key=replace(ANSWER.key, model="sha256:other"))
    last = replace(ANSWER, unix_s=9)
    lines: list[Record] = [LOAD, *[ANSWER] * 2 * KEPT_MAX, *[other] * 50, last]
    (tmp_path / "m").write_bytes(b"".join(map(to_line, lines)))
    parsed: list[bytes] = []

    def noting(line: bytes) -> Record | None:
        parsed.append(line)
        return from_line(line)

    monkeypatch.setattr(measurements, "from_line", noting)
    found = read_measurements(tmp_path / "m", MODEL)
    assert len(parsed) == len(found) == KEPT_MAX + 1
    assert (found[0], found[-1]) == (LOAD, last), "a load is not crowded out by answers"


@pytest.mark.parametrize(
    "broken",
    [
        to_line(ANSWER)[:-20],
        b"\xff\xfe\n",
        b"[1, 2]\n",
        to_line(ANSWER).replace(b'"v":2', b'"v":1'),
        to_line(ANSWER).replace(b'"decode_s":0.4', b'"decode_s":-1'),
        to_line(ANSWER).replace(b'"decode_s":0.4', b'"decode_s":NaN'),
        to_line(ANSWER).replace(b'"decode_s":0.4', b'"decode_s":"x"'),
        to_line(ANSWER).replace(b'"unix_s"', b'"other"'),
        to_line(LOAD).replace(b'"spawn_s":0.2', b'"spawn_s":null'),
        b"[" * 100_000,
    ],
)
def test_a_broken_line_is_passed_over(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "m").write_bytes(broken.rstrip(b"\n") + b"\n" + to_line(LOAD))
    assert from_line(broken) is None
    assert read_measurements(tmp_path / "m", MODEL) == (LOAD,)


@given(st.binary(max_size=200))
def test_no_line_whatever_it_holds_makes_reading_fail(line: bytes) -> None:
    assert from_line(line) is None


def test_a_file_that_would_grow_too_large_becomes_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = to_line(LOAD)
    monkeypatch.setattr(measurements, "FILE_BYTES_MAX", 10 * len(line))
    for _ in range(25):
        append(tmp_path / "m", line)
    assert (tmp_path / "m").stat().st_size == 5 * len(line)
    assert older(tmp_path / "m").stat().st_size == 10 * len(line)
    assert len(read_measurements(tmp_path / "m", MODEL)) == 15


def test_who_waits_too_long_for_the_others_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measurements, "LOCK_WAIT_S", 0.0)
    append(tmp_path / "m", to_line(LOAD))
    told = log(tmp_path / "m")
    with (tmp_path / "m").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError):
            append(tmp_path / "m", to_line(LOAD))
        told.loaded(PLAN, LOAD.parts, None)
        told.flush()
    assert told.dropped == 1
    assert (tmp_path / "m").read_bytes() == to_line(LOAD)


def test_a_file_that_cannot_be_begun_anew_is_closed_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A number that is closed twice may be somebody else's file by then."""
    monkeypatch.setattr(measurements, "FILE_BYTES_MAX", 1)
    closed: list[int] = []
    close, lock = os.close, measurements._try_lock

    def closing(handle: int) -> None:
        closed.append(handle)
        close(handle)

    def locking(path: Path) -> int | None:
        if older(path).exists():
            raise PermissionError
        return lock(path)

    monkeypatch.setattr(measurements, "_try_lock", locking)
    monkeypatch.setattr(os, "close", closing)
    with pytest.raises(PermissionError):
        append(tmp_path / "m", to_line(LOAD))
    assert len(closed) == 1


def _append_many(path: Path) -> None:
    measurements.FILE_BYTES_MAX = 60_000
    for _ in range(200):
        append(path, to_line(ANSWER))


@pytest.mark.slow
def test_several_processes_may_write_at_once_and_every_line_is_whole(tmp_path: Path) -> None:
    processes = [
        multiprocessing.get_context("spawn").Process(target=_append_many, args=(tmp_path / "m",))
        for _ in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    for path in (tmp_path / "m", older(tmp_path / "m")):
        lines = path.read_bytes().splitlines()
        assert all(from_line(line) == ANSWER for line in lines)
        assert path.stat().st_size <= 60_000


def test_a_disk_that_cannot_be_written_costs_the_line_and_nothing_else(tmp_path: Path) -> None:
    told = log(tmp_path / "no such folder" / "m")
    told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 1))
    told.flush()
    assert told.dropped == 1


def test_the_first_answers_are_wanted_and_later_ones_now_and_then(tmp_path: Path) -> None:
    now = [0.0]
    told = log(tmp_path / "m", now)
    assert told.wants(PLAN)
    told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 1))
    assert not told.wants(PLAN)
    for _ in range(EAGER_ANSWERS - 1):
        now[0] += EAGER_S
        assert told.wants(PLAN)
        told.answered(PLAN, ANSWER.usage, ANSWER.timings, (1, 1))
    now[0] += EAGER_S
    assert not told.wants(PLAN)
    now[0] += LATER_S
    assert told.wants(PLAN)
    told.flush()
