"""A calibration is kept whole and read strictly: what is not one is refused, with what to do."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.calibration import Calibration, Fit, Observation, ThreadRatio
from stoker.core.errors import CalibrationError, HomeError
from stoker.core.power import Power
from stoker.state.calibrations import from_json, load_calibration, save_calibration, to_json
from stoker.state.home import Home

CALIBRATION = Calibration(
    machine="here",
    engine="llamacpp",
    engine_version="1.2",
    threads=2,
    taken_unix_s=1_700_000_000,
    decode=Fit((("layers", 1e-4), ("read:q8_0", 2.7e-11)), (-0.1, 0.0, 0.2)),
    prefill=Fit((("prompt", 0.001),), (0.05,)),
    first_token_s=0.001,
    thread_ratios=(ThreadRatio(1, 1.5, 1.9),),
    conditions=(("cpu", "some"), ("cores", "2")),
    observations=(Observation("decode", "wide", "Q8_0", 2, 1, 36, 0.006, 3, 0.02, 0.0061),),
    taken=10,
    rejected=1,
    quick=True,
    power=Power(11.5, 48.25, "processor package and memory", 2.0, 61.5),
)


def test_what_is_kept_is_read_again_and_private(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert load_calibration(home) is None
    path = save_calibration(home, CALIBRATION)
    assert load_calibration(home) == CALIBRATION
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_one_takes_the_place_of_the_old(tmp_path: Path) -> None:
    home = Home(tmp_path)
    save_calibration(home, CALIBRATION)
    save_calibration(home, Calibration("there", "e", "2", 4, 1, Fit(), Fit()))
    found = load_calibration(home)
    assert found is not None
    assert found.machine == "there"


def test_a_calibration_from_before_power_was_measured_is_still_one() -> None:
    found = from_json(changed(power=None))
    assert (found.threads, found.decode) == (CALIBRATION.threads, CALIBRATION.decode)
    assert not found.power.is_known
    assert "before power was measured" in found.power.missing


def test_a_calibration_from_before_disturbed_timings_were_kept_is_still_one() -> None:
    document = json.loads(to_json(CALIBRATION))
    del document["disturbed"], document["observations"][0]["disturbed"]
    for name in ("decode", "prefill", "streams", "load", "cold"):
        del document[name]["disturbed_width"]
    assert from_json(json.dumps(document).encode()) == CALIBRATION


def test_what_was_disturbed_is_kept() -> None:
    decode = replace(CALIBRATION.decode, disturbed_width=0.3)
    observed = (replace(CALIBRATION.observations[0], disturbed=True),)
    busy = replace(CALIBRATION, decode=decode, disturbed=1, observations=observed)
    assert from_json(to_json(busy)) == busy


def test_a_reason_for_no_power_is_kept() -> None:
    unread = replace(CALIBRATION, power=Power(missing="no meter"))
    assert from_json(to_json(unread)) == unread


def test_a_home_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="file"):
        save_calibration(Home(tmp_path / "file"), CALIBRATION)


def changed(**values: Any) -> bytes:
    document = json.loads(to_json(CALIBRATION))
    for name, value in values.items():
        at, _, last = name.rpartition("__")
        inner = document
        for step in at.split("__") if at else ():
            inner = inner[int(step)] if step.isdigit() else inner[step]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"[" * 100_000,
        changed(version=2),
        changed(machine=None),
        changed(more=1),
        changed(threads=0),
        changed(threads=True),
        changed(threads=1.5),
        changed(machine="a\nb"),
        changed(first_token_s=-1.0),
        changed(first_token_s="1"),
        changed(decode__terms__layers=float("nan")),
        changed(decode__terms__layers=-1.0),
        changed(decode__terms=[1]),
        changed(decode__log_errors=["x"]),
        changed(decode__more=1),
        changed(conditions=[]),
        changed(conditions__cpu=3),
        changed(observations__0__seconds=-1.0),
        changed(observations__0__shape=None),
        changed(thread_ratios={}),
        changed(power=3),
        changed(power={}),
        changed(power__watts_idle="3"),
        changed(power__watts_idle=None),
        changed(power__watts_load=1.0),
        changed(power__watts_load=float("inf")),
        changed(power__idle_s=-1.0),
        changed(power__scope="a\nb"),
        changed(observations=[0] * 5000),
        b" " * (5 << 20),
    ],
)
def test_what_is_no_calibration_is_refused_with_what_to_do(data: bytes) -> None:
    with pytest.raises(CalibrationError) as caught:
        from_json(data)
    assert "stoker calibrate" in caught.value.hint


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail_otherwise(data: bytes) -> None:
    with pytest.raises(CalibrationError):
        from_json(data)


def test_a_damaged_file_is_refused_when_it_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(CalibrationError):
        load_calibration(Home(tmp_path))
