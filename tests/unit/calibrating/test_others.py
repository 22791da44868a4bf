"""Timings taken among busy programs are told apart by what the kernel counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stoker.calibrating.others import ProcessorTime, read, were_busy

CALM = ProcessorTime(at_s=10.0, all_s=100.0, ours_s=50.0)


@pytest.mark.parametrize(
    ("all_s", "ours_s", "busy"),
    [(102.0, 52.0, False), (102.0, 51.0, True), (102.1, 52.0, False), (104.0, 52.0, True)],
)
def test_what_is_not_ours_is_others(all_s: float, ours_s: float, *, busy: bool) -> None:
    assert were_busy(CALM, ProcessorTime(12.0, all_s, ours_s)) is busy


def test_a_few_ticks_are_within_what_the_kernel_counts() -> None:
    assert not were_busy(CALM, ProcessorTime(10.01, 100.03, 50.0))


def test_where_the_kernel_does_not_tell_nobody_is_busy(tmp_path: Path) -> None:
    assert read(None, tmp_path) is None
    assert not were_busy(None, CALM)
    assert not were_busy(CALM, None)


@pytest.mark.parametrize("text", ["", "cpu\n", "cpu a b c\n"])
def test_what_cannot_be_read_is_not_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "stat").write_text(text)
    assert read(None, tmp_path) is None


def test_what_a_host_takes_away_counts_as_busy_and_idling_does_not(tmp_path: Path) -> None:
    hertz = os.sysconf("SC_CLK_TCK")
    (tmp_path / "stat").write_text(f"cpu  1 2 3 1000 500 4 5 {hertz} 7 8\n")
    found = read(None, tmp_path)
    assert found is not None
    assert found.all_s == pytest.approx((1 + 2 + 3 + 4 + 5) / hertz + 1)
