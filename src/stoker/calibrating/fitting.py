"""From samples to a calibration: medians, least squares, and the errors on shapes left out.

Owns the arithmetic; what the terms mean is `planning.speed.terms`'s, which planning prices again.
Errors are relative, so that a slow model counts no more than a fast one. Where others never rested
the least disturbed timing stands for all, and how far the others lie from it widens the fit.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from stoker.calibrating.nnls import solve
from stoker.calibrating.sampling import Sample
from stoker.calibrating.subjects import SHAPES, facts_of
from stoker.core.calibration import Fit, Observation
from stoker.planning.speed.spread import UNTOLD
from stoker.planning.speed.terms import Terms
from stoker.planning.speed.work import Work, work_of

MICRO_BATCH = 512
# A sample further from its cell's median than this is an outlier, where enough others agree.
OUTLIER, AGREEING = 0.25, 2
# Eight in ten of what is spread like this lie within so many times the root of its mean square.
_EIGHT_IN_TEN = 1.28


def observations_of(samples: Iterable[Sample]) -> tuple[Observation, ...]:
    """The samples of each cell as one observation; outliers are dropped by `OUTLIER`'s rule.

    What was disturbed counts only in cells of which nothing else was timed.
    """
    cells: defaultdict[Sample, list[Sample]] = defaultdict(list)
    for one in samples:
        cells[replace(one, seconds=0.0, disturbance=0.0)].append(one)
    return tuple(_observation(cell, cells[cell]) for cell in cells)


def _observation(cell: Sample, samples: list[Sample]) -> Observation:
    quiet = [one.seconds for one in samples if not one.disturbance]
    if quiet:
        middle = statistics.median(quiet)
        near = [one for one in quiet if abs(one / middle - 1) <= OUTLIER]
        kept = near if len(near) >= AGREEING else quiet
        middle = statistics.median(kept)
    else:
        kept = [one.seconds for one in samples]
        middle = min(samples, key=lambda one: (one.disturbance, one.seconds)).seconds
    return Observation(
        kind=cell.kind,
        shape=cell.shape,
        format=cell.format,
        threads=cell.threads,
        tokens=cell.tokens,
        past=cell.past,
        seconds=middle,
        samples=len(kept),
        spread=max(abs(one / middle - 1) for one in kept),
        disturbed=not quiet,
    )


def disturbed_width(seen: Sequence[Observation]) -> float:
    """By what the disturbed ones among `seen` widen a fit to all of them, as a logarithm.

    Each is as uncertain as its tries differ; one that was tried once, as the others are.
    """
    disturbed = [one for one in seen if one.disturbed]
    if not disturbed:
        return 0.0
    spreads = [math.log1p(one.spread) for one in disturbed if one.samples > 1]
    usual = statistics.median(spreads) if spreads else UNTOLD
    once = len(disturbed) - len(spreads)
    squares = sum(one * one for one in spreads) + once * usual * usual
    return _EIGHT_IN_TEN * math.sqrt(squares / len(seen))


def work_for(seen: Observation) -> Work:
    """The work of the synthetic model that `seen` is about."""
    return work_of(facts_of(SHAPES[seen.shape], seen.format))


def fit(
    seen: Sequence[Observation],
    terms_of: Callable[[Observation], Terms],
    known_s: Callable[[Observation], float] = lambda _: 0.0,
) -> tuple[Fit, tuple[Observation, ...]]:
    """The prices of the terms, and the observations with what the fit makes of them.

    `known_s` are seconds of each that are no matter of the fit. The errors are those of each shape
    in each format left out in turn: all its observations are predicted from the others. A shape
    that the others say nothing about has no error.
    """
    rows = [_Row(terms_of(one), known_s(one), one.seconds) for one in seen]
    whole = _solved(rows)
    fitted, errors = [], []
    for one, row in zip(seen, rows, strict=True):
        left = [
            other_row
            for other, other_row in zip(seen, rows, strict=True)
            if (other.shape, other.format) != (one.shape, one.format)
        ]
        guess = row.total(_solved(left))
        fitted.append(replace(one, fitted_s=guess or row.total(whole) or 0.0))
        if guess:
            errors.append(math.log(one.seconds / guess))
    terms = tuple(sorted((name, price) for name, price in whole.items() if price > 0))
    return Fit(terms, tuple(errors), disturbed_width(seen)), tuple(fitted)


@dataclass(frozen=True, slots=True)
class _Row:
    """One observation: its terms, the seconds that are known, and those that were measured."""

    terms: Terms
    known_s: float
    seconds: float

    def total(self, prices: Mapping[str, float]) -> float | None:
        """The seconds at `prices`; None where a term that matters has none."""
        if any(":" in name and units and name not in prices for name, units in self.terms.items()):
            return None
        fitted = sum(units * prices.get(name, 0.0) for name, units in self.terms.items())
        return fitted + self.known_s if prices else None


def _solved(rows: Sequence[_Row]) -> dict[str, float]:
    """The price of each term; errors count relative to what was measured."""
    names = sorted({name for row in rows for name, units in row.terms.items() if units > 0})
    if not names:
        return {}
    matrix = np.array([[row.terms.get(name, 0.0) / row.seconds for name in names] for row in rows])
    wanted = np.array([1.0 - row.known_s / row.seconds for row in rows])
    sizes = np.abs(matrix).max(axis=0)
    prices = solve(matrix / sizes, wanted) / sizes
    return {name: float(price) for name, price in zip(names, prices, strict=True)}
