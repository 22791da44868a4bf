"""Timings of one synthetic model in a caged worker, in the engine's own figures.

Owns how a timing is taken, how often it is tried while others are busy, and how disturbed it was
if they never rest. Which models and how often is for `rounds`.
"""

from __future__ import annotations

import asyncio
import os
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from stoker.calibrating import others
from stoker.calibrating.gauging import Gauge
from stoker.calibrating.subjects import Ask, TimedModel
from stoker.core.clock import Clock
from stoker.core.errors import WorkerLostError
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.core.request import Finish, Kind, Request, Sampling
from stoker.engines.openai_wire import assemble
from stoker.engines.registry import find_engine
from stoker.models.facts import read_facts
from stoker.workers.worker import Worker

T = TypeVar("T")
ENGINE = "llamacpp"
TRIES = 4
# After so many disturbed timings in a row with no waiting left, or when all waiting was in vain, a
# machine is one that never rests. A step may take many times as long there, for an engine's threads
# wait for each other: only short answers are timed, after no long prompt. The first ones are tried
# twice, to see how far two tries differ, the others once.
RESTLESS = 3
_TWICE_RESTLESS = 6
# Of so many shapes, formats and lengths a fit can be made; until then time is over later there.
_CELLS_RESTLESS = 16
_ANSWER_RESTLESS, _PROMPT_RESTLESS = 8, 600
LOST_MAX = 3
_QUIET_S = 0.1
_LETTERS = "cdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Sample:
    """One timing; the fields as in `core.calibration.Observation`.

    There is one kind more, `first`: from a request to its first token, with our own way in it.
    `disturbance` is how much of one processor others took meanwhile, 0 where they rested.
    """

    kind: str
    shape: str
    format: str
    threads: int
    tokens: int
    past: int
    seconds: float
    disturbance: float = 0.0


@dataclass(frozen=True, slots=True)
class Try(Generic[T]):
    """What one try gave, and how much of one processor others took meanwhile: 0 if they rested."""

    result: T
    disturbance: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The engine's figures of one answer, and the seconds until its first text was here, if any."""

    finish: Finish
    first_s: float | None = None


