"""A comparison as a picture: right answers and divergence, each against the size of the file.

Pure: an SVG document of our own, readable on light and dark, with its figures in words for those
who do not see it. Figures are `report`'s, axes `scales`', places of labels `labels`'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from stoker.comparing.columns import shortened
from stoker.comparing.labels import Anchor, Box, Label, place
from stoker.comparing.report import Report, Row
from stoker.comparing.scales import Scale, linear_scale, log_scale
from stoker.comparing.table import thousandths
from stoker.core.units import GIB, MIB, format_bytes

_WIDTH, _PANEL = 760, 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 24, 64, 46
_STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
  .grid { stroke: #d8dee4 } .axis { stroke: #8c959f } .line { stroke: #8c959f }
  .right { fill: #0969da; stroke: #0969da } .kl { fill: #bc4c00; stroke: #bc4c00 }
  .chosen { fill: none; stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9198a1 }
    .grid { stroke: #2b3138 } .axis { stroke: #6e7681 } .line { stroke: #6e7681 }
    .right { fill: #58a6ff; stroke: #58a6ff } .kl { fill: #f0883e; stroke: #f0883e }
    .chosen { stroke: #e6edf3 }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
  .head { font-weight: 600; font-size: 14px } .name { font-weight: 600 }
"""


@dataclass(frozen=True, slots=True)
class Dot:
    """One candidate in one panel: a value with its interval, which may reach below the axis."""

    name: str
    size: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the pictures: its head, what its axis shows, its colour's class and its dots."""

    head: str
    axis: str
    kind: str
    dots: tuple[Dot, ...]
    log: bool = False


def plot(report: Report) -> str:
    """The picture as an SVG document; panels without figures are left out."""
    panels = [panel for panel in (_right(report), _divergence(report)) if panel.dots]
    height = max(1, len(panels)) * _PANEL + 8
    chosen = report.verdict.cheapest if report.verdict else None
    sizes = _size_scale(report)
    body = [
        part
        for at, panel in enumerate(panels)
        for part in _drawn(panel, at * _PANEL, sizes, _size_unit(report), chosen)
    ]
    key = _key() if chosen and panels else []
    return "\n".join([*_head(report, height), *body, *key, "</svg>"]) + "\n"


def _head(report: Report, height: int) -> list[str]:
    title = f"What is lost at which size: {', '.join(row.name for row in report.rows)}"
    box = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(" ".join(map(_in_words, report.rows)))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{height}"/>',
    ]


def _in_words(row: Row) -> str:
    words = [format_bytes(row.file_bytes) if row.file_bytes else "no file"]
    if row.tasks:
        one = row.tasks.accuracy
        words.append(
            f"{100 * one.share:.1f} % right (95 % interval {100 * one.low:.1f} to"
            f" {100 * one.high:.1f})"
        )
    if row.text and row.text.divergence:
        nats = row.text.divergence.kl_mean_nats
        words.append(f"mean KL divergence {thousandths(nats)} thousandths of a nat")
    return f"{row.name}: {', '.join(words)}."


# --- what is shown ------------------------------------------------------------------------------


def _right(report: Report) -> Panel:
    dots = tuple(dot for row in report.rows if (dot := _right_dot(row)))
    total = next((row.tasks.accuracy.total for row in report.rows if row.tasks), 0)
    return Panel(f"Right answers of {total} tasks, with 95 % intervals", "right, %", "right", dots)


def _right_dot(row: Row) -> Dot | None:
    if row.tasks is None or row.file_bytes is None:
        return None
    one = row.tasks.accuracy
    return Dot(row.name, row.file_bytes, 100 * one.share, 100 * one.low, 100 * one.high)


def _divergence(report: Report) -> Panel:
    dots = tuple(dot for row in report.rows if (dot := _divergence_dot(row)))
    head = f"Mean KL divergence from {shortened(report.base)}, with two standard errors"
    return Panel(head, "thousandths of a nat", "kl", dots, log=True)


def _divergence_dot(row: Row) -> Dot | None:
    if row.text is None or row.text.divergence is None or row.file_bytes is None:
        return None
    one = row.text.divergence
    mean, error = 1000 * one.kl_mean_nats, 2000 * one.kl_error_nats
    if mean <= 0:  # it has no place on a logarithmic axis
        return None
    return Dot(row.name, row.file_bytes, mean, mean - error, mean + error)


