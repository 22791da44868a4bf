"""The chart of costs in a terminal: two lines of characters, where they cross, what is asked.

Pure. What is to be seen is `cost_curves`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stoker.cli.drawing.cost_curves import Curves, curves_of
from stoker.cli.drawing.glyphs import Glyphs
from stoker.comparing.scales import Scale
from stoker.core.costs import Cost, CostCurve
from stoker.planning.words import exact, number, number_span, usd

WIDTH_LEAST, WIDTH_MOST, HEIGHT = 60, 100, 10


def chart_lines(cost: Cost, width: int, glyphs: Glyphs) -> list[str]:
    """The chart of `cost` below an empty line; nothing where a cost or the room is missing."""
    curves = curves_of(cost)
    drawn = [] if curves is None else draw(curves, width, glyphs)
    return ["", *drawn] if drawn else []


def draw(curves: Curves, width: int, glyphs: Glyphs) -> list[str]:
    """The lines of the chart, none wider than `width`; none at all below `WIDTH_LEAST`."""
    if width < WIDTH_LEAST:
        return []
    width = min(width, WIDTH_MOST)
    height = _height(curves.dollars(0, 1, curves.requests(0, 1)))
    dollars = curves.dollars(height - 1, 0, curves.requests(0, 1))
    labels = _labels(dollars, height)
    margin = max(map(len, labels.values())) + 2
    wide = width - margin
    canvas = _Canvas(
        curves,
        glyphs,
        curves.requests(0, wide - 1),
        dollars,
        [[" "] * wide for _ in range(height)],
        [glyphs.lying] * wide,
    )
    canvas.paint()
    return [
        _title(dollars, log=curves.log),
        *_framed(canvas, labels, margin),
        " " * (margin - 1) + glyphs.corner + "".join(canvas.frame),
        *_ticks(canvas.requests, margin, width),
        *_wrapped(list(_legend(curves, glyphs)), width),
    ]


def _height(dollars: Scale) -> int:
    """About `HEIGHT` rows, so that the ticks of a straight axis lie evenly."""
    if dollars.log:
        return HEIGHT
    steps = len(dollars.ticks) - 1
    return steps * max(1, round((HEIGHT - 1) / steps)) + 1


def _title(dollars: Scale, *, log: bool) -> str:
    both = ", both by powers of ten" if dollars.log else ", these by powers of ten"
    return f"Dollars a month by requests a day{both if log else ''}"


def _labels(dollars: Scale, height: int) -> dict[int, str]:
    """What is written before the rows that have a tick."""
    found: dict[int, str] = {}
    for tick in dollars.ticks:
        row = round(dollars.at(tick))
        if 0 <= row < height:
            found.setdefault(row, usd(tick) if tick else "$0")
    return found


@dataclass(slots=True)
class _Canvas:
    """The chart's inside while it is drawn: `rows` from the top, and the `frame` below them."""

    curves: Curves
    glyphs: Glyphs
    requests: Scale
    dollars: Scale
    rows: list[list[str]]
    frame: list[str]

    def paint(self) -> None:
        """Band, lines and crossing, the later over the earlier; then the marks on the axis."""
        here, api = self.curves.here, self.curves.api
        columns = range(len(self.frame))
        own = [at for at in columns if self.requests.value_at(at) <= self.curves.here_high]
        for at in own:
            self._band(at, here)
        self._line(api, columns, self.glyphs.api)
        self._line(here, own, self.glyphs.here)
        self._mark_axis()

    def _row(self, dollars: float) -> int:
        lowest = len(self.rows) - 1
        if self.dollars.log and dollars <= self.dollars.low:
            return lowest
        return min(max(round(self.dollars.at(dollars)), 0), lowest)

    def _band(self, at: int, curve: CostCurve) -> None:
        cost = curve.at(self.requests.value_at(at))
        for row in range(self._row(cost.p90), self._row(cost.p10) + 1):
            self.rows[row][at] = self.glyphs.band

    def _line(self, curve: CostCurve, columns: Sequence[int], glyphs: tuple[str, str]) -> None:
        """One glyph in each column, and uprights where it climbs more than a row."""
        lying, upright = glyphs
        last: int | None = None
        for at in columns:
            row = self._row(curve.at(self.requests.value_at(at)).p50)
            for between in range(row + 1, row if last is None else last):
                self.rows[between][at] = upright
            self.rows[row][at] = lying
            last = row

    def _mark_axis(self) -> None:
        for tick in self.requests.ticks:
            self._put(tick, self.glyphs.lying_tick)
        curves, glyphs = self.curves, self.glyphs
        if curves.even is not None:
            first, last = self._column(curves.even.p10), self._column(curves.even.p90)
            self.frame[first : last + 1] = glyphs.interval * (last + 1 - first)
        if curves.most is not None:
            self._put(curves.most.p50, glyphs.most)
        if curves.asked is not None:
            self._put(curves.asked, glyphs.asked)
        if curves.even is not None:
            self._put(curves.even.p50, glyphs.even)
            row = self._row(curves.here.at(curves.even.p50).p50)
            self.rows[row][self._column(curves.even.p50)] = glyphs.even

    def _put(self, requests: float, glyph: str) -> None:
        self.frame[self._column(requests)] = glyph

    def _column(self, requests: float) -> int:
        scale = self.requests
        inside = min(max(requests, scale.low), scale.high)
        return min(max(round(scale.at(inside)), 0), len(self.frame) - 1)


def _framed(canvas: _Canvas, labels: dict[int, str], margin: int) -> Iterator[str]:
    glyphs = canvas.glyphs
    for at, row in enumerate(canvas.rows):
        edge = glyphs.upright_tick if at in labels else glyphs.upright
        yield f"{labels.get(at, '').rjust(margin - 2)} {edge}{''.join(row)}".rstrip()


def _ticks(requests: Scale, margin: int, width: int) -> Iterator[str]:
    """The ticks' figures below the axis, each in the middle, as far as there is room."""
    line = ""
    for tick in requests.ticks:
        figure = exact(tick)
        start = margin + round(requests.at(tick)) - len(figure) // 2
        if start >= len(line) + bool(line) and start + len(figure) <= width:
            line = line.ljust(start) + figure
    yield line


def _legend(curves: Curves, glyphs: Glyphs) -> Iterator[str]:
    yield f"{glyphs.here[0]} here"
    yield f"{glyphs.api[0]} {curves.api_name}"
    if curves.even is not None:
        middle, span = number(curves.even.p50), number_span(curves.even)
        around = "" if middle == span else f" ({span})"
        yield f"{glyphs.even} break-even {middle} requests a day{around}"
    if curves.asked is not None:
        yield f"{glyphs.asked} asked {exact(curves.asked)} a day"
    if curves.most is not None:
        middle, span = number(curves.most.p50), number_span(curves.most)
        around = "" if middle == span else f" ({span})"
        yield f"{glyphs.most} capacity {middle} a day{around}"


def _wrapped(entries: Sequence[str], width: int) -> Iterator[str]:
    """As many entries on a line as fit, each whole; one that is too long is cut."""
    line = ""
    for entry in entries:
        longer = f"{line}   {entry}" if line else entry
        if len(longer) > width and line:
            yield line[:width]
            longer = entry
        line = longer
    yield line[:width]
