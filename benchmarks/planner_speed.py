"""Predicted speeds beside measured ones, for models that the calibration has not seen.

    python benchmarks/planner_speed.py [--quick]

Calibrates this machine, then writes models of other shapes and mixtures of formats, times them in
the same caged worker, and compares: a decode step at three lengths, prompts of three lengths and
how long each takes to its first token, steps of several answers, loads. A figure is inside where
the measured one lies between the predicted 10 and 90 %. Published speeds of GPUs and Apple's chips
are predicted with the device itself left out.
Timings that other programs disturbed are taken again; so let them rest, or wait.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from harness import AT_LEAST, AT_MOST, Result, Row, main, median
from held_out import MODELS, QUICK, HeldOut
from stoker.calibrating.calibrate import calibrate, conditions_now
from stoker.calibrating.composing import Timed, compose
from stoker.calibrating.fitting import observations_of
from stoker.calibrating.rounds import take_samples
from stoker.calibrating.sampling import Bench, visit
from stoker.calibrating.subjects import FOUR, LONG, MIDDLE, SHORT, TWO, TimedModel
from stoker.core.calibration import Calibration, Observation
from stoker.core.clock import SystemClock
from stoker.library.judging.published_speeds import published_points
from stoker.machine.facts import read_machine
from stoker.models.facts import read_facts
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.estimate import first_token
from stoker.planning.speed.published import PROCESSOR, PublishedPoint, errors_left_out
from stoker.planning.speed.spread import Estimate
from stoker.planning.speed.work import Work, work_of
from stoker.state.home import Home

# How long may be waited in all for other programs to rest, and how long one model may be timed.
WAIT_S, MODEL_S = 3600.0, 120.0
QUICK_WAIT_S, QUICK_MODEL_S = 5.0, 12.0
KINDS = {
    "decode": "decode",
    "prefill": "prefill",
    "first": "first token",
    "streams": "several answers",
    "load": "load",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure, in seconds: predicted with its interval, and measured."""

    model: str
    seen: Observation
    predicted: Estimate

    @property
    def error(self) -> float:
        """How far the prediction is off, as a share of what was measured."""
        return abs(self.predicted.middle / self.seen.seconds - 1)

    @property
    def inside(self) -> bool:
        """Whether the measured seconds lie in the interval."""
        return self.seen.seconds in self.predicted.interval()


def measure(quick: bool) -> Result:
    with TemporaryDirectory(prefix="stoker-bench-") as folder:
        home = Home(Path(folder)).prepare()
        pairs, calibration, loads = asyncio.run(_measure(home, quick=quick))
    published = errors_left_out(
        [one for one in published_points() if one.device.backend != PROCESSOR]
    )
    rows = [*_rows(pairs), *_coverage(pairs), *_published(published)]
    return Result(
        "planner_speed",
        "measured",
        rows,
        notes=_notes(calibration, loads),
        parts={
            "figures": [_part(pair) for pair in pairs],
            "published": [_published_part(one, guess_s) for one, guess_s in published],
        },
    )


async def _measure(home: Home, *, quick: bool) -> tuple[list[Pair], Calibration, list[str]]:
    loads = [_load()]
    calibration = await (_little(home) if quick else calibrate(home, wait_s=WAIT_S))
    loads.append(_load())
    pairs = []
    for model in QUICK if quick else MODELS:
        pairs += await _compare(home, model, calibration, quick=quick)
    loads.append(_load())
    return pairs, calibration, loads


async def _little(home: Home) -> Calibration:
    """The least that can be fitted: two formats, one round."""
    clock = SystemClock()
    bench = Bench(home.workers, clock, len(os.sched_getaffinity(0)), clock.now() + 20, QUICK_WAIT_S)
    asked = [
        TimedModel(shape, kind, (SHORT, asked), rounds=1, together=together)
        for shape, asked, together in (
            ("wide", LONG, (TWO, FOUR)),
            ("deep", MIDDLE, (TWO,)),
            ("equal", MIDDLE, ()),
        )
        for kind in ("Q8_0", "Q4_K", "Q6_K")
    ]
    await take_samples(home, asked, bench)
    taken = Timed(bench.samples, bench.first_token_s, bench.taken, bench.rejected)
    return compose(taken, conditions_now(read_machine(), quick=True))


