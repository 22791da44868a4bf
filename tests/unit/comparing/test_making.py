"""Smaller files are made as large as was said, and not made once nobody wants them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stoker.comparing.making import make_file, predicted_bytes
from stoker.models.catalogue import starter

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0"])
async def test_a_file_is_no_larger_than_was_said_and_hardly_smaller(
    tmp_path: Path, kind: str
) -> None:
    shares: list[float] = []
    out = tmp_path / "small.gguf"
    await make_file(starter().path, out, kind, shares.append)
    most = predicted_bytes(starter().path, kind)
    assert most - (128 << 10) <= out.stat().st_size <= most
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)


async def test_cancelling_stops_the_writing_and_leaves_nothing(tmp_path: Path) -> None:
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()
    out = tmp_path / "small.gguf"
    work = asyncio.ensure_future(
        make_file(starter().path, out, "Q8_0", lambda _: loop.call_soon_threadsafe(begun.set))
    )
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert list(tmp_path.iterdir()) == []  # noqa: ASYNC240 - a test may look
