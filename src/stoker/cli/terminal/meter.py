"""Progress in bytes for verbs that write or read much: one line on a terminal, else nothing.

Owns how often it is drawn and that the line is ended whatever happens. Data goes elsewhere.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from stoker.core.units import format_bytes, format_seconds

BETWEEN_S = 0.5
_LEFT_FROM_S = 2.0
Told = Callable[[int, int], None]


@contextmanager
def metered(
    stream: TextIO | None = None, now: Callable[[], float] = time.monotonic
) -> Iterator[Told]:
    """A function that is told the bytes done and the bytes in all, and draws them.

    `stream` is the standard error unless given; where it is no terminal, nothing is drawn.
    """
    meter = Meter(stream or sys.stderr, now)
    try:
        yield meter
    finally:
        meter.end()


class Meter:
    """Draws share, bytes, rate and time left, at most every `BETWEEN_S` seconds."""

    def __init__(self, stream: TextIO, now: Callable[[], float]) -> None:
        self._stream = stream
        self._now = now
        self._begun = self._drawn = now()
        self._visible = stream.isatty()
        self._width = 0

    def __call__(self, done: int, total: int) -> None:
        """Draw that `done` of `total` bytes are done, if it is time."""
        now = self._now()
        if not self._visible or (now - self._drawn < BETWEEN_S and done < total):
            return
        self._drawn = now
        self._draw(line(done, total, now - self._begun))

    def end(self) -> None:
        """End the line, if there is one."""
        if self._width:
            self._write("\n")
            self._width = 0

    def _draw(self, text: str) -> None:
        self._write("\r" + text.ljust(self._width))
        self._width = max(self._width, len(text))

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def line(done: int, total: int, passed_s: float) -> str:
    """What is drawn after `passed_s` seconds: ` 42 %  1.1 GiB  310 MiB/s  5 s left`."""
    rate = done / max(passed_s, 1e-6)
    text = f"{100 * done // max(total, 1):3} %  {format_bytes(done)}  {format_bytes(int(rate))}/s"
    if passed_s < _LEFT_FROM_S or not 0 < done < total:
        return text
    left_s = round((total - done) / rate)
    return f"{text}  {f'{left_s} s' if left_s < 120 else format_seconds(left_s)} left"
