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
