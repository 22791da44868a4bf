"""Figures are shown with two or three figures, and never with more certainty than they have."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.estimate import Interval
from stoker.planning.words import (
    exact,
    number,
    number_span,
    percent_span,
    rate_span,
    usd,
    usd_span,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0, "0"),
        (0.2512, "0.25"),
        (7.46, "7.5"),
        (12.4, "12"),
        (3781, "3,800"),
        (1.26e6, "1,300,000"),
    ],
)
def test_two_figures_are_shown(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_stated_number_is_shown_whole() -> None:
    assert (exact(12_345), exact(0.5), exact(2000.0)) == ("12,345", "0.5", "2,000")


@pytest.mark.parametrize(("value", "shown"), [(0, "$0.00"), (9.994, "$9.99"), (123.4, "$123")])
def test_small_amounts_have_cents(value: float, shown: str) -> None:
    assert usd(value) == shown


def test_an_interval_whose_ends_look_alike_is_one_figure() -> None:
    assert usd_span(Interval(1201, 1202, 1203)) == "$1,200"
    assert usd_span(Interval(10, 20, 30)) == "$10 to $30"
    assert rate_span(Interval(10, 20, 30)) == "10 to 30 tokens/s"
    assert percent_span(Interval(0.1, 0.2, 0.3)) == "10% to 30%"


def test_an_end_that_is_never_reached_is_called_so() -> None:
    assert number_span(Interval(100, 200, math.inf)) == "100 to never"


@given(st.floats(1e-6, 1e12))
def test_what_is_shown_is_near_what_is(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=0.051)
