"""Plans as a picture: each device's memory by part, and where here becomes cheaper than an API.

Pure: an SVG document of our own, readable on light and dark, with its figures in words for those
who do not see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from stoker.cli.plan_bars import PARTS, parts_of
from stoker.comparing.figure import LEFT, RIGHT, WIDTH, text_at
from stoker.comparing.labels import width_of
from stoker.comparing.scales import Scale, linear_scale
from stoker.core.estimate import Interval
from stoker.core.proposal import Cost, Proposal, Resident
from stoker.core.units import format_bytes
from stoker.planning.advice.words import number, usd

_TOP, _BAR, _THIN, _ROW, _CHART = 60, 26, 18, 118, 300
_WIDE = WIDTH - RIGHT - LEFT
_STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
  .grid { stroke: #d8dee4 } .axis { stroke: #8c959f } .limit { stroke: #cf222e; stroke-width: 2 }
  .p0 { fill: #0969da } .p1 { fill: #1a7f37 } .p2 { fill: #bf8700 } .p3 { fill: #8250df }
  .free { fill: #eaeef2 } .here { stroke: #0969da; fill: #0969da } .api { stroke: #bc4c00 }
  .band { fill: #0969da; fill-opacity: 0.18 } .line { stroke-width: 2; fill: none }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9198a1 }
    .grid { stroke: #2b3138 } .axis { stroke: #6e7681 } .limit { stroke: #ff7b72 }
    .p0 { fill: #58a6ff } .p1 { fill: #3fb950 } .p2 { fill: #d29922 } .p3 { fill: #bc8cff }
    .free { fill: #21262d } .here { stroke: #58a6ff; fill: #58a6ff } .api { stroke: #f0883e }
    .band { fill: #58a6ff }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
  .head { font-weight: 600; font-size: 14px } .name { font-weight: 600 }
"""


@dataclass(frozen=True, slots=True)
class Band:
    """One device of one plan: its parts in bytes, in the order of `PARTS`, and what is free."""

    name: str
    parts: tuple[int, ...]
    available_bytes: int


def plot(resident: Resident) -> str:
    """The picture as an SVG document."""
    bands = [band for one in resident.proposals for band in _bands(one)]
    body = list(_memory(bands))
    height = _TOP + _ROW * len(bands)
    for proposal in resident.proposals:
        if lines := list(_break_even(proposal, height)):
            body += lines
            height += _CHART
    return "\n".join([*_head(resident, bands, height), *body, "</svg>"]) + "\n"


def _head(resident: Resident, bands: Sequence[Band], height: int) -> Iterator[str]:
    names = ", ".join(str(one.plan.model.ref) for one in resident.proposals)
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title desc">'
    yield f'<title id="title">{escape(f"How {names} would run")}</title>'
    yield f'<desc id="desc">{escape(" ".join(map(_in_words, bands)))}</desc>'
    yield f"<style>{_STYLE}</style>"
    yield f'<rect class="paper" width="{WIDTH}" height="{height}"/>'


def _in_words(band: Band) -> str:
    parts = (f"{name} {format_bytes(size)}" for name, size in zip(PARTS, band.parts, strict=True))
    return f"{band.name}: {', '.join(parts)}, of {format_bytes(band.available_bytes)} available."


def _bands(proposal: Proposal) -> Iterator[Band]:
    """One for each device that the plan takes memory of."""
    name = f"{proposal.plan.model.ref}, {proposal.quantization}"
    for one in proposal.devices:
        where = "" if len(proposal.devices) == 1 and one.device == "cpu" else f" on {one.device}"
        parts = parts_of(proposal.need, one.device)
        yield Band(f"{name}{where}: {proposal.verdict.value}", parts, one.available_bytes)


def _memory(bands: Sequence[Band]) -> Iterator[str]:
    yield text_at(LEFT, 26, "Memory by part, against what is available", "head ink")
    yield from _key()
    for at, band in enumerate(bands):
        yield from _bar(band, _TOP + _ROW * at)


def _key() -> Iterator[str]:
    x = float(LEFT)
    for at, name in enumerate(PARTS):
        yield f'<rect class="p{at}" x="{x:.1f}" y="36" width="11" height="11"/>'
        yield text_at(x + 16, 46, name, "soft")
        x += 16 + width_of(name) + 14


def _bar(band: Band, top: int) -> Iterator[str]:
    """The parts against what is available, and below them the parts alone, with their sizes."""
    need, free = sum(band.parts), band.available_bytes
    whole = max(need, free, 1)
    words = f"{format_bytes(need)} of {format_bytes(free)}"
    yield text_at(LEFT, top + 14, band.name, "name ink")
    yield text_at(WIDTH - RIGHT, top + 14, words, "soft", "end")
    y = top + 20
    yield f'<rect class="free" x="{LEFT}" y="{y}" width="{_WIDE}" height="{_BAR}"/>'
    for at, start, length in _pieces(band.parts, whole):
        yield _piece(at, start, length, (y, _BAR))
    if need > free:
        yield _line("limit", (LEFT + _WIDE * free / whole, y - 4), (0, _BAR + 8))
    y += _BAR + 6
    for at, start, length in _pieces(band.parts, max(need, 1)):
        yield _piece(at, start, length, (y, _THIN))
        label = format_bytes(band.parts[at])
        if width_of(label) <= length:
            yield text_at(start + length / 2, y + _THIN + 14, label, "soft", "middle")


