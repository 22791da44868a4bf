"""The logits that a caged child takes from the engine are those of the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stoker.comparing.divergence import kl_divergences, log_softmax
from stoker.comparing.forcing import forced
from stoker.core.errors import InvalidRequestError, LoadFailedError
from stoker.engines.llamacpp.logits import LogitsHeader, Passage
from stoker.models.catalogue import starter

pytestmark = [pytest.mark.slow, pytest.mark.engine]
TEXT = (
    "You can return any unused item within 30 days of delivery for a full refund. The money goes "
    "back to the card or account you paid with, within 5 working days after the parcel reaches us."
)
ASKED = "<|im_start|>user\nWhat is 2 plus 2?<|im_end|>\n<|im_start|>assistant\n"

Scored = tuple[LogitsHeader, NDArray[np.float64], NDArray[np.int64]]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "w"
    assert list((tmp_path / "w").iterdir()) == []  # no child leaves anything behind


async def scored(
    directory: Path, text: str | Sequence[Passage] = TEXT, tokens_max: int = 200
) -> Scored:
    how = {"threads": 1, "tokens_max": tokens_max, "directory": directory}
    async with forced(starter().path, text, **how) as reading:
        header = await reading.header()
        blocks = [block async for block in reading.blocks(header)]
    rows = np.concatenate([log_softmax(logits) for logits, _ in blocks])
    return header, rows, np.concatenate([targets for _, targets in blocks])


def likelihood(rows: NDArray[np.float64], targets: NDArray[np.int64]) -> float:
    return float(np.exp(rows[np.arange(len(targets)), targets].mean()))


async def test_each_row_predicts_its_own_target_better_than_the_next_rows(directory: Path) -> None:
    header, rows, targets = await scored(directory)
    assert rows.shape == (len(targets), starter().facts.vocabulary)
    assert header.text_bytes == len(TEXT)
    assert likelihood(rows, targets) > 4 * likelihood(rows[:-1], targets[1:])
    assert (rows.argmax(axis=-1) == targets).mean() > 0.4


async def test_the_same_text_twice_diverges_nowhere(directory: Path) -> None:
    (_, first, _), (_, second, _) = await scored(directory), await scored(directory)
    assert kl_divergences(first, second).max() == pytest.approx(0, abs=1e-9)


async def test_of_a_passage_only_the_answer_is_scored_and_its_end(directory: Path) -> None:
    header, rows, targets = await scored(directory, [Passage(ASKED, "4", closed=True)])
    assert header.targets == (ord("4") - ord("!") + 3, 2)  # after three special tokens
    assert (header.text_tokens, header.text_bytes, header.counts) == (2, 1, (2,))
    assert likelihood(rows, targets) > 0.9


async def test_the_right_answer_is_likelier_than_a_wrong_one(directory: Path) -> None:
    right = await scored(directory, [Passage(ASKED, "4", closed=True)])
    wrong = await scored(directory, [Passage(ASKED, "5", closed=True)])
    assert likelihood(*right[1:]) > 10 * likelihood(*wrong[1:])


async def test_a_passage_longer_than_one_batch_is_read_in_pieces(directory: Path) -> None:
    """Its answer is predicted from the beginning too, which lies in the piece before."""
    filler = "I would like to return the candle. " * 60
    note = "<|im_start|>user\nPlease note: my order number is #471190. "
    ask = "<|im_end|>\n<|im_start|>user\nWhat was my order number?<|im_end|>\n"
    given = f"{note}{filler}{ask}<|im_start|>assistant\n"
    _, rows, targets = await scored(directory, [Passage(given, "#471190", closed=True)])
    without = given.replace("#471190", "#235502")
    _, blind, _ = await scored(directory, [Passage(without, "#471190", closed=True)])
    assert likelihood(rows, targets) > 2 * likelihood(blind, targets)


async def test_passages_beyond_the_context_are_passed_over_and_counted(directory: Path) -> None:
    short, long = Passage(ASKED, "4"), Passage(ASKED * 200, "4")
    header, rows, _ = await scored(directory, [long, short])
    assert (header.counts, len(rows)) == ((0, 1), 1)
    with pytest.raises(InvalidRequestError, match="too short"):
        await scored(directory, [long])


async def test_a_file_that_is_no_model_is_said_so(tmp_path: Path, directory: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    how = {"threads": 1, "tokens_max": 10, "directory": directory}
    with pytest.raises(LoadFailedError):
        async with forced(broken, TEXT, **how) as reading:
            await reading.header()
