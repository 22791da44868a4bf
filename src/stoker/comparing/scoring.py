"""A model's perplexity on a text, and how far it is from the base on the same tokens.

The base's logits are written to a file once and read beside each candidate's, so that no two models
and no more than a block of either's logits are in memory together. Numbers are `divergence`'s,
logits `forcing`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stoker.comparing import divergence
from stoker.comparing.forcing import ForcedText
from stoker.comparing.passages import check_enough
from stoker.comparing.report import Divergences, TextScore
from stoker.core.disk_errors import disk_errors
from stoker.core.errors import HomeError
from stoker.engines.llamacpp.logits import LogitsHeader

TOKENS_MAX = 8192
STORE_BYTES_MAX = 2 << 30

Share = Callable[[float], None]


def tokens_max_for(vocabulary: int) -> int:
    """How many tokens can be scored so that the base's logits stay within `STORE_BYTES_MAX`."""
    return max(1, min(TOKENS_MAX, STORE_BYTES_MAX // (4 * max(1, vocabulary))))


class BaseLogits:
    """The base's logits in the file `path`: appended while it is read, then read back by place.

    Nobody is compared with a base that was not read to its end: only `finish` makes it one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._finished: LogitsHeader | None = None

    def begin(self) -> None:
        """Start anew, with nothing.

        Raises:
            HomeError: the file cannot be written.
        """
        self._finished = None
        with disk_errors(self._path.parent):
            self._path.write_bytes(b"")

    def append(self, rows: NDArray[np.float32]) -> None:
        """Keep further rows.

        Raises:
            HomeError: the disk is full, or the file cannot be written.
        """
        with disk_errors(self._path.parent), self._path.open("ab") as file:
            file.write(rows.tobytes())  # not tofile, which does not say that a disk is full

    def finish(self, header: LogitsHeader) -> None:
        """Every row of the text that `header` describes was kept."""
        self._finished = header

    def rows(self, start: int, count: int) -> NDArray[np.float32]:
        """`count` rows from the row `start` on, of a base that is finished.

        Raises:
            HomeError: the file cannot be read, or somebody cut it short.
        """
        if self._finished is None:
            raise RuntimeError("rows before finish")
        width = self._finished.vocabulary
        offset = start * self._finished.row_bytes
        with disk_errors(self._path.parent):
            kept = np.fromfile(self._path, np.float32, count * width, offset=offset)
        if len(kept) != count * width:
            raise HomeError(
                f"{self._path} became shorter while it was read",
                hint="leave Stoker's folder to Stoker, and compare again.",
            )
        return kept.reshape(count, width)

    def fits(self, header: LogitsHeader) -> bool:
        """Whether a whole base read the text of `header`, token for token, in its vocabulary."""
        mine = self._finished
        return mine is not None and (mine.digest, mine.targets) == (header.digest, header.targets)


async def score(
    reading: ForcedText,
    base: BaseLogits,
    on_share: Share,
    *,
    is_base: bool,
    categories: Sequence[str] = (),
) -> TextScore:
    """The text's score by the model that `reading` comes from; the base's logits are kept.

    `categories` has one for each passage, or nothing. There are no divergences for the base
    itself, and where the base read other tokens, or did not come to their end.

    Raises:
        TextTooShortError: too few tokens would be scored.
        WorkerError: as `ForcedText`.
        HomeError: the base's logits cannot be kept.
    """
    header = await reading.header()
    check_enough(len(header.targets))
    if is_base:
        base.begin()
    against = base if not is_base and base.fits(header) else None
    sums = _Sums()
    async for rows, targets in reading.blocks(header):
        if is_base:
            base.append(rows)
        sums.add(rows, targets, against)
        on_share(sums.count / len(header.targets))
    if is_base:
        base.finish(header)
    return sums.score(header, labels_of(categories, header.counts))


def labels_of(categories: Sequence[str], counts: Sequence[int]) -> list[str]:
    """The category of each scored token; nothing where there is but one category, or none."""
    if len(set(categories)) < 2:
        return []
    pairs = zip(categories, counts, strict=True)
    return [category for category, count in pairs for _ in range(count)]


class _Sums:
    """What the blocks so far add up to."""

    def __init__(self) -> None:
        self.count = 0
        self._losses: list[NDArray[np.float64]] = []
        self._kl: list[NDArray[np.float64]] = []
        self._agree: list[NDArray[np.bool_]] = []

    def add(
        self, rows: NDArray[np.float32], targets: NDArray[np.int64], against: BaseLogits | None
    ) -> None:
        logs = divergence.log_softmax(rows)
        self._losses.append(divergence.negative_log_likelihoods(logs, targets))
        if against is not None:
            base = divergence.log_softmax(against.rows(self.count, len(rows)))
            self._kl.append(divergence.kl_divergences(base, logs))
            self._agree.append(divergence.same_top(base, logs))
        self.count += len(rows)

    def score(self, header: LogitsHeader, labels: Sequence[str]) -> TextScore:
        losses = np.concatenate(self._losses)
        per_byte = header.text_tokens / max(1, header.text_bytes)
        plain = TextScore(
            scored_tokens=len(losses),
            perplexity=divergence.perplexity(losses),
            bits_per_byte=float(losses.mean()) * per_byte / math.log(2),
        )
        if not self._kl:
            return plain
        kl, agree = np.concatenate(self._kl), np.concatenate(self._agree)
        tokens = np.array(labels)
        by_category = {
            label: _summary(kl[tokens == label], agree[tokens == label])
            for label in dict.fromkeys(labels)
        }
        return replace(plain, divergence=_summary(kl, agree), by_category=by_category)


def _summary(kl: NDArray[np.float64], agree: NDArray[np.bool_]) -> Divergences:
    found = divergence.summarise(kl, agree)
    return Divergences(
        scored_tokens=found.positions,
        kl_mean_nats=found.kl_mean,
        kl_error_nats=found.kl_error,
        kl_p99_nats=found.kl_p99,
        same_top_share=found.top_agreement,
    )
