"""The logits that a caged child takes from the engine are those of the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stoker.comparing.divergence import kl_divergences, log_softmax
from stoker.comparing.forcing import forced
from stoker.core.errors import LoadFailedError
from stoker.models.catalogue import starter

pytestmark = [pytest.mark.slow, pytest.mark.engine]
TEXT = (
    "You can return any unused item within 30 days of delivery for a full refund. The money goes "
    "back to the card or account you paid with, within 5 working days after the parcel reaches us."
)


def scored() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    with forced(starter().path, TEXT, threads=1, tokens_max=200) as text:
        blocks = list(text.blocks())
    rows = np.concatenate([log_softmax(logits) for logits, _ in blocks])
    return rows, np.concatenate([targets for _, targets in blocks])


def test_each_row_predicts_its_own_target_better_than_the_next_rows() -> None:
    rows, targets = scored()
    assert rows.shape == (len(targets), starter().facts.vocabulary)
    own = -rows[np.arange(len(targets)), targets].mean()
    shifted = -rows[np.arange(len(targets) - 1), targets[1:]].mean()
    assert own < shifted / 2
    assert (rows.argmax(axis=-1) == targets).mean() > 0.4


def test_the_same_text_twice_diverges_nowhere() -> None:
    first, second = scored()[0], scored()[0]
    assert kl_divergences(first, second).max() == pytest.approx(0, abs=1e-9)


def test_a_file_that_is_no_model_is_said_so(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    with (
        pytest.raises(LoadFailedError),
        forced(broken, TEXT, threads=1, tokens_max=10),
    ):
        pass
