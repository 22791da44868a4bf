"""Scores are those of the formulas, whatever the blocks the logits come in."""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from stoker.comparing import divergence, scoring
from stoker.comparing.forcing import Block
from stoker.comparing.report import TextScore
from stoker.comparing.scoring import BaseLogits, labels_of, score, tokens_max_for
from stoker.core.errors import DiskFullError, HomeError, TextTooShortError, WorkerLostError
from stoker.engines.llamacpp.logits import LogitsHeader

WORDS, COUNT = 7, 60
TARGETS = tuple(at % WORDS for at in range(COUNT))
RANDOM = np.random.default_rng(7)
BASE = RANDOM.normal(size=(COUNT, WORDS)).astype(np.float32)
OTHER = (BASE + RANDOM.normal(size=BASE.shape) / 4).astype(np.float32)


class Reading:
    """A `ForcedText` of given logits, some rows at a time."""

    def __init__(self, rows: NDArray[np.float32], step: int = 25, digest: str = "sha256:a") -> None:
        count = len(rows)
        counts = (count // 3, 0, count - count // 3)
        self._header = LogitsHeader(WORDS, digest, TARGETS[:count], counts, 2 * count, 8 * count)
        self._rows = rows
        self._step = step

    async def header(self) -> LogitsHeader:
        return self._header

    async def blocks(self, header: LogitsHeader) -> AsyncIterator[Block]:
        targets = np.array(header.targets, dtype=np.int64)
        for start in range(0, len(targets), self._step):
            part = slice(start, start + self._step)
            yield self._rows[part], targets[part]


@pytest.fixture
def base(tmp_path: Path) -> BaseLogits:
    return BaseLogits(tmp_path / "base.logits")


async def scored(base: BaseLogits, reading: Reading, *, is_base: bool = False) -> TextScore:
    categories = ("names", "skipped", "sums")
    return await score(reading, base, lambda _: None, is_base=is_base, categories=categories)  # type: ignore[arg-type]


async def test_the_base_is_scored_alone(base: BaseLogits) -> None:
    found = await scored(base, Reading(BASE), is_base=True)
    losses = divergence.negative_log_likelihoods(
        divergence.log_softmax(BASE), np.array(TARGETS, dtype=np.int64)
    )
    assert found.perplexity == pytest.approx(divergence.perplexity(losses))
    assert found.bits_per_byte == pytest.approx(losses.mean() / math.log(2) / 4)
    assert (found.scored_tokens, found.divergence, found.by_category) == (COUNT, None, {})


@pytest.mark.parametrize("step", [1, 13, 60, 100])
async def test_a_candidate_diverges_as_the_formula_says(base: BaseLogits, step: int) -> None:
    await scored(base, Reading(BASE, 25), is_base=True)
    found = (await scored(base, Reading(OTHER, step))).divergence
    kl = divergence.kl_divergences(divergence.log_softmax(BASE), divergence.log_softmax(OTHER))
    assert found is not None
    assert found.kl_mean_nats == pytest.approx(kl.mean())
    assert found.kl_error_nats == pytest.approx(kl.std() / math.sqrt(COUNT))
    assert found.kl_p99_nats == pytest.approx(np.quantile(kl, 0.99))
    assert found.same_top_share == (BASE.argmax(-1) == OTHER.argmax(-1)).mean()


async def test_each_category_has_its_own_divergence(base: BaseLogits) -> None:
    await scored(base, Reading(BASE), is_base=True)
    found = await scored(base, Reading(OTHER))
    names, sums = found.by_category["names"], found.by_category["sums"]
    assert (names.scored_tokens, sums.scored_tokens) == (20, 40)
    assert found.divergence is not None
    mean = (20 * names.kl_mean_nats + 40 * sums.kl_mean_nats) / 60
    assert found.divergence.kl_mean_nats == pytest.approx(mean)


async def test_the_same_logits_diverge_nowhere(base: BaseLogits) -> None:
    await scored(base, Reading(BASE), is_base=True)
    found = (await scored(base, Reading(BASE, 9))).divergence
    assert found is not None
    assert (found.kl_mean_nats, found.same_top_share) == (0, 1)


async def test_another_vocabulary_is_not_compared(base: BaseLogits) -> None:
    await scored(base, Reading(BASE), is_base=True)
    assert (await scored(base, Reading(OTHER, digest="sha256:b"))).divergence is None


async def test_without_a_base_nothing_is_compared(base: BaseLogits) -> None:
    assert (await scored(base, Reading(OTHER))).divergence is None


class Breaking(Reading):
    """Its child dies after the first block."""

    async def blocks(self, header: LogitsHeader) -> AsyncIterator[Block]:
        async for block in super().blocks(header):
            yield block
            raise WorkerLostError("The engine's child ended early")


async def test_a_base_that_broke_off_is_no_base(base: BaseLogits) -> None:
    with pytest.raises(WorkerLostError):
        await scored(base, Breaking(BASE), is_base=True)
    found = await scored(base, Reading(OTHER))
    assert (found.scored_tokens, found.divergence) == (COUNT, None)


async def test_a_base_that_breaks_off_the_second_time_is_no_longer_one(base: BaseLogits) -> None:
    await scored(base, Reading(BASE), is_base=True)
    with pytest.raises(WorkerLostError):
        await scored(base, Breaking(BASE), is_base=True)
    assert (await scored(base, Reading(OTHER))).divergence is None


async def test_kept_logits_that_somebody_cut_short_are_named(
    base: BaseLogits, tmp_path: Path
) -> None:
    await scored(base, Reading(BASE), is_base=True)
    os.truncate(tmp_path / "base.logits", 4 * WORDS * 40 + 2)
    with pytest.raises(HomeError, match="became shorter"):
        await scored(base, Reading(OTHER))


async def test_a_text_of_few_tokens_is_refused(base: BaseLogits) -> None:
    with pytest.raises(TextTooShortError):
        await scored(base, Reading(BASE[:40]), is_base=True)


async def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = BaseLogits(Path("/dev/full"))
    monkeypatch.setattr(Path, "write_bytes", lambda *_: 0)
    with pytest.raises(DiskFullError):
        await scored(base, Reading(BASE), is_base=True)


def test_labels_are_one_for_each_token_and_none_where_all_are_alike() -> None:
    assert labels_of(("a", "b", "a"), (1, 0, 2)) == ["a", "a", "a"]
    assert labels_of(("a", "a"), (1, 2)) == []
    assert labels_of((), (3,)) == []


def test_the_kept_logits_are_bounded() -> None:
    assert tokens_max_for(2048) == scoring.TOKENS_MAX
    assert tokens_max_for(152_000) * 4 * 152_000 <= scoring.STORE_BYTES_MAX
    assert tokens_max_for(1 << 40) == 1
