"""How fast memory is read, by one thread and by all that may run.

Each thread searches its own part of a buffer for a byte that is not there: `memchr` of the C
library reads every byte once, by the widest loads that the processor has, and runs outside the
interpreter's lock. With glibc on x86-64 it read 0.98 to 1.02 times as fast as a C program of plain
wide loads. The buffer is far larger than the caches; like an engine's weights it is not asked to
be in huge pages, and one thread fills it, which places it where that thread runs.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from stoker.core.units import GIB, MIB
from stoker.machine.measured.passes import CannotMeasureError, Limits, run_passes

BUFFER_BYTES_MIN = 256 * MIB
BUFFER_BYTES_MAX = 4 * GIB
_CACHES = 4
_FREE_SHARE = 4
_FILL, _SOUGHT = 0x5A, 0xA5
_THREADS_MAX = 512
_WAIT_S = 60.0


def buffer_bytes(caches_bytes: int, available_bytes: int) -> int:
    """How large a buffer reads past caches of `caches_bytes` and leaves memory to others.

    Raises:
        CannotMeasureError: the memory that is free does not hold one.
    """
    wanted = min(BUFFER_BYTES_MAX, max(BUFFER_BYTES_MIN, _CACHES * caches_bytes))
    if available_bytes < _FREE_SHARE * wanted:
        raise CannotMeasureError("too little memory is free for a buffer larger than the caches")
    return wanted - wanted % mmap.PAGESIZE


def measure_memory(
    threads: int,
    size_bytes: int,
    limits: Limits,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Bytes a second of each pass over `size_bytes`: by one thread, and by `threads`.

    Raises:
        CannotMeasureError: this system has no C library to search with, or no memory.
    """
    search = _memchr()
    with _filled(size_bytes) as address:

        def passes(count: int) -> tuple[float, ...]:
            part = size_bytes // count
            parts = [(address + index * part, part) for index in range(count)]
            with _Readers(search, parts) as readers:
                return run_passes(readers.once, part * count, limits, clock)

        one = passes(1)
        return one, one if threads == 1 else passes(min(threads, _THREADS_MAX))


def _memchr() -> Any:
    try:
        function = ctypes.CDLL(None).memchr
    except (OSError, TypeError, AttributeError):  # no C library under that name: Windows
        raise CannotMeasureError("this system's C library cannot be reached") from None
    function.restype = ctypes.c_void_p
    function.argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t)
    return function


@contextmanager
def _filled(size: int) -> Iterator[int]:
    """The address of `size` bytes that are really there: untouched pages would all be one."""
    try:
        buffer = mmap.mmap(-1, size)
    except (OSError, ValueError):
        raise CannotMeasureError("no memory was given for a buffer") from None
    with buffer:
        view = ctypes.c_char.from_buffer(buffer)
        try:
            ctypes.memset(ctypes.addressof(view), _FILL, size)
            yield ctypes.addressof(view)
        finally:
            del view  # the buffer cannot be closed while something points into it


class _Readers:
    """Threads that wait, read their parts when told, and wait again."""

    def __init__(self, search: Any, parts: list[tuple[int, int]]) -> None:
        self._search = search
        self._gate = threading.Barrier(len(parts) + 1, timeout=_WAIT_S)
        self._threads = [
            threading.Thread(target=self._work, args=part, daemon=True) for part in parts
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gate.abort()
        for thread in self._threads:
            thread.join()

    def once(self) -> None:
        """Let all read their parts once; return when the last has.

        Raises:
            CannotMeasureError: one of them failed.
        """
        try:
            self._gate.wait()
            self._gate.wait()
        except threading.BrokenBarrierError:
            raise CannotMeasureError("a thread that read memory failed") from None

    def _work(self, address: int, size: int) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            try:
                while True:
                    self._gate.wait()
                    self._search(address, _SOUGHT, size)
                    self._gate.wait()
            finally:
                self._gate.abort()  # nobody waits for one that is gone
