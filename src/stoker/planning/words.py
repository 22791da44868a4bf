"""Figures in words, the same in plans and in advice: intervals, money, speeds, tokens. Pure."""

from __future__ import annotations

import math

from stoker.core.estimate import Interval
from stoker.core.units import format_seconds


def number(value: float, figures: int = 2) -> str:
    """`value` with so many significant figures, in groups of thousands: `3,800`, `0.25`."""
    if not math.isfinite(value):
        return "no number"
    if value and abs(value) < 10:
        return f"{value:.{figures}g}"
    digits = max(0, int(math.log10(abs(value))) + 1 - figures) if value else 0
    return f"{round(value, -digits):,.0f}"


def exact(value: float) -> str:
    """All of a stated number, in groups of thousands."""
    return f"{value:,.10g}" if abs(value) < 1e10 else f"{value:,.0f}"


def usd(value: float) -> str:
    """Dollars with three figures, and to the cent below ten."""
    return f"${value:.2f}" if abs(value) < 10 else f"${number(value, 3)}"


def span(interval: Interval, low: str, high: str) -> str:
    """The two ends as written, or one of them where they are written alike."""
    return high if low == high else f"{low} to {high if math.isfinite(interval.p90) else 'never'}"


def usd_span(interval: Interval) -> str:
    """Dollars from the tenth to the ninetieth percentile."""
    return span(interval, usd(interval.p10), usd(interval.p90))


def number_span(interval: Interval) -> str:
    """A count from the tenth to the ninetieth percentile."""
    return span(interval, number(interval.p10), number(interval.p90))


def seconds_span(interval: Interval) -> str:
    """Seconds from the tenth to the ninetieth percentile."""
    return span(interval, format_seconds(interval.p10), format_seconds(interval.p90))


def rate_span(interval: Interval) -> str:
    """Tokens a second from the tenth to the ninetieth percentile."""
    return f"{number_span(interval)} tokens/s"


def percent_span(interval: Interval) -> str:
    """Shares as percentages from the tenth to the ninetieth percentile."""
    return span(interval, f"{interval.p10:.0%}", f"{interval.p90:.0%}")
