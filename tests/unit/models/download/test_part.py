"""An unfinished file is gone on with by whoever comes next, and never says more than it holds."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import DiskFullError, HomeError
from stoker.files.locks import try_lock
from stoker.models.download import part as part_module
from stoker.models.download.answers import Validators
from stoker.models.download.events import DownloadEvent, Waiting
from stoker.models.download.limits import DownloadLimits, Timing
from stoker.models.download.part import Part, check_space, claim
from stoker.testing.clock import ManualClock

STATE = Validators('"one"')
MakePart = Callable[[], Part]


def begun(part: Part, *, resumable: bool = True) -> Part:
    part.begin(10, STATE, resumable=resumable)
    part.write(0, b"abc")
    part.write(7, b"xyz")
    return part


async def test_the_next_one_goes_on_where_the_last_one_stopped(make_part: MakePart) -> None:
    await begun(make_part()).save()
    after = make_part()
    assert list(after.ranges) == [(0, 3), (7, 10)]
    assert (after.size, after.validators, after.resumable) == (10, STATE, True)
    assert after.read(0, 3) == b"abc"


async def test_what_was_not_written_down_counts_not(make_part: MakePart) -> None:
    part = begun(make_part())
    await part.save()
    part.write(3, b"defg")
    assert list(make_part().ranges) == [(0, 3), (7, 10)]


async def test_bytes_are_on_the_disk_before_they_are_written_down(
    make_part: MakePart, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, steps = begun(make_part()), list[str]()
    fsync, write_whole = os.fsync, part_module.write_whole

    def sync(handle: int) -> None:
        steps.append("bytes" if handle == part.handle else "other")
        fsync(handle)

    def write(path: Path, data: bytes) -> None:
        steps.append("journal")
        write_whole(path, data)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(part_module, "write_whole", write)
    await part.save()
    assert steps[:2] == ["bytes", "journal"]


async def test_what_cannot_be_gone_on_with_is_not_written_down(make_part: MakePart) -> None:
    await begun(make_part(), resumable=False).save()
    assert make_part().size is None


@pytest.mark.parametrize("harm", ["journal", "short", "gone"])
async def test_a_journal_that_does_not_fit_the_file_counts_as_none(
    make_part: MakePart, harm: str
) -> None:
    part = begun(make_part())
    await part.save()
    if harm == "journal":
        part._journal_path.write_text("{")
    elif harm == "short":
        os.truncate(part.path, 9)
    else:
        part.path.unlink()
    after = make_part()
    assert (after.size, after.ranges.covered) == (None, 0)
    assert after.path.stat().st_size == 0


async def test_a_journal_of_before_is_not_written_after_a_new_start(make_part: MakePart) -> None:
    part = begun(make_part())
    journal, turn = part._snapshot(), part._turn
    assert journal is not None
    part.start_over()
    part._write_down(journal, turn)
    assert make_part().ranges.covered == 0
    part.close()
    part._write_down(journal, turn)


def test_a_link_in_its_place_is_not_followed(tmp_path: Path, make_part: MakePart) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / "parts" / "key.part").symlink_to(tmp_path / "mine")
    with pytest.raises(HomeError):
        make_part()
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_nobody_else_may_read_it(part: Part) -> None:
    assert part.path.stat().st_mode & 0o777 == 0o600


def test_too_little_room_is_said_with_the_figures(tmp_path: Path) -> None:
    check_space(tmp_path, 1, 1)
    with pytest.raises(DiskFullError, match=r"32 TiB are still to come, and .* are free"):
        check_space(tmp_path, 1 << 45, 0)


LIMITS = DownloadLimits(lock_poll_s=1.0, lock_wait_s=5.0)


async def test_a_second_one_waits_for_the_first_and_says_so(tmp_path: Path) -> None:
    clock, events = ManualClock(), list[DownloadEvent]()
    lock = tmp_path / "key.lock"
    first = try_lock(lock)
    assert first is not None
    timing = Timing(clock=clock)
    second = asyncio.ensure_future(claim(lock, "m.gguf", LIMITS, timing, events.append))
    await clock.wait_sleepers()
    await clock.advance(2.0)
    assert events == [Waiting("m.gguf")]
    assert not second.done()
    os.close(first)
    await clock.advance(1.0)
    os.close(await second)


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    clock = ManualClock()
    lock = tmp_path / "key.lock"
    first = try_lock(lock)
    assert first is not None
    limits = replace(LIMITS, lock_wait_s=3.0)
    second = asyncio.ensure_future(
        claim(lock, "m.gguf", limits, Timing(clock=clock), lambda _: None)
    )
    await clock.wait_sleepers()
    await clock.advance(9.0)
    with pytest.raises(HomeError, match="for too long"):
        await second
    os.close(first)
