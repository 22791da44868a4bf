"""What divergence must be, whatever the logits are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from stoker.comparing import divergence

LOGITS = arrays(np.float32, (4, 6), elements=st.floats(-40, 40, width=32))


@given(LOGITS, LOGITS)
def test_divergence_is_never_negative(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> None:
    kl = divergence.kl_divergences(divergence.log_softmax(first), divergence.log_softmax(second))
    assert (kl >= 0).all()
    assert np.isfinite(kl).all()


@given(LOGITS)
def test_equal_logits_do_not_diverge(logits: NDArray[np.float32]) -> None:
    logs = divergence.log_softmax(logits)
    assert (divergence.kl_divergences(logs, logs) == 0).all()
    assert divergence.same_top(logs, logs).all()


@given(LOGITS, st.floats(-1000, 1000, width=32))
def test_a_constant_added_to_all_logits_changes_nothing(
    logits: NDArray[np.float32], constant: float
) -> None:
    wide = logits.astype(np.float64)
    moved = divergence.log_softmax(wide + constant)
    assert np.allclose(divergence.log_softmax(wide), moved, atol=1e-9)


@given(LOGITS)
def test_probabilities_add_up_to_one(logits: NDArray[np.float32]) -> None:
    assert np.allclose(np.exp(divergence.log_softmax(logits)).sum(axis=-1), 1.0)


def test_divergence_is_what_the_formula_gives_by_hand() -> None:
    p, q = np.log([[0.5, 0.5]]), np.log([[0.75, 0.25]])
    expected = 0.5 * math.log(0.5 / 0.75) + 0.5 * math.log(0.5 / 0.25)
    assert divergence.kl_divergences(p, q)[0] == pytest.approx(expected)


def test_a_uniform_model_has_the_vocabularys_size_as_perplexity() -> None:
    logs = divergence.log_softmax(np.zeros((3, 50)))
    losses = divergence.negative_log_likelihoods(logs, np.array([0, 7, 49]))
    assert divergence.perplexity(losses) == pytest.approx(50.0)


def test_the_summary_tells_the_tail_from_the_mean() -> None:
    kl = np.concatenate([np.zeros(98), np.full(2, 5.0)])
    one = divergence.summarise(kl, np.arange(100) < 75)
    assert (one.positions, one.kl_mean, one.top_agreement) == (100, pytest.approx(0.1), 0.75)
    assert one.kl_p99 == pytest.approx(5.0)
