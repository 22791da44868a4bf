"""The chart of costs as SVG: both curves, where they cross, what is asked and what can be served.

Pure. What is to be seen is `cost_curves`'s; the classes in the markup get their colours from
`plan_plot`, which makes the document.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stoker.cli.drawing.cost_curves import Curves
from stoker.comparing.figure import LEFT, RIGHT, WIDTH, text_at
from stoker.comparing.labels import width_of
from stoker.comparing.scales import Scale
from stoker.core.costs import CostCurve
from stoker.planning.words import exact, number, usd

CHART_HEIGHT = 320
_TOP, _BOTTOM = 86, 54
_STEPS = 48

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where requests and dollars lie."""

    requests: Scale
    dollars: Scale

    def at(self, requests: float, dollars: float) -> Place:
        """A point; what lies below the axis lies on it."""
        scale = self.dollars
        inside = min(max(dollars, scale.low), scale.high)
        return self.requests.at(requests), scale.at(inside)

    def path(self, curve: CostCurve, end: str, most: float) -> list[Place]:
        """Points of one of a curve's percentiles, up to so many requests."""
        last = self.requests.at(min(most, self.requests.high))
        wide = last - self.requests.start
        places = (self.requests.start + wide * step / _STEPS for step in range(_STEPS + 1))
        values = [self.requests.value_at(place) for place in places]
        return [self.at(value, getattr(curve.at(value), end)) for value in values]


def plot_costs(curves: Curves, top: int) -> Iterator[str]:
    """The parts of the picture below `top`."""
    requests = curves.requests(LEFT, WIDTH - RIGHT - 10)
    frame = _Frame(requests, curves.dollars(top + CHART_HEIGHT - _BOTTOM, top + _TOP, requests))
    title = f"Dollars a month by requests a day: here (p10 to p90) and {curves.api_name}"
    yield text_at(LEFT, top + 26, title, "head ink")
    yield from _axes(frame)
    low, high = (frame.path(curves.here, end, curves.here_high) for end in ("p10", "p90"))
    yield f'<polygon class="band" points="{_points([*low, *reversed(high)])}"/>'
    here = frame.path(curves.here, "p50", curves.here_high)
    api = frame.path(curves.api, "p50", requests.high)
    for kind, word, path in (("here", "here", here), ("api", "API", api)):
        yield f'<polyline class="{kind} line" points="{_points(path)}"/>'
        x, y = path[-1]
        yield text_at(x - 4, y - 6, word, "name ink", "end")
    yield from _marks(curves, frame)


def _marks(curves: Curves, frame: _Frame) -> Iterator[str]:
    """Upright lines at what is asked, where both cost the same, and what can be served.

    Their words stand above the curves, the leftmost highest, so that no line crosses them.
    """
    upper, lower = frame.dollars.end - 38, frame.dollars.start
    for row, (requests, words) in enumerate(sorted(_marked(curves))):
        inside = min(max(requests, frame.requests.low), frame.requests.high)
        x = frame.requests.at(inside)
        yield _line("axis", (x, upper + 14 * row - 8), (x, lower))
        fits = x + 6 + width_of(words) <= WIDTH - 2
        place, anchor = (x + 6, "start") if fits else (x - 6, "end")
        yield text_at(place, upper + 14 * row, words, "soft", anchor)


def _marked(curves: Curves) -> Iterator[tuple[float, str]]:
    if curves.asked is not None:
        yield curves.asked, f"asked: {exact(curves.asked)} a day"
    if curves.even is not None:
        yield curves.even.p50, f"break-even: {number(curves.even.p50)} a day"
    if curves.most is not None:
        yield curves.most.p50, f"capacity: {number(curves.most.p50)} a day"


def _axes(frame: _Frame) -> Iterator[str]:
    requests, dollars = frame.requests, frame.dollars
    for tick in dollars.ticks:
        y = dollars.at(tick)
        yield _line("grid", (LEFT, y), (WIDTH - RIGHT, y))
        yield text_at(LEFT - 8, y + 4, usd(tick) if tick else "$0", "soft", "end")
    for tick in requests.ticks:
        x = requests.at(tick)
        yield _line("axis", (x, dollars.start), (x, dollars.start + 5))
        yield text_at(x, dollars.start + 19, exact(tick), "soft", "middle")
    yield text_at(WIDTH - RIGHT, dollars.start + 38, "requests a day", "soft", "end")


def _points(places: list[Place]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _line(kind: str, start: Place, end: Place) -> str:
    (x1, y1), (x2, y2) = start, end
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
