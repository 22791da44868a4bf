"""Rows of tokens for the training loop.

Owns the packing: conversations are laid one after the other, each ended by the end-of-text token,
into rows of 256 tokens, and every eighth batch into rows of 1024, so that all positions of the
declared context are trained. A learned token's weight is one over the root of its answer's
length, so that long answers do not drown the short ones.
"""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from training.text.case import Case
from training.text.stream import Mixture, training_stream
from training.tokenizer import END_OF_TEXT, chat_pieces

SHORT_ROW, LONG_ROW = 256, 1024
TOKENS_PER_BATCH = 4096
LONG_EVERY = 8
ENCODE_AT_ONCE = 256

Encoded = tuple[list[int], list[float]]
Batch = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]


def encode_cases(tokenizer: Tokenizer, cases: list[Case]) -> list[Encoded]:
    """Token ids and weights of each conversation, with its end-of-text token."""
    layouts = [chat_pieces(case) for case in cases]
    flat = tokenizer.encode_batch([text for pieces in layouts for text, _ in pieces])
    encodings = iter(flat)
    end = tokenizer.token_to_id(END_OF_TEXT)
    result = []
    for pieces in layouts:
        ids: list[int] = []
        weights: list[float] = []
        for _, learned in pieces:
            piece = next(encodings).ids
            ids += piece
            weights += [len(piece) ** -0.5 if learned else 0.0] * len(piece)
        result.append(([*ids, end], [*weights, 0.0]))
    return result


def encoded_stream(tokenizer: Tokenizer, cases: Iterator[Case]) -> Iterator[Encoded]:
    """Encode an endless stream, some cases at a time because that is faster."""
    while True:
        yield from encode_cases(tokenizer, list(itertools.islice(cases, ENCODE_AT_ONCE)))


class Packer:
    """Fills rows from a stream of short conversations and one of long ones."""

    def __init__(self, tokenizer: Tokenizer, seed: int, mixture: Mixture) -> None:
        rng = random.Random(seed + 1)
        self._short = encoded_stream(tokenizer, training_stream(seed, mixture))
        self._long = encoded_stream(tokenizer, iter(lambda: mixture.long_case(rng), None))
        self._waiting: deque[Encoded] = deque()
        self._pad = tokenizer.token_to_id(END_OF_TEXT)

    def _row(self, length: int) -> Encoded:
        """One row; a conversation that does not fit waits for a long row."""
        ids: list[int] = []
        weights: list[float] = []
        if length == LONG_ROW:
            source = self._waiting.popleft() if self._waiting else next(self._long)
            ids, weights = list(source[0][: length + 1]), list(source[1][: length + 1])
        while len(ids) < length:
            more_ids, more_weights = next(self._short)
            if len(more_ids) > SHORT_ROW and len(self._waiting) < 64:
                self._waiting.append((more_ids, more_weights))
                continue
            if len(ids) + len(more_ids) > length + 1 and len(ids) > length * 0.75:
                break
            ids, weights = ids + more_ids, weights + more_weights
        space = length + 1 - len(ids)
        return (ids + [self._pad] * space)[: length + 1], (weights + [0.0] * space)[: length + 1]

    def batches(self) -> Iterator[Batch]:
        """Endless (inputs, targets, weights), each of shape (rows, row length)."""
        for number in itertools.count(1):
            length = LONG_ROW if number % LONG_EVERY == 0 else SHORT_ROW
            rows = [self._row(length) for _ in range(TOKENS_PER_BATCH // length)]
            ids = np.array([row[0] for row in rows], dtype=np.int64)
            weights = np.array([row[1] for row in rows], dtype=np.float32)
            yield ids[:, :-1], ids[:, 1:], weights[:, 1:]
