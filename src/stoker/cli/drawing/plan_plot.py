"""Plans as a picture: each device's memory by part; the costs below it are `cost_plot`'s.

Pure: an SVG document of our own, readable on light and dark, with its figures in words for those
who do not see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from stoker.cli.drawing.cost_curves import curves_of
from stoker.cli.drawing.cost_plot import CHART_HEIGHT, plot_costs
from stoker.cli.drawing.plan_bars import PARTS, parts_of
from stoker.comparing.figure import LEFT, RIGHT, WIDTH, text_at
from stoker.comparing.labels import width_of
from stoker.core.proposal import Proposal, Resident
from stoker.core.units import format_bytes

_TOP, _BAR, _THIN, _ROW = 60, 26, 18, 118
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
        if (curves := curves_of(proposal.cost)) is not None:
            body += plot_costs(curves, height)
            height += CHART_HEIGHT
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
        x = LEFT + _WIDE * free / whole
        yield f'<line class="limit" x1="{x:.1f}" y1="{y - 4}" x2="{x:.1f}" y2="{y + _BAR + 4}"/>'
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
