"""Least squares with a handful of unknowns that are not negative, in plain Python.

Pure. One unknown after the other is set to its best value while the others stand still, which comes
to the one optimum there is. (Franc, Hlavac and Navara, Sequential Coordinate-wise Algorithm for the
Non-negative Least Squares Problem, 2005.) Whoever has an array library and many unknowns uses that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_SWEEPS = 5000
_STILL = 1e-10


def solve(rows: Sequence[Mapping[str, float]], wanted: Sequence[float]) -> dict[str, float]:
    """The value of each name, at least 0, that brings the rows' sums nearest to `wanted`."""
    names = sorted({name for row in rows for name, factor in row.items() if factor})
    sizes = {name: sum(row.get(name, 0.0) ** 2 for row in rows) ** 0.5 for name in names}
    columns = [[row.get(name, 0.0) / sizes[name] for row in rows] for name in names]
    gram = [[_dot(one, other) for other in columns] for one in columns]
    found = _descended(gram, [_dot(column, wanted) for column in columns])
    return {name: value / sizes[name] for name, value in zip(names, found, strict=True)}


def _descended(gram: Sequence[Sequence[float]], aims: Sequence[float]) -> list[float]:
    found = [0.0] * len(aims)
    for _ in range(_SWEEPS):
        moved = 0.0
        for at, row in enumerate(gram):
            step = max((aims[at] - _dot(row, found)) / row[at], -found[at])
            found[at] += step
            moved = max(moved, abs(step))
        if moved <= _STILL * max(found, default=0.0):
            break
    return found


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))