def _pieces(parts: Sequence[int], whole: int) -> Iterator[tuple[int, float, float]]:
    """Place and length of each part, side by side."""
    x = float(LEFT)
    for at, size in enumerate(parts):
        length = _WIDE * size / whole
        yield at, x, length
        x += length


def _piece(at: int, x: float, length: float, place: tuple[int, int]) -> str:
    y, high = place
    return f'<rect class="p{at}" x="{x:.1f}" y="{y}" width="{length:.1f}" height="{high}"/>'


# --- where here becomes the cheaper -------------------------------------------------------------


def _break_even(proposal: Proposal, top: int) -> Iterator[str]:
    """Both costs of a month by requests a day, where both are known."""
    chart = _chart(proposal.cost, top)
    if chart is None:
        return
    requests, dollars, here, api = chart
    title = (
        f"Dollars a month by requests a day: here (p10 to p90) and {proposal.cost.api_reference}"
    )
    yield text_at(LEFT, top + 26, title, "head ink")
    yield from _axes(requests, dollars)
    most = requests.high
    low, high = (
        [(requests.at(x), dollars.at(_end(here, end, x))) for x in (0.0, most)]
        for end in ("p10", "p90")
    )
    band = " ".join(f"{x:.1f},{y:.1f}" for x, y in (*low, *reversed(high)))
    yield f'<polygon class="band" points="{band}"/>'
    for kind, (fixed, slope) in (("here", _middle(here)), ("api", _middle(api))):
        start = requests.at(0.0), dollars.at(fixed)
        end = requests.at(most), dollars.at(fixed + slope * most)
        yield _line(f"{kind} line", start, (end[0] - start[0], end[1] - start[1]))
        yield text_at(end[0] - 4, end[1] - 6, kind if kind == "here" else "API", "name ink", "end")
    even = proposal.cost.break_even
    if even is not None and even.requests_per_day is not None:
        x = requests.at(even.requests_per_day.p50)
        yield _line("axis", (x, dollars.end), (0, dollars.start - dollars.end))
        words = f"{number(even.requests_per_day.p50)} a day"
        yield text_at(x + 6, dollars.end + 12, words, "soft")


Line = tuple[Interval, Interval]


def _chart(cost: Cost, top: int) -> tuple[Scale, Scale, Line, Line] | None:
    """Both axes, and what each costs with no request, and with each request a day more."""
    if cost.local is None or cost.api is None or cost.volume_per_day <= 0:
        return None
    local, api, fixed = cost.local.total, cost.api.total, cost.fixed_usd_month
    if local is None or api is None or fixed is None:
        return None
    volume = cost.volume_per_day
    even = None if cost.break_even is None else cost.break_even.requests_per_day
    most = 1.5 * max(volume, even.p50 if even and math.isfinite(even.p50) else 0.0)
    here = fixed, _slope(local, fixed, volume)
    there = Interval.exact(0.0), api.scaled(1 / volume)
    requests = linear_scale(0.0, most, LEFT, WIDTH - RIGHT - 10)
    highest = max(_end(line, "p90", requests.high) for line in (here, there))
    dollars = linear_scale(0.0, max(highest, 0.01), top + _CHART - 54, top + 52)
    return requests, dollars, here, there


def _slope(total: Interval, fixed: Interval, volume: float) -> Interval:
    ends = [
        max(0.0, getattr(total, end) - getattr(fixed, end)) / volume
        for end in ("p10", "p50", "p90")
    ]
    return Interval(*sorted(ends))


def _end(line: Line, end: str, requests: float) -> float:
    fixed, slope = line
    return float(getattr(fixed, end) + getattr(slope, end) * requests)


def _middle(line: Line) -> tuple[float, float]:
    return line[0].p50, line[1].p50


def _axes(requests: Scale, dollars: Scale) -> Iterator[str]:
    for tick in dollars.ticks:
        y = dollars.at(tick)
        yield _line("grid", (LEFT, y), (WIDTH - RIGHT - LEFT, 0))
        yield text_at(LEFT - 8, y + 4, usd(tick) if tick else "$0", "soft", "end")
    for tick in requests.ticks:
        x = requests.at(tick)
        yield _line("axis", (x, dollars.start), (0, 5))
        yield text_at(x, dollars.start + 19, f"{tick:,.6g}", "soft", "middle")
    yield text_at(WIDTH - RIGHT, dollars.start + 38, "requests a day", "soft", "end")


def _line(kind: str, start: tuple[float, float], by: tuple[float, float]) -> str:
    (x, y), (right, down) = start, by
    places = f'x1="{x:.1f}" y1="{y:.1f}" x2="{x + right:.1f}" y2="{y + down:.1f}"'
    return f'<line class="{kind}" {places}/>'
