"""Which tokens of a text are scored: each at most once, never without one before it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stoker.engines.llamacpp.logits_spans import WINDOW, Text, Vocabulary, windows

BOS, END = 1000, 1001


def encode(words: str, /, *, begins: bool, special: bool) -> list[int]:
    """A token for each byte; `special` shows in its number."""
    return ([BOS] if begins else []) + [one + 256 * special for one in words.encode()]


VOCABULARY = Vocabulary(encode, BOS, END)


@given(st.integers(0, 5 * WINDOW))
def test_windows_score_the_text_from_half_a_window_on_without_gap_or_repeat(count: int) -> None:
    spans = list(windows(count))
    scored = [at for _, end, first in spans for at in range(first, end)]
    assert scored == list(range(max(1, min(WINDOW, count) // 2), count)) or count < 2
    assert all(end - start <= WINDOW and start < first for start, end, first in spans)
    if count < 2:
        assert spans == []


@given(st.integers(WINDOW, 5 * WINDOW))
def test_each_scored_token_has_half_a_window_before_it(count: int) -> None:
    assert all(first - start >= WINDOW // 2 for start, _, first in windows(count))


def test_each_window_begins_as_a_text_does() -> None:
    cut = Text("a" * 2000, 10_000, 4096).cut(VOCABULARY)
    assert len(cut.spans) > 2
    assert {span.tokens[0] for span in cut.spans} == {BOS}
    assert (cut.text_tokens, cut.text_bytes) == (2001, 2000)


def test_of_running_text_no_more_is_read_than_may_be_scored() -> None:
    cut = Text("a" * 2000, 100, 4096).cut(VOCABULARY)
    assert sum(len(span.tokens) for span in cut.spans) == 100


def test_a_passage_is_scored_after_what_is_given_and_may_be_closed() -> None:
    (first, second) = Text([("ab", "c", True), ("d", "ef", False)], 99, 99).cut(VOCABULARY).spans
    special = 256
    assert list(first.tokens) == [BOS, ord("a") + special, ord("b") + special, ord("c"), END]
    assert (first.first, second.first) == (3, 2)
    assert list(second.tokens[second.first :]) == [ord("e"), ord("f")]


def test_nothing_is_scored_that_has_nothing_before_it() -> None:
    bare = Vocabulary(lambda words, /, **_: list(words.encode()), None, END)
    (span,) = Text([("", "abc", False)], 99, 99).cut(bare).spans
    assert span.first == 1


def test_long_and_empty_passages_are_passed_over_and_counted() -> None:
    passages = [("a" * 50, "b", False), ("a", "", False), ("a", "b", True)]
    cut = Text(passages, 99, 20).cut(VOCABULARY)
    assert (len(cut.spans), cut.counts) == (1, (0, 0, 2))
    assert (cut.text_tokens, cut.text_bytes) == (2, 1)


@given(
    st.lists(st.tuples(st.text("ab", max_size=9), st.text("cd", max_size=9), st.booleans())),
    st.integers(1, 40),
)
def test_passages_are_taken_whole_and_never_beyond_the_bound(
    passages: list[tuple[str, str, bool]], tokens_max: int
) -> None:
    cut = Text(passages, tokens_max, 30).cut(VOCABULARY)
    scored = [list(span.tokens[span.first :]) for span in cut.spans]
    assert sum(map(len, scored)) == cut.text_tokens <= tokens_max
    wanted = [[*c.encode(), *([END] if closed else [])] for _, c, closed in passages]
    assert scored == [one for one in wanted if one][: len(scored)]
