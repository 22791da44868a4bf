from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import units


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1536, "1.5 KiB"),
        (11_744_051, "11.2 MiB"),
        (1010 << 20, "1010 MiB"),
        (int(999.7 * 2**20), "1000 MiB"),
        ((1 << 30) - 1, "1 GiB"),
        (3 << 40, "3 TiB"),
        (5000 << 40, "5000 TiB"),
    ],
)
def test_bytes_are_shown_in_binary_units(count: int, shown: str) -> None:
    assert units.format_bytes(count) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0834, "83 ms"),
        (0.9999, "1.00 s"),
        (1.2, "1.20 s"),
        (9.996, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min"),
        (95.69, "1 min 36 s"),
        (185.2, "3 min 5 s"),
        (180, "3 min"),
        (7300, "2 h 2 min"),
        (86400, "24 h"),
        (200_000, "2 days 8 h"),
        (float("inf"), "never"),
    ],
)
def test_seconds_are_shown_as_a_person_would_say_them(seconds: float, shown: str) -> None:
    assert units.format_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (12, "12"),
        (5_412_000, "5.41 M"),
        (8_030_000_000, "8.03 B"),
        (999_900_000, "1 B"),
        (2_500 * 10**12, "2500 T"),
    ],
)
def test_counts_are_shown_in_decimal_units(count: int, shown: str) -> None:
    assert units.format_count(count) == shown


@given(st.integers(0, 1 << 80), st.floats(0, 1e12))
def test_no_figure_has_an_exponent(count: int, seconds: float) -> None:
    shown = units.format_bytes(count) + units.format_count(count) + units.format_seconds(seconds)
    assert "e" not in shown.replace("B", "")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("8GiB", 8 << 30),
        ("8G", 8 << 30),
        ("512 MiB", 512 << 20),
        ("1.5g", 3 << 29),
        ("9", 9),
        ("2TB", 2 << 40),
        (" 1k ", 1024),
        ("7b", 7),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1G", "8 apples", "G", "1e9", "inf", "1" * 30, "8GiBs"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="size"):
        units.parse_bytes(text)
