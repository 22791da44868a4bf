"""Bounded lines from a pipe."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.workers.lines import LineSplitter, LineTail

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=20))


@given(LINES, st.integers(1, 7))
def test_lines_are_the_same_however_the_stream_is_cut(lines: list[str], step: int) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    splitter = LineSplitter(1000)
    heard = [
        line for at in range(0, len(data), step) for line in splitter.feed(data[at : at + step])
    ]
    assert heard == lines
    assert splitter.flush() == ""


def test_an_endless_line_takes_bounded_memory() -> None:
    splitter = LineSplitter(8)
    for _ in range(1000):
        assert splitter.feed(b"x" * 100) == []
    assert splitter.feed(b"\nnext\n") == ["x" * 8, "next"]


def test_broken_utf8_is_shown_and_not_fatal() -> None:
    assert LineSplitter(8).feed(b"a\xffb\r\n") == ["a\ufffdb"]


@given(st.lists(st.text(max_size=30)), st.integers(1, 5), st.integers(1, 40))
def test_a_tail_keeps_the_last_lines_within_both_bounds(
    lines: list[str], count: int, size: int
) -> None:
    tail = LineTail(count, size)
    for line in lines:
        tail.append(line)
    kept = tail.lines
    assert len(kept) <= count
    assert sum(len(line.encode()) for line in kept) <= size
    assert list(kept) == lines[len(lines) - len(kept) :]
