"""Pressure files, as kernels write them and as nobody does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.machine.pressure import Pressure, parse_pressure, read_pressure
from stoker.machine.system_files import Roots

Plant = Callable[[Mapping[str, str]], Roots]
TEXT = """\
some avg10=25.39 avg60=22.44 avg300=29.65 total=1043862884
full avg10=0.00 avg60=0.00 avg300=0.00 total=0
"""


def test_shares_and_totals(plant: Plant) -> None:
    found = read_pressure("cpu", plant({"proc/pressure/cpu": TEXT}))
    assert found == Pressure(share=0.2539, total_s=1043.862884)


def test_a_kernel_without_them_tells_nothing() -> None:
    assert read_pressure("cpu", Roots(Path("/none"), Path("/none"))) is None


@pytest.mark.parametrize("text", ["", "full avg10=1.00 total=1", "some avg10=x total=1"])
def test_other_texts_say_nothing(text: str) -> None:
    assert parse_pressure(text) is None


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    found = parse_pressure(f"some avg10={text}")
    assert found is None or 0 <= found.share <= 1
