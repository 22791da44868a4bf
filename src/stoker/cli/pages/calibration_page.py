"""A calibration as a page for people: the fit's prices, then measured beside fitted."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import click

from stoker.core.calibration import Calibration, Fit, Observation
from stoker.core.power import Power
from stoker.core.units import format_seconds
from stoker.planning.speed.formats import families
from stoker.planning.speed.spread import together, width_of

_KINDS = {
    "decode": "one step of an answer",
    "prefill": "a prompt",
    "streams": "one step of several answers",
    "load": "a load from memory",
    "cold": "a load from the disk",
}
_OTHER_TERMS = {
    "layers": "a layer",
    "routers": "a layer's choice of experts",
    "vocabulary": "a word of the vocabulary",
    "rows": "a row of a matrix",
    "heads": "a head looking back on a token",
    "heads_near": "a head looking back on a token, of few",
    "heads_far": "a head looking back on a token, of many",
    "products": "a product in attention",
    "products_near": "a product in attention, of few",
    "products_far": "a product in attention, of many",
    "step": "a step",
    "reading": "reading the weights, times a decode step's",
    "routed": "a token's way to one expert, a layer",
    "prompt": "a prompt",
    "each": "the answers' attention and sampling, times one after the other",
    "experts": "the answers' experts, times one after the other",
    "start": "a start",
    "file": "a byte from the disk",
}


def show(calibration: Calibration) -> None:
    """Print `calibration`."""
    _print_head(calibration)
    _print_rates(calibration)
    for kind, fit in calibration.fits().items():
        if fit.terms:
            _print_fit(kind, fit, [one for one in calibration.observations if one.kind == kind])


def _print_head(calibration: Calibration) -> None:
    taken = datetime.fromtimestamp(calibration.taken_unix_s, UTC)
    rows = (
        ("machine", calibration.machine),
        ("engine", f"{calibration.engine} {calibration.engine_version}"),
        ("threads", str(calibration.threads)),
        ("taken", f"{taken:%Y-%m-%d %H:%M} UTC{', quick' if calibration.quick else ''}"),
        ("timings", f"{calibration.taken}, of which {calibration.rejected} were disturbed"),
        *_disturbed(calibration),
        ("first token", f"{format_seconds(calibration.first_token_s)} from the engine to us"),
        ("power", _power(calibration.power)),
    )
    for name, value in rows:
        click.echo(f"{name:12} {value}")


def _disturbed(calibration: Calibration) -> Iterator[tuple[str, str]]:
    """How many figures rest on disturbed timings, and how much wider that makes decode's."""
    if calibration.disturbed:
        factor = math.exp(calibration.decode.disturbed_width)
        of = f"{calibration.disturbed} of {len(calibration.observations)} figures"
        say = (
            f"other programs never rested; a step's intervals hold a factor of {factor:.2f} for it"
        )
        yield "disturbed", f"{of}: {say}"


def _power(power: Power) -> str:
    if power.watts_idle is None or power.watts_load is None:
        return f"not measured: {power.missing}"
    watts = f"{power.watts_idle:.3g} W idle, {power.watts_load:.3g} W under load"
    return f"{watts}: {power.scope}; the whole machine draws more"


def _print_rates(calibration: Calibration) -> None:
    """What each family of formats costs: picoseconds for each weight."""
    columns = [
        ("decode", calibration.decode, "read:{}"),
        ("prefill", calibration.prefill, "multiply:{}"),
        *((f"{n} at a time", calibration.streams, f"multiply:{{}}@{n}") for n in (2, 4, 8)),
        ("load", calibration.load, "load:{}"),
    ]
    click.echo("\npicoseconds for each weight (prefill: and token; at a time: the whole step)")
    click.echo("".join(["format  ", *(f"{name:>14}" for name, _, _ in columns)]))
    prices = [(fit.seconds_per_unit, form) for _, fit, form in columns]
    for family in families():
        cells = [priced.get(form.format(family)) for priced, form in prices]
        if any(cell is not None for cell in cells):
            click.echo("".join([f"{family:8}", *(f"{_pico(cell):>14}" for cell in cells)]))


def _pico(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1e12:.3g}"


def _print_fit(kind: str, fit: Fit, seen: Sequence[Observation]) -> None:
    click.echo(f"\n{kind}: {_KINDS[kind]}")
    for name, price in fit.terms:
        if name in _OTHER_TERMS:
            shown = f"{price:.3g}" if name in {"reading", "experts", "each"} else f"{price:.3g} s"
            click.echo(f"  {_OTHER_TERMS[name]}: {shown}")
    errors = [abs(math.expm1(error)) for error in fit.log_errors]
    if errors:
        click.echo(
            f"  {len(errors)} left out in turn: off by {statistics.median(errors):.0%} in the"
            f" middle, {max(errors):.0%} at most; eight of ten within a factor of"
            f" {math.exp(together(width_of(fit.log_errors), fit.disturbed_width)):.2f}"
        )
    for line in _table(seen):
        click.echo(f"  {line}")


def _table(seen: Iterable[Observation]) -> list[str]:
    lines = ["shape     format   threads tokens   past    measured      fitted     off  samples"]
    for one in sorted(seen, key=lambda one: (one.shape, one.format, one.past, one.tokens)):
        off = f"{one.seconds / one.fitted_s - 1:+.0%}" if one.fitted_s else ""
        lines.append(
            f"{one.shape:9} {one.format:8} {one.threads:7} {one.tokens:6} {one.past:6}"
            f" {_ms(one.seconds):>11} {_ms(one.fitted_s):>11} {off:>7} {one.samples:8}"
            f"{'  disturbed' if one.disturbed else ''}"
        )
    return lines


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.2f} ms"