async def _compare(
    home: Home, model: HeldOut, calibration: Calibration, *, quick: bool
) -> list[Pair]:
    """The figures of one model: its samples' medians beside what is predicted from its header."""
    clock, subject, path = SystemClock(), model.subject(), home.run / "held-out.gguf"
    model.write(path)
    try:
        work = work_of(read_facts(path))
        allowed, wait_s = (QUICK_MODEL_S, QUICK_WAIT_S) if quick else (MODEL_S, WAIT_S)
        bench = Bench(home.workers, clock, calibration.threads, clock.now() + allowed, wait_s)
        for turn in range(1 if quick else subject.rounds):
            await visit(bench, subject, path)
            for streams in model.together if turn < subject.together_rounds else ():
                await visit(bench, subject, path, streams)
    finally:
        path.unlink()
    basis = Calibrated(calibration, calibration.threads)
    name = f"{model.shape} {model.mixture}"
    quiet = [one for one in bench.samples if not one.disturbance]
    return [Pair(name, seen, _predicted(basis, work, seen)) for seen in observations_of(quiet)]


def _predicted(basis: Calibrated, work: Work, seen: Observation) -> Estimate:
    if seen.kind == "load":
        found = basis.load(work, cold=False)
    elif seen.kind == "prefill":
        found = basis.prompt(work, seen.tokens)
    elif seen.kind == "first":
        found = first_token(work, basis, seen.tokens)
    else:
        found = basis.step(work, seen.tokens, seen.past)
    if found is None:
        raise ValueError(f"no prediction of {seen}")  # one that is left out would miss no limit
    return found


def _rows(pairs: Sequence[Pair]) -> list[Row]:
    """The middle and the largest error of each kind, against what was asked of it."""
    limits = {"decode": (0.12, 0.25), "prefill": (0.12, 0.25), "load": (None, 0.30)}
    rows = []
    for kind, title in KINDS.items():
        errors = [pair.error for pair in pairs if pair.seen.kind == kind]
        middle, worst = limits.get(kind, (None, None))
        rows += [
            _row(f"{title}, {len(errors)} figures, median error", median(errors), middle),
            _row(f"{title}, largest error", max(errors), worst),
        ]
    return rows


def _row(name: str, error: float, limit: float | None) -> Row:
    return Row(name, None, None, 100 * error, "%", AT_MOST if limit else "", limit and 100 * limit)


def _coverage(pairs: Sequence[Pair]) -> list[Row]:
    """How many measured figures lie in their 80 % intervals, and how wide those are.

    First tokens are left out: each is a prefill that is counted already, with a little more.
    """
    pairs = [pair for pair in pairs if pair.seen.kind != "first"]
    inside = 100 * sum(pair.inside for pair in pairs) / len(pairs)
    width = median([math.exp(pair.predicted.width) for pair in pairs])
    name = f"measured within the 80 % interval, of {len(pairs)}"
    return [
        Row(name, None, None, inside, "%", AT_LEAST, 75.0),
        Row("the same", None, None, inside, "%", AT_MOST, 90.0),
        Row("the interval's ends, in the middle: a factor of", None, None, width, ""),
    ]


def _published(found: Sequence[tuple[PublishedPoint, float]]) -> list[Row]:
    """Published tokens a second of GPUs and Apple's chips, each device left out of the fit."""
    errors = [abs(one.token_s / guess_s - 1) for one, guess_s in found]
    return [
        _row(f"published, {len(errors)} figures, median error", median(errors), 0.15),
        _row("published, largest error", max(errors), None),
    ]


def _published_part(one: PublishedPoint, guess_s: float) -> dict[str, object]:
    return {
        "device": one.name,
        "format": one.work.uses[0].format,
        "kind": "prefill" if one.prompt else "decode",
        "past": one.past,
        "predicted_tok_s": 1 / guess_s,
        "published_tok_s": 1 / one.token_s,
    }


def _part(pair: Pair) -> dict[str, object]:
    seen, interval = pair.seen, pair.predicted.interval()
    return {
        "model": pair.model,
        "kind": seen.kind,
        "tokens": seen.tokens,
        "past": seen.past,
        "predicted_s": [interval.p10, interval.p50, interval.p90],
        "measured_s": seen.seconds,
        "samples": seen.samples,
        "spread": seen.spread,
        "inside": pair.inside,
    }


def _notes(calibration: Calibration, loads: Iterable[str]) -> list[str]:
    disturbed = f"{calibration.rejected} of {calibration.taken} timings were disturbed"
    return [
        f"calibrated with {calibration.threads} threads; {disturbed}, and taken again",
        f"load of the machine before, after calibrating and at the end: {', '.join(loads)}",
    ]


def _load() -> str:
    return f"{os.getloadavg()[0]:.2f}"


if __name__ == "__main__":
    main(measure, __doc__)
