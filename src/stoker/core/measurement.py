"""What real loads and answers were measured to take, and the port that hears of them.

Nothing of what was asked or answered is part of it: counts and seconds alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

from stoker.core.estimate import Interval
from stoker.core.model import ModelFacts
from stoker.core.plan import Plan
from stoker.core.request import ColdStart, Timings, Usage

Predicted = tuple[tuple[str, Interval], ...]


@dataclass(frozen=True, slots=True)
class RunKey:
    """Under which plan something was measured, and on what.

    `model` is `identity_of` its facts. `conditions` names the engine's version and what the machine
    was like, as far as it decides how fast it is (`stoker.machine.measured.conditions.mark_of`).
    """

    model: str
    engine: str
    conditions: str
    threads: int
    context: int
    slots: int
    micro_batch: int
    repack: bool
    kv_type: str

    def is_as_fast_as(self, other: RunKey) -> bool:
        """Whether an answer under either takes as long, where as many tokens lie behind it.

        A longer context and more slots reserve memory, which a load has to fill. A step goes
        through the tokens that are there.
        """
        return replace(self, context=other.context, slots=other.slots) == other


@dataclass(frozen=True, slots=True)
class LoadMeasured:
    """One load, in seconds by part; `disk_bytes` came from the disk, None where nobody tells.

    `predicted` is what had been predicted of it, by the names of `core.speed.Speed`'s figures.
    """

    key: RunKey
    unix_s: int
    file_bytes: int
    disk_bytes: int | None
    parts: ColdStart
    predicted: Predicted = ()


@dataclass(frozen=True, slots=True)
class AnswerMeasured:
    """One whole answer, in the engine's own figures.

    `streams_first` and `streams_last` count the answers in flight when it began and when it ended,
    this one included.
    """

    key: RunKey
    unix_s: int
    usage: Usage
    timings: Timings
    streams_first: int
    streams_last: int
    predicted: Predicted = ()


class Recorder(Protocol):
    """Hears what was measured. It returns at once, and never fails the one who tells it."""

    def loaded(self, plan: Plan, parts: ColdStart, disk_bytes: int | None) -> None:
        """A model was loaded and has answered."""
        ...

    def wants(self, plan: Plan) -> bool:
        """Whether one more answer is worth the work of reading its figures."""
        ...

    def answered(
        self, plan: Plan, usage: Usage, timings: Timings, streams: tuple[int, int]
    ) -> None:
        """An answer is whole; `streams` as `AnswerMeasured` counts them."""
        ...


class NoRecorder:
    """Hears nothing."""

    def loaded(self, plan: Plan, parts: ColdStart, disk_bytes: int | None) -> None:
        """Nothing."""

    def wants(self, plan: Plan) -> bool:  # noqa: ARG002 - the port's parameter
        """Nothing is worth it."""
        return False

    def answered(
        self, plan: Plan, usage: Usage, timings: Timings, streams: tuple[int, int]
    ) -> None:
        """Nothing."""


def identity_of(facts: ModelFacts) -> str:
    """`facts:` and a hash of what decides how fast the model is.

    A file has the same before and after somebody has hashed it, however it is named. So have two
    files of one architecture and quantization; they are as fast as each other.
    """
    stated = (
        facts.architecture,
        facts.parameters,
        facts.file_bytes,
        facts.layers,
        facts.weight_bytes,
    )
    return f"facts:{hashlib.sha256(repr(stated).encode()).hexdigest()[:32]}"


def key_of(plan: Plan, conditions: str) -> RunKey:
    """The key of what is measured under `plan` where `conditions` are as `RunKey` has them."""
    return RunKey(
        model=identity_of(plan.model.facts),
        engine=plan.engine,
        conditions=conditions,
        threads=plan.threads,
        context=plan.context,
        slots=plan.slots,
        micro_batch=plan.micro_batch,
        repack=plan.repack,
        kv_type=plan.kv_type,
    )