def _size_scale(report: Report) -> Scale:
    sizes = [float(row.file_bytes) for row in report.rows if row.file_bytes] or [float(MIB)]
    unit = _size_unit(report)[1]
    return log_scale([size / unit for size in sizes], _LEFT, _WIDTH - _RIGHT)


def _size_unit(report: Report) -> tuple[str, int]:
    most = max((row.file_bytes or 0 for row in report.rows), default=0)
    return ("GiB", GIB) if most >= GIB else ("MiB", MIB)


# --- how it is drawn ----------------------------------------------------------------------------


def _drawn(
    panel: Panel, top: int, sizes: Scale, unit: tuple[str, int], chosen: str | None
) -> Iterable[str]:
    upper, lower = top + _TOP, top + _PANEL - _BOTTOM
    values = _value_scale(panel, upper, lower)
    anchors = [_anchor(dot, sizes, values, unit[1]) for dot in panel.dots]
    area = Box(_LEFT, top + _TOP - 22, _WIDTH - 2, lower - 1)
    yield _text(_LEFT, top + 26, panel.head, "head ink")
    yield _text(_LEFT, top + 44, panel.axis, "soft")
    yield from _axes(sizes, values, lower)
    yield _text(_WIDTH - _RIGHT, lower + 36, f"file, {unit[0]}", "soft", "end")
    yield from (_bar(one, panel.kind, lower) for one in anchors)
    yield from _chosen(anchors, chosen)
    for label in place(anchors, area):
        yield from _label(label)


def _value_scale(panel: Panel, upper: int, lower: int) -> Scale:
    highest = max(dot.high for dot in panel.dots)
    if panel.log:  # there is no zero: an interval that reaches it ends at the axis
        lowest = min(max(dot.low, dot.value / 3) for dot in panel.dots)
        return log_scale([lowest, highest], lower, upper)
    return linear_scale(min(dot.low for dot in panel.dots), highest, lower, upper)


def _anchor(dot: Dot, sizes: Scale, values: Scale, unit: int) -> Anchor:
    return Anchor(
        shortened(dot.name),
        sizes.at(dot.size / unit),
        values.at(dot.value),
        values.at(dot.high),
        values.at(max(dot.low, values.low)),
    )


def _axes(sizes: Scale, values: Scale, lower: int) -> Iterable[str]:
    for tick in values.ticks:
        y = values.at(tick)
        yield _stroke("grid", _LEFT, y, _WIDTH - _RIGHT, y)
        yield _text(_LEFT - 8, y + 4, f"{tick:g}", "soft", "end")
    for tick in sizes.ticks:
        x = sizes.at(tick)
        yield _stroke("axis", x, lower, x, lower + 5)
        yield _text(x, lower + 19, f"{tick:g}", "soft", "middle")
    yield _stroke("axis", _LEFT, lower, _WIDTH - _RIGHT, lower)


def _bar(one: Anchor, kind: str, lower: float) -> str:
    ends = [y for y in (one.high, one.low) if y < lower]  # none where it goes on below the axis
    caps = "".join(_stroke(kind, one.x - 4, y, one.x + 4, y) for y in ends)
    dot = f'<circle class="{kind}" cx="{one.x:.1f}" cy="{one.y:.1f}" r="4"/>'
    return _stroke(kind, one.x, one.high, one.x, one.low) + caps + dot


def _chosen(anchors: Sequence[Anchor], chosen: str | None) -> Iterable[str]:
    for one in anchors:
        if chosen is not None and one.text == shortened(chosen):
            yield f'<circle class="chosen" cx="{one.x:.1f}" cy="{one.y:.1f}" r="8"/>'


def _key() -> list[str]:
    """What the ring means, in the upper right corner."""
    x = _WIDTH - _RIGHT
    words = "the smallest that is not significantly worse"
    return [
        _text(x - 18, 44, words, "soft", "end"),
        f'<circle class="chosen" cx="{x - 7}" cy="40" r="6"/>',
    ]


def _label(label: Label) -> Iterable[str]:
    box, anchor = label.box, label.anchor
    middle = (box.left + box.right) / 2
    if label.line:
        edge = box.bottom if box.bottom <= anchor.y else box.top
        yield _stroke("line", anchor.x, anchor.y, middle, edge)
    yield _text(middle, box.bottom - 4, anchor.text, "name ink", "middle")


def _stroke(kind: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str, anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )
