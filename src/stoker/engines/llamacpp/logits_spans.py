"""How a text becomes token sequences, and which of their tokens are scored. Pure.

Running text is cut into windows of 512 tokens whose second half is scored; the next starts half a
window on, so that each scored token has at least 256 before it (fewer if the text is shorter than
a window). A passage is a sequence of its own: what is given, then what is scored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

WINDOW = 512


class Encode(Protocol):
    """Cuts a text into tokens.

    `begins` adds what the vocabulary wants before a text, `special` reads written-out special
    tokens as such.
    """

    def __call__(self, words: str, /, *, begins: bool, special: bool) -> list[int]:
        """The tokens of `words`."""
        ...


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is asked of a vocabulary; `bos` is None where a text has no first token of its own."""

    encode: Encode
    bos: int | None
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """One sequence; `tokens[first:]` are scored, and `first` is at least 1."""

    tokens: Sequence[int]
    first: int


@dataclass(frozen=True, slots=True)
class Cut:
    """All spans, and what is told of them; the fields as in `logits.LogitsHeader`."""

    spans: tuple[Span, ...]
    counts: tuple[int, ...]
    text_tokens: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class Text:
    """What is to be scored: running text, or passages as `[given, scored, closed]`.

    At most `tokens_max` tokens are scored; a passage of more than `limit` tokens is passed over.
    """

    text: str | list[tuple[str, str, bool]]
    tokens_max: int
    limit: int

    def cut(self, vocabulary: Vocabulary) -> Cut:
        """The spans in the order of the text."""
        if isinstance(self.text, str):
            return self._windows(self.text, vocabulary)
        return self._passages(self.text, vocabulary)

    def _windows(self, text: str, vocabulary: Vocabulary) -> Cut:
        tokens = vocabulary.encode(text, begins=True, special=False)
        spans = []
        for start, end, first in windows(min(len(tokens), self.tokens_max)):
            piece = tokens[start:end]
            if vocabulary.bos is not None:
                piece[0] = vocabulary.bos  # each window is a text of its own to the model
            spans.append(Span(piece, first - start))
        count = sum(len(span.tokens) - span.first for span in spans)
        return Cut(tuple(spans), (count,), len(tokens), len(text.encode()))

    def _passages(self, passages: list[tuple[str, str, bool]], vocabulary: Vocabulary) -> Cut:
        spans: list[Span] = []
        counts = [0] * len(passages)
        scored_tokens = scored_bytes = 0
        for at, (given, scored, closed) in enumerate(passages):
            span = _passage(given, scored, vocabulary, closed=closed)
            count = len(span.tokens) - span.first
            if len(span.tokens) > self.limit or count <= 0:
                continue
            if scored_tokens + count > self.tokens_max:
                break
            spans.append(span)
            counts[at] = count
            scored_tokens += count
            scored_bytes += len(scored.encode())
        return Cut(tuple(spans), tuple(counts), scored_tokens, scored_bytes)


def _passage(given: str, scored: str, vocabulary: Vocabulary, *, closed: bool) -> Span:
    before = vocabulary.encode(given, begins=True, special=True)
    after = vocabulary.encode(scored, begins=False, special=False)
    if closed:
        after = [*after, vocabulary.end]
    return Span([*before, *after], max(1, len(before)))


def windows(count: int) -> Iterator[tuple[int, int, int]]:
    """Start, end and first scored target of each window over `count` tokens.

    Every token from half a window on is a target exactly once; of a text that is shorter than a
    window, its second half.
    """
    size = min(WINDOW, count)
    first = max(1, size // 2)
    for start in range(0, count - first, max(1, size - first)):
        end = min(start + size, count)
        if start + first < end:
            yield start, end, start + first
        if end == count:
            return
