"""A calibration that others disturbed says so, in its head and at each figure."""

from __future__ import annotations

import pytest

from stoker.cli.pages.calibration_page import show
from stoker.core.calibration import Calibration, Fit, Observation

OBSERVED = Observation("decode", "wide", "Q8_0", 2, 1, 36, 0.006, 3, 0.02, 0.0061)
DISTURBED = Observation("decode", "deep", "Q8_0", 2, 1, 36, 0.006, 3, 0.5, 0.0061, disturbed=True)


def shown(capsys: pytest.CaptureFixture[str], disturbed: int) -> list[str]:
    fit = Fit((("read:q8_0", 2e-11),), (0.1,) * 6, 0.3 if disturbed else 0.0)
    seen = (OBSERVED, *((DISTURBED,) if disturbed else ()))
    show(Calibration("m", "e", "1", 2, 1, fit, Fit(), observations=seen, disturbed=disturbed))
    return capsys.readouterr().out.splitlines()


def test_disturbed_figures_are_marked_and_how_much_they_widen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, disturbed=1)
    assert any("1 of 2 figures: other programs never rested" in line for line in lines)
    assert any("a factor of 1.35" in line for line in lines)
    assert [line.split()[0] for line in lines if line.endswith("  disturbed")] == ["deep"]


def test_of_a_machine_at_rest_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any(line.endswith("  disturbed") for line in shown(capsys, disturbed=0))