@dataclass(slots=True)
class Bench:
    """Where and until when timings are taken; `taken` and `rejected` count them, `lost` processes.

    `wait_s` is how long may be waited, in all, for other programs to come to rest; `end_s` is the
    instant on `clock` after which nothing new is begun: waiting puts it off, and so does a machine
    that never rests, never beyond `last_s`. `gauge` reads the power meters meanwhile.
    `first_token_busy_s` were taken while others were.
    """

    directory: Path
    clock: Clock
    threads: int
    end_s: float
    wait_s: float
    samples: list[Sample] = field(default_factory=list)
    first_token_s: list[float] = field(default_factory=list)
    first_token_busy_s: list[float] = field(default_factory=list)
    taken: int = 0
    rejected: int = 0
    lost: int = 0
    gauge: Gauge | None = None
    last_s: float | None = None
    _asked: int = 0
    _calm: bool = False
    _disturbed_in_a_row: int = 0

    @property
    def is_over(self) -> bool:
        """Whether nothing new is to be begun."""
        late = self.is_restless and len(self.cells) < _CELLS_RESTLESS
        end_s = self.last_s if late and self.last_s is not None else self.end_s
        return self.clock.now() >= end_s

    @property
    def cells(self) -> frozenset[tuple[str, str, int]]:
        """Shape, format and tokens behind of each step of one answer that was timed."""
        decoded = (one for one in self.samples if one.kind == "decode")
        return frozenset((one.shape, one.format, one.past) for one in decoded)

    async def calm(self) -> None:
        """Return once others rest, or when there is no more time to wait for it.

        While one timing after the other is good, nobody waits.
        """
        while self.wait_s > 0 and not self.is_over and not self._calm:
            before, begun = others.read(None), self.clock.now()
            await self.clock.sleep(_QUIET_S)
            self._calm = not others.were_busy(before, others.read(None))
            waited = self.clock.now() - begun
            self.wait_s -= waited
            later_s = self.end_s + waited
            self.end_s = later_s if self.last_s is None else min(later_s, self.last_s)
            if self.wait_s <= 0 and not self._calm:
                self._disturbed_in_a_row = max(self._disturbed_in_a_row, RESTLESS)

    def judge(self, before: others.ProcessorTime | None, pid: int | None) -> float:
        """Count a timing that began at `before`; how disturbed it was, 0 if it is good."""
        after = others.read(pid)
        self._calm = not others.were_busy(before, after)
        self.taken += 1
        self.rejected += not self._calm
        self._disturbed_in_a_row = 0 if self._calm else self._disturbed_in_a_row + 1
        return 0.0 if self._calm else max(others.share_between(before, after), others.SHARE_MAX)

    async def timed(
        self, pid: int | None, work: Callable[[], Awaitable[T]], *, gauge: Gauge | None = None
    ) -> list[Try[T]]:
        """What `work` gives while others rest: one try. If they never do, every try there was.

        Nothing where time is over before the first. What the machine draws is `gauge`'s.
        """
        tries: list[Try[T]] = []
        while len(tries) < self._tries:
            await self.calm()
            if self.is_over:
                break
            before, shown = others.read(pid), gauge.now() if gauge else None
            result = await work()
            ended = gauge.now() if gauge else None
            disturbance = self.judge(before, pid)
            if not disturbance:
                if gauge:
                    gauge.worked(shown, ended)
                return [Try(result, 0.0)]
            tries.append(Try(result, disturbance))
        return tries

    @property
    def is_restless(self) -> bool:
        """Whether others never rest, as far as is seen, and nobody waits for it any more."""
        return self.wait_s <= 0 and self._disturbed_in_a_row >= RESTLESS

    @property
    def _tries(self) -> int:
        if not self.is_restless:
            return TRIES
        return 2 if self.rejected < _TWICE_RESTLESS else 1

    def affordable(self, ask: Ask) -> Ask | None:
        """`ask`, or what of it is timed on a machine that never rests."""
        if not self.is_restless:
            return ask
        if ask.prompt > _PROMPT_RESTLESS:
            return None
        return replace(ask, answer=min(ask.answer, _ANSWER_RESTLESS))

    def prompt(self, tokens: int) -> str:
        """A text of so many tokens (a synthetic model has one for each letter).

        It begins with another letter than the one before it, so that nothing of it is cached.
        """
        self._asked += 1
        return (_LETTERS[self._asked % len(_LETTERS)] + " mi lo" * (tokens // 6 + 1))[:tokens]


async def visit(bench: Bench, subject: TimedModel, path: Path, streams: int = 1) -> None:
    """Load `subject` from `path`, time what is asked of it, and let it go.

    With more than one of `streams`, only so many answers at a time are timed. A process that is
    lost meanwhile costs what was still to be timed.

    Raises:
        WorkerLostError: more than `LOST_MAX` were.
    """
    try:
        await _visit(bench, subject, path, streams)
    except WorkerLostError:
        bench.lost += 1
        if bench.lost > LOST_MAX:
            raise


async def _visit(bench: Bench, subject: TimedModel, path: Path, streams: int) -> None:
    every = (*subject.asks, *subject.together)
    asks = tuple(ask for ask in every if ask.streams == streams)
    async with _loaded(bench, subject, path, asks) as worker:
        pid, threads = worker.statistics().pid, worker.plan.threads
        gauge = bench.gauge if threads == bench.threads else None
        few = 2 if bench.is_restless else 8
        await _answers(bench, worker, Ask(16, few, streams))  # the first touches fresh memory
        for wanted in asks:
            ask = bench.affordable(wanted)
            if ask is not None:
                await keep_timed(
                    bench,
                    Cell(subject, threads, ask),
                    pid,
                    lambda ask=ask: _answers(bench, worker, ask),  # type: ignore[misc]
                    gauge,
                )


@dataclass(frozen=True, slots=True)
class Cell:
    """What is timed: a model, by so many threads, with one ask."""

    subject: TimedModel
    threads: int
    ask: Ask


async def keep_timed(
    bench: Bench,
    cell: Cell,
    pid: int | None,
    answer: Callable[[], Awaitable[list[Answer]]],
    gauge: Gauge | None = None,
) -> None:
    """Keep on `bench` what the answers say that came while others rested, or how disturbed."""
    for one in await bench.timed(pid, answer, gauge=gauge):
        _keep(bench, cell, one)


def _keep(bench: Bench, cell: Cell, tried: Try[list[Answer]]) -> None:
    finishes = [one.finish for one in tried.result]
    samples = samples_of(cell.subject, cell.threads, cell.ask, finishes)
    first_s, finish = tried.result[0].first_s, finishes[0]
    if cell.ask.streams == 1 and first_s is not None and not finish.usage.cached_tokens:
        firsts = bench.first_token_busy_s if tried.disturbance else bench.first_token_s
        firsts.append(first_s - finish.timings.prefill_s)
        name = cell.subject.shape, cell.subject.format, cell.threads
        samples.append(Sample("first", *name, finish.usage.prompt_tokens, 0, first_s))
    bench.samples += [replace(one, disturbance=tried.disturbance) for one in samples]


async def visit_cold(bench: Bench, subject: TimedModel, path: Path) -> None:
    """Load `subject` from the disk and let it go."""
    await asyncio.to_thread(forget, path)
    async with _loaded(bench, subject, path, (Ask(16, 1),), kind="cold"):
        pass


def forget(path: Path) -> None:
    """Let the system drop the file's pages from memory, where it can."""
    if not hasattr(os, "posix_fadvise"):
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


@asynccontextmanager
async def _loaded(
    bench: Bench, subject: TimedModel, path: Path, asks: tuple[Ask, ...], kind: str = "load"
) -> AsyncIterator[Worker]:
    facts = read_facts(path)
    threads = subject.threads or bench.threads
    context = max(ask.prompt + ask.answer for ask in asks) + 64
    streams = asks[0].streams
    plan = Plan(LocalModel(ModelRef("calibration"), path, facts), ENGINE, context, streams, threads)
    worker = Worker(plan, find_engine(ENGINE), directory=bench.directory, clock=bench.clock)
    await bench.calm()
    before = others.read(None)
    cold = await worker.start()
    try:
        disturbance = bench.judge(before, worker.statistics().pid)
        if streams == 1:
            name = subject.shape, subject.format, threads
            bench.samples.append(Sample(kind, *name, 0, 0, cold.total_s, disturbance))
        yield worker
    finally:
        await worker.stop(drain_s=0)


async def _answers(bench: Bench, worker: Worker, ask: Ask) -> list[Answer]:
    asked = [_answer(bench, worker, ask) for _ in range(ask.streams)]
    return list(await asyncio.gather(*asked))


async def _answer(bench: Bench, worker: Worker, ask: Ask) -> Answer:
    request = Request(
        id="calibration",
        model=worker.plan.model.ref,
        kind=Kind.COMPLETION,
        inputs=(bench.prompt(ask.prompt),),
        sampling=Sampling(temperature=0.0, max_tokens=ask.answer),
    )
    begun, first = bench.clock.now(), list[float]()
    async with worker.open(request) as stream:
        whole = await assemble(stream, on_text=lambda: first.append(bench.clock.now() - begun))
    return Answer(whole.finish, first[0] if first else None)


def samples_of(subject: TimedModel, threads: int, ask: Ask, finishes: list[Finish]) -> list[Sample]:
    """What the engine's figures say of one `ask`; nothing of an answer that ended early.

    The engine's clock of an answer starts at its first token, so the steps are one less than the
    tokens.
    """
    name = subject.shape, subject.format, threads
    steps = [
        one.timings.decode_s / (one.usage.completion_tokens - 1)
        for one in finishes
        if one.usage.completion_tokens == ask.answer > 1
    ]
    if len(steps) < ask.streams:
        return []
    past = ask.prompt + ask.answer // 2
    if ask.streams > 1:
        return [Sample("streams", *name, ask.streams, past, statistics.median(steps))]
    found = [Sample("decode", *name, 1, past, steps[0])]
    usage, timings = finishes[0].usage, finishes[0].timings
    if usage.cached_tokens == 0:
        found.append(Sample("prefill", *name, usage.prompt_tokens, 0, timings.prefill_s))
    return found
