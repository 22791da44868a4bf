"""Progress is drawn on terminals alone, not too often, and its line always ends."""

from __future__ import annotations

import io

from stoker.cli.terminal.meter import line, metered


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with metered(stream) as told:
        told(1, 2)
        told(2, 2)
    assert stream.getvalue() == ""


def test_it_is_drawn_twice_a_second_and_at_the_end() -> None:
    stream, times = Terminal(), iter([0.0, 0.1, 0.6, 0.7, 0.8])
    with metered(stream, lambda: next(times)) as told:
        for done in (10, 20, 30, 100):
            told(done, 100)
    drawn = stream.getvalue().split("\r")
    assert [text[:5] for text in drawn] == ["", " 20 %", "100 %"]
    assert drawn[-1].endswith("\n")


def test_an_interruption_ends_the_line() -> None:
    stream, times = Terminal(), iter([0.0, 1.0])
    told = metered(stream, lambda: next(times))
    told.__enter__()(1, 2)
    assert not told.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert stream.getvalue().endswith("\n")


def test_a_shorter_text_covers_the_longer_one_before() -> None:
    stream, times = Terminal(), iter([0.0, 10.0, 11.0])
    with metered(stream, lambda: next(times)) as told:
        told(1023, 4096)
        told(4096, 4096)
    _, first, second = stream.getvalue().removesuffix("\n").split("\r")
    assert len(first) == len(second)


def test_the_line_says_share_bytes_rate_and_time_left() -> None:
    assert line(1 << 20, 4 << 20, 4.0) == " 25 %  1 MiB  256 KiB/s  12 s left"
    assert line(4 << 20, 4 << 20, 4.0) == "100 %  4 MiB  1 MiB/s"
    assert line(0, 0, 0.0) == "  0 %  0 B  0 B/s"
