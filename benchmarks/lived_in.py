"""A home as it is after months of use: the machine measured and calibrated, the log of runs full.

The figures are made up, and hold for this machine: their conditions are its own. What is real is
how much there is to read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from stoker.calibrating.subjects import SHAPES
from stoker.core.calibration import Calibration, Fit, Observation
from stoker.core.estimate import Interval
from stoker.core.machine import Machine, Measured
from stoker.core.measurement import AnswerMeasured, LoadMeasured, RunKey, key_of
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Timings, Usage
from stoker.engines.registry import engine_version
from stoker.machine.facts import read_machine
from stoker.machine.measured.cache import save_measured
from stoker.machine.measured.conditions import conditions_of, mark_of
from stoker.models.facts import read_facts
from stoker.planning.defaults import Wishes, make_plan
from stoker.planning.speed.terms import STREAMS
from stoker.state.calibrations import save_calibration
from stoker.state.home import Home
from stoker.state.measurements import FILE_BYTES_MAX, Record, older, to_line

FAMILIES = ("q8_0", "q4_k", "q5_k", "q6_k", "q4_0", "q5_0", "iq4", "iq3", "iq2", "f16", "mxfp4")
# One model in so many lines is the one that is planned; the others are as many as a busy home has.
MODELS = 12
_ERRORS = tuple(math.sin(7.0 * number) / 8 for number in range(90))
_OBSERVATIONS = 220


def fill(folder: Path, model: Path) -> Home:
    """The home in `folder`, lived in, with runs of `model` and of others."""
    home = Home(folder).prepare()
    machine, engine = read_machine(), engine_version()
    conditions = conditions_of(machine, engine)
    save_measured(home.machine, _measured(conditions))
    save_calibration(home, _calibration(machine, engine, conditions))
    local = LocalModel(ModelRef("bench"), model, read_facts(model))
    plan = make_plan(local, machine, Wishes(), slots_default=1)
    lines = _lines(plan, mark_of(conditions))
    for path in (older(home.measurements), home.measurements):
        path.write_bytes(_full(lines))
    return home


def _full(lines: Iterator[bytes]) -> bytes:
    """As many lines as a file holds before it is put aside."""
    found, size = [], 0
    for line in lines:
        size += len(line)
        if size > FILE_BYTES_MAX:
            break
        found.append(line)
    return b"".join(found)


def _lines(plan: Plan, mark: str) -> Iterator[bytes]:
    own, now = key_of(plan, mark), int(time.time())
    for number in count():
        other = number % MODELS
        key = own if not other else replace(own, model=f"facts:{other:032x}")
        yield to_line(_record(key, number, now))


def _record(key: RunKey, number: int, at: int) -> Record:
    jitter = 1 + math.sin(number) / 20
    predicted = (("load_s", Interval(0.8, 1.0, 1.2)),)
    if number // MODELS % 10 == 0:
        parts = ColdStart(0.05 * jitter, 0.3, 0.9 * jitter, 0.1)
        return LoadMeasured(key, at, 400_000_000, 0, parts, predicted)
    usage, decode_s = Usage(200 + number % 800, 120), 119 * 0.03 * jitter
    timings = Timings(usage.prompt_tokens / 300 * jitter, decode_s, 300 / jitter, 33 / jitter)
    return AnswerMeasured(key, at, usage, timings, 1, 1, predicted)


def _measured(conditions: tuple[tuple[str, str], ...]) -> Measured:
    return Measured(
        read_bytes_s_one=1.2e10,
        read_bytes_s_all=2.4e10,
        matmul_ops_s=(("f16", 1.2e11), ("q8_0", 2.4e11)),
        taken_unix_s=int(time.time()),
        conditions=conditions,
    )


def _calibration(
    machine: Machine, engine: str, conditions: tuple[tuple[str, str], ...]
) -> Calibration:
    steps = {f"multiply:{name}@{streams}": 2e-11 for name in FAMILIES for streams in STREAMS}
    return Calibration(
        machine="bench",
        engine="llamacpp",
        engine_version=engine,
        threads=machine.cores,
        taken_unix_s=int(time.time()),
        decode=_fit({f"read:{name}": 3e-11 for name in FAMILIES} | {"layers": 7e-5}),
        prefill=_fit({f"multiply:{name}": 6e-12 for name in FAMILIES} | {"reading": 1.0}),
        streams=_fit(steps | {"layers": 7e-5, "each": 1.0}),
        load=_fit({f"load:{name}": 7e-10 for name in FAMILIES} | {"start": 0.4}),
        cold=_fit({"file": 5e-10}),
        first_token_s=0.005,
        conditions=conditions,
        observations=tuple(_observation(number) for number in range(_OBSERVATIONS)),
        taken=400,
        rejected=20,
    )


def _fit(terms: dict[str, float]) -> Fit:
    return Fit(tuple(sorted(terms.items())), _ERRORS)


def _observation(number: int) -> Observation:
    shapes = tuple(SHAPES)
    shape, kind = shapes[number % len(shapes)], FAMILIES[number % len(FAMILIES)].upper()
    return Observation("decode", shape, kind, 2, 1, 90, 0.03, 4, 0.02, 0.031)
