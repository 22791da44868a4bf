"""Reading memory: the buffer is large enough or there is none, and every part of it is read."""

from __future__ import annotations

import ctypes
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.units import GIB, MIB
from stoker.machine.measured import bandwidth
from stoker.machine.measured.bandwidth import BUFFER_BYTES_MAX, BUFFER_BYTES_MIN, buffer_bytes
from stoker.machine.measured.passes import CannotMeasureError, Limits

LIMITS = Limits(budget_s=0.0, extra_s=0.0, least=2, most=2)


@given(st.integers(0, 4 * GIB))
def test_the_buffer_is_larger_than_the_caches_and_leaves_memory_to_others(caches: int) -> None:
    size = buffer_bytes(caches, 64 * GIB)
    assert BUFFER_BYTES_MIN <= size <= BUFFER_BYTES_MAX
    assert size >= min(4 * caches, BUFFER_BYTES_MAX) - 4096
    with pytest.raises(CannotMeasureError, match="too little memory"):
        buffer_bytes(caches, 4 * size - 1)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_one_thread_and_all_read_at_some_rate(threads: int) -> None:
    one, every = bandwidth.measure_memory(threads, 4 * MIB, LIMITS)
    assert len(one) == len(every) == 2
    assert min(one + every) > 0


def test_every_byte_is_read_and_none_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search runs over the whole buffer, in parts that touch: its time is that of reading."""
    asked: list[tuple[int, int]] = []
    lock = threading.Lock()
    real = bandwidth._memchr()

    def spy(address: int, byte: int, size: int) -> None:
        assert real(address, byte, size) is None
        assert ctypes.string_at(address, 1) == b"\x5a"
        with lock:
            asked.append((address, size))

    monkeypatch.setattr(bandwidth, "_memchr", lambda: spy)
    bandwidth.measure_memory(4, MIB, LIMITS)
    parts = sorted(set(asked))
    whole = [part for part in parts if part[1] == MIB]
    quarters = [part for part in parts if part[1] == MIB // 4]
    begin = whole[0][0]
    assert len(whole) == 1
    assert [address for address, _ in quarters] == [begin + n * MIB // 4 for n in range(4)]


def test_a_search_that_fails_ends_in_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: int) -> None:
        raise threading.BrokenBarrierError

    monkeypatch.setattr(bandwidth, "_memchr", lambda: fails)
    with pytest.raises(CannotMeasureError, match="failed"):
        bandwidth.measure_memory(2, MIB, LIMITS)


def test_a_system_without_a_c_library_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: None) -> None:
        raise OSError

    monkeypatch.setattr("stoker.machine.measured.bandwidth.ctypes.CDLL", missing)
    with pytest.raises(CannotMeasureError, match="C library"):
        bandwidth.measure_memory(1, MIB, LIMITS)
