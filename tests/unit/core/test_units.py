from __future__ import annotations

import pytest

from stoker.core import units


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (11_744_051, "11.2 MiB"), (3 << 40, "3 TiB")],
)
def test_bytes_are_shown_in_binary_units(count: int, shown: str) -> None:
    assert units.format_bytes(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.0834, "83 ms"), (1.2, "1.20 s"), (185.2, "3 min 5 s")]
)
def test_seconds_are_shown_as_a_person_would_say_them(seconds: float, shown: str) -> None:
    assert units.format_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"), [(12, "12"), (5_412_000, "5.41 M"), (8_030_000_000, "8.03 B")]
)
def test_counts_are_shown_in_decimal_units(count: int, shown: str) -> None:
    assert units.format_count(count) == shown
