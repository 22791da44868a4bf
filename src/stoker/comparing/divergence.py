"""How far one model's next-token distributions are from another's: numbers from logits alone.

Pure, NumPy only, in float64 where sums are taken. Rows are positions, columns the vocabulary.
Where the logits come from is left to `forcing`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Divergence:
    """A candidate against the base over `positions` scored tokens; divergences in nats.

    `kl_error` is the standard error of the mean, as if the tokens were drawn independently.
    """

    positions: int
    kl_mean: float
    kl_error: float
    kl_p99: float
    top_agreement: float


def log_softmax(logits: Floats) -> NDArray[np.float64]:
    """`x - log(sum(exp(x)))` of each row, shifted by its maximum so that nothing overflows."""
    shifted = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    total: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return total


def negative_log_likelihoods(log_probs: Floats, targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """`-log p(target)` of each row, in nats; shape `(positions,)`."""
    return -log_probs[np.arange(len(targets)), targets].astype(np.float64)


def perplexity(losses: NDArray[np.float64]) -> float:
    """`exp(mean(losses))` over the scored tokens.

    Source: Jelinek, Mercer, Bahl, Baker, "Perplexity: a measure of the difficulty of speech
    recognition tasks" (1977).
    """
    return float(np.exp(losses.mean()))


def kl_divergences(base: Floats, candidate: Floats) -> NDArray[np.float64]:
    """`sum_i p_i (log p_i - log q_i)` of each row, in nats; shape `(positions,)`.

    `base` holds `log p`, `candidate` `log q`. Rounding can leave a value a hair below zero, which
    cannot be: it is raised to zero.
    Source: Kullback, Leibler, "On Information and Sufficiency" (1951).
    """
    p = base.astype(np.float64)
    rows = (np.exp(p) * (p - candidate.astype(np.float64))).sum(axis=-1)
    positive: NDArray[np.float64] = np.maximum(rows, 0.0)
    return positive


def same_top(base: Floats, candidate: Floats) -> NDArray[np.bool_]:
    """Whether both rank the same token first; ties go to the lower id; shape `(positions,)`."""
    agree: NDArray[np.bool_] = base.argmax(axis=-1) == candidate.argmax(axis=-1)
    return agree


def summarise(kl: NDArray[np.float64], agree: NDArray[np.bool_]) -> Divergence:
    """The means over all positions, and the 99th percentile of the divergence."""
    return Divergence(
        positions=len(kl),
        kl_mean=float(kl.mean()),
        kl_error=float(kl.std() / np.sqrt(len(kl))),
        kl_p99=float(np.quantile(kl, 0.99)),
        top_agreement=float(agree.mean()),
    )
