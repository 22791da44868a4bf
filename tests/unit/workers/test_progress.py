"""The share of a model that was read comes from the kernel's own count."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from stoker.testing.clock import ManualClock
from stoker.workers.progress import PERIOD_S, bytes_read, reading_told


def test_the_kernel_tells_what_this_process_has_read(tmp_path: Path) -> None:
    before = bytes_read(os.getpid())
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "file").read_bytes()
    after = bytes_read(os.getpid())
    assert before is not None
    assert after is not None
    assert after - before >= 100_000


@pytest.mark.parametrize("text", [None, "", "wchar: 3\n", "rchar: many\n"])
def test_where_the_kernel_does_not_tell_there_is_no_figure(
    tmp_path: Path, text: str | None
) -> None:
    if text is not None:
        (tmp_path / "7").mkdir()
        (tmp_path / "7" / "io").write_text(text)
    assert bytes_read(7, proc=tmp_path) is None


async def test_it_is_told_again_each_period_and_never_passes_the_whole() -> None:
    clock, told = ManualClock(), list[float]()
    async with reading_told(os.getpid(), 1, clock, told.append):
        await clock.wait_sleepers(1)
        await clock.advance(PERIOD_S * 2)
    assert told == [1.0, 1.0, 1.0]


async def test_nobody_is_told_when_nobody_listens() -> None:
    clock = ManualClock()
    async with reading_told(os.getpid(), 1, clock, None):
        await asyncio.sleep(0)
        assert clock.sleepers == 0
