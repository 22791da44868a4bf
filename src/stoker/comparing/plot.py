"""A comparison as a picture: right answers and divergence, each against the size of the file.

Pure: an SVG document of our own, readable on light and dark, with its figures in words for those
who do not see it. Figures are `report`'s; how a panel is drawn is `figure`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from stoker.comparing.columns import shortened
from stoker.comparing.figure import (
    LEFT,
    PANEL_HEIGHT,
    RIGHT,
    WIDTH,
    Dot,
    Drawing,
    Panel,
    ring,
    text_at,
)
from stoker.comparing.report import Report, Row
from stoker.comparing.scales import Scale, log_scale
from stoker.comparing.table import thousandths
from stoker.core.units import GIB, MIB, format_bytes

_COLUMNS, _ROW = 3, 18
_STYLE = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #59636e }
  .grid { stroke: #d8dee4 } .axis { stroke: #8c959f }
  .right { fill: #0969da; stroke: #0969da } .kl { fill: #bc4c00; stroke: #bc4c00 }
  .chosen { fill: none; stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #9198a1 }
    .grid { stroke: #2b3138 } .axis { stroke: #6e7681 }
    .right { fill: #58a6ff; stroke: #58a6ff } .kl { fill: #f0883e; stroke: #f0883e }
    .chosen { stroke: #e6edf3 }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif }
  .head { font-weight: 600; font-size: 14px } .name { font-weight: 600 }
"""


def plot(report: Report) -> str:
    """The picture as an SVG document; panels without figures are left out.

    Where there is no room for names at all points, the points are numbered, and a list says whose
    number is whose.
    """
    word, unit = _size_unit(report)
    panels = [one for one in (_right(report, unit), _divergence(report, unit)) if one.dots]
    sizes = _size_scale(report, unit)
    drawings = [Drawing(one, at * PANEL_HEIGHT, sizes) for at, one in enumerate(panels)]
    names = {row.name: shortened(row.name) for row in report.rows}
    crowded = any(label.covers for one in drawings for label in one.labels(names))
    if crowded:
        names = {row.name: str(at) for at, row in enumerate(report.rows, 1)}
    chosen = report.verdict.cheapest if report.verdict else None
    body = [part for one in drawings for part in one.draw(names, word, chosen)]
    body += _key() if chosen and panels else []
    below = max(1, len(panels)) * PANEL_HEIGHT + 8
    body += _numbers(names, below + 12) if crowded else []
    height = below + (_ROW * -(-len(names) // _COLUMNS) + 12 if crowded else 0)
    return "\n".join([*_head(report, height), *body, "</svg>"]) + "\n"


def _head(report: Report, height: int) -> list[str]:
    title = f"What is lost at which size: {', '.join(row.name for row in report.rows)}"
    box = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(" ".join(map(_in_words, report.rows)))}</desc>',
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
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


def _right(report: Report, unit: int) -> Panel:
    dots = tuple(dot for row in report.rows if (dot := _right_dot(row, unit)))
    total = next((row.tasks.accuracy.total for row in report.rows if row.tasks), 0)
    return Panel(f"Right answers of {total} tasks, with 95 % intervals", "right, %", "right", dots)


def _right_dot(row: Row, unit: int) -> Dot | None:
    if row.tasks is None or row.file_bytes is None:
        return None
    one = row.tasks.accuracy
    return Dot(row.name, row.file_bytes / unit, 100 * one.share, 100 * one.low, 100 * one.high)


def _divergence(report: Report, unit: int) -> Panel:
    dots = tuple(dot for row in report.rows if (dot := _divergence_dot(row, unit)))
    head = f"Mean KL divergence from {shortened(report.base)}, with two standard errors"
    return Panel(head, "thousandths of a nat", "kl", dots, log=True)


def _divergence_dot(row: Row, unit: int) -> Dot | None:
    if row.text is None or row.text.divergence is None or row.file_bytes is None:
        return None
    one = row.text.divergence
    mean, error = 1000 * one.kl_mean_nats, 2000 * one.kl_error_nats
    if mean <= 0:  # it has no place on a logarithmic axis
        return None
    return Dot(row.name, row.file_bytes / unit, mean, mean - error, mean + error)


def _size_scale(report: Report, unit: int) -> Scale:
    sizes = [row.file_bytes / unit for row in report.rows if row.file_bytes] or [1.0]
    return log_scale(sizes, LEFT, WIDTH - RIGHT)


def _size_unit(report: Report) -> tuple[str, int]:
    most = max((row.file_bytes or 0 for row in report.rows), default=0)
    return ("GiB", GIB) if most >= GIB else ("MiB", MIB)


def _key() -> list[str]:
    """What the ring means, in the upper right corner."""
    x = WIDTH - RIGHT
    words = "the smallest that is not significantly worse"
    return [text_at(x - 18, 44, words, "soft", "end"), ring(x - 7, 40, 6)]


def _numbers(names: Mapping[str, str], top: int) -> list[str]:
    """Whose number is whose."""
    wide = (WIDTH - LEFT - RIGHT) / _COLUMNS
    return [
        text_at(
            LEFT + wide * (at % _COLUMNS),
            top + _ROW * (at // _COLUMNS),
            f"{number}  {shortened(name)}",
            "ink",
        )
        for at, (name, number) in enumerate(names.items())
    ]
