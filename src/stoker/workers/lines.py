"""Text lines from a process's pipe, bounded in length and in number. Pure: no pipe is touched."""

from __future__ import annotations

from collections import deque


class LineSplitter:
    """Turns pieces of a byte stream into lines; a longer line than `limit` bytes is cut there."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._rest = bytearray()

    def feed(self, piece: bytes) -> list[str]:
        """The lines that `piece` completes, without their ends."""
        *whole, rest = piece.split(b"\n")
        lines = []
        for part in whole:
            self._keep(part)
            lines.append(self.flush())
        self._keep(rest)
        return lines

    def flush(self) -> str:
        """What is left of an unfinished line."""
        line = self._rest.decode("utf-8", "replace").rstrip("\r")
        self._rest.clear()
        return line

    def _keep(self, part: bytes) -> None:
        self._rest += part[: self._limit - len(self._rest)]


class LineTail:
    """The last lines of a talk, at most `lines` of them and `size` bytes in all."""

    def __init__(self, lines: int, size: int) -> None:
        self._lines: deque[str] = deque()
        self._max_lines = lines
        self._max_size = size
        self._size = 0

    def append(self, line: str) -> None:
        """Keep `line`, and let go of the oldest that no longer fit beside it."""
        self._lines.append(line)
        self._size += len(line.encode())
        while self._lines and (len(self._lines) > self._max_lines or self._size > self._max_size):
            self._size -= len(self._lines.popleft().encode())

    @property
    def lines(self) -> tuple[str, ...]:
        """The kept lines, oldest first."""
        return tuple(self._lines)
