"""Least squares whose unknowns are not negative: no operation takes less than no time.

The active-set method of Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_ITERATIONS_PER_UNKNOWN = 10


def solve(matrix: Array, values: Array) -> Array:
    """The `x` of no negative element that brings `matrix @ x` nearest to `values`."""
    _, count = matrix.shape
    solution = np.zeros(count)
    inside = np.zeros(count, dtype=bool)
    scale = float(np.abs(matrix).max(initial=0.0)) or 1.0
    tolerance = 1e-10 * scale * float(np.abs(values).max(initial=0.0))
    for _ in range(_ITERATIONS_PER_UNKNOWN * max(count, 1)):
        gain = matrix.T @ (values - matrix @ solution)
        outside = np.where(inside, -np.inf, gain)
        if not count or outside.max() <= tolerance:
            break
        inside[int(outside.argmax())] = True
        solution = _stepped(matrix, values, solution, inside)
    return solution


def _stepped(matrix: Array, values: Array, start: Array, inside: NDArray[Any]) -> Array:
    """As far towards the free optimum over `inside` as no element becomes negative."""
    solution = start
    while inside.any():
        free = np.zeros_like(solution)
        free[inside] = np.linalg.lstsq(matrix[:, inside], values, rcond=None)[0]
        if (free[inside] > 0).all():
            return free
        below = inside & (free <= 0)
        steps = solution[below] / np.maximum(solution[below] - free[below], 1e-300)
        solution = solution + float(steps.min(initial=1.0)) * (free - solution)
        inside &= solution > 1e-300
        solution[~inside] = 0.0
    return solution
