"""Least squares without negative unknowns finds what no other point improves on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.calibrating.nnls import solve


@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(0, 12))
def test_the_solution_keeps_the_conditions_of_an_optimum(seed: int, count: int, more: int) -> None:
    """Karush, Kuhn and Tucker: no gradient where it is inside, none that leads in where it is 0."""
    random = np.random.default_rng(seed)
    matrix = random.standard_normal((count + more, count))
    values = random.standard_normal(count + more)
    found = solve(matrix, values)
    gain = matrix.T @ (values - matrix @ found)
    assert (found >= 0).all()
    assert (gain <= 1e-6).all()
    assert np.abs(gain * found).max() <= 1e-6


def test_exact_values_are_found_exactly() -> None:
    matrix = np.random.default_rng(1).random((30, 5))
    wanted = np.array([0.0, 1.0, 2.0, 0.0, 0.5])
    assert solve(matrix, matrix @ wanted) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("matrix", [np.zeros((3, 2)), np.ones((3, 2)), np.zeros((3, 0))])
def test_columns_that_say_nothing_or_the_same_do_no_harm(matrix: np.ndarray) -> None:
    assert np.isfinite(solve(matrix, np.ones(3))).all()
