"""The order of a calibration: every model once, then all of them again, until the time is over.

Owns the folder of the models, which is empty again whatever ends a calibration, and the clock. What
disturbs one round disturbs one sample of each figure, and medians do not move. On a machine that
never rests, what every calibration needs comes first: answers one at a time.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stoker.calibrating.sampling import Bench, visit, visit_cold
from stoker.calibrating.subjects import SHAPES, TimedModel
from stoker.core.disk_errors import disk_errors
from stoker.core.errors import AlreadyRunningError, DiskFullError
from stoker.core.units import GIB, format_bytes
from stoker.models.synthetic.write import write_model
from stoker.state.home import Home

ROUNDS = 2
_COLD_ROUNDS = 2
_SPARE_BYTES = 1 * GIB

Progress = Callable[[int, int, str], None]


async def take_samples(
    home: Home, asked: Sequence[TimedModel], bench: Bench, on_step: Progress = lambda *_: None
) -> None:
    """Time `asked` on `bench` in rounds, until all are done or its time is over.

    `on_step` hears how many of how many steps are done, and what is next.

    Raises:
        AlreadyRunningError: another calibration runs in this home.
        DiskFullError: there is no room for the models.
        StokerError: a model did not load.
    """
    with _folder(home) as folder:
        _check_room(folder, asked)
        left = list(_steps(asked))
        total = len(left)
        while left and not bench.is_over:
            timed = {(shape, kind) for shape, kind, _ in bench.cells}
            step = left.pop(_next(left, timed) if bench.is_restless else 0)
            on_step(total - len(left) - 1, total, step.subject.name)
            await _take(bench, step, folder)
        on_step(total, total, "")


@dataclass(frozen=True, slots=True)
class _Step:
    subject: TimedModel
    streams: int = 1
    cold: bool = False


def _next(left: Sequence[_Step], timed: Collection[tuple[str, str]]) -> int:
    """The first of `left` that times one answer at a time, with as many threads as plans have.

    What was not `timed` yet (its shape, its format) goes first, and of that what has a format in
    which another shape was: only of two shapes in a format does a fit know how far it errs.
    """
    formats = {kind for _, kind in timed}

    def order(at: int) -> tuple[bool, bool, bool]:
        step, asked = left[at], left[at].subject
        is_plain = step.streams == 1 and not step.cold and not asked.threads
        return not is_plain, (asked.shape, asked.format) in timed, asked.format not in formats

    return min(range(len(left)), key=order)


async def _take(bench: Bench, step: _Step, folder: Path) -> None:
    path = folder / f"{step.subject.name}.gguf"
    if not path.exists():
        shape = SHAPES[step.subject.shape]
        await asyncio.to_thread(write_model, path, shape, step.subject.format)
    if step.cold:
        await visit_cold(bench, step.subject, path)
    else:
        await visit(bench, step.subject, path, step.streams)


def _steps(asked: Sequence[TimedModel]) -> Iterator[_Step]:
    """One visit after the other; in each round in another order."""
    order = random.Random(0)  # noqa: S311 - an order that can be repeated
    for turn in range(ROUNDS):
        steps = [_Step(one) for one in asked if one.asks and turn < one.rounds]
        if turn < _COLD_ROUNDS:
            steps += [_Step(one, cold=True) for one in asked if one.cold]
        together = [one for one in asked if turn < one.together_rounds]
        steps += [
            _Step(one, streams)
            for one in together
            for streams in dict.fromkeys(ask.streams for ask in one.together)
        ]
        order.shuffle(steps)
        yield from steps


@contextmanager
def _folder(home: Home) -> Iterator[Path]:
    """A private folder for models, empty at first and removed afterwards; one at a time."""
    folder = home.run / "calibration"
    with disk_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(
                "A calibration runs already", hint="wait for it, or stop it"
            ) from None
        try:
            _empty(folder)  # what one that was killed has left behind
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _empty(folder: Path) -> None:
    for left in folder.iterdir():
        left.unlink()


def _check_room(folder: Path, asked: Sequence[TimedModel]) -> None:
    needed = sum({one.name: one.file_bytes for one in asked}.values()) + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DiskFullError(
            f"A calibration writes {format_bytes(needed)} of models for a while and "
            f"{format_bytes(free)} are free",
            hint="free some space, or use --quick, which writes less",
        )
