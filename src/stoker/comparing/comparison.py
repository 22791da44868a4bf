"""A whole comparison: its phases in their order, and what they find, kept as it is found.

Making the smaller files, scoring the text, the speeds, the tasks. Owns that one candidate's failure
stops no other, that everything it starts or writes but its figures is gone at the end, and that
`report` is true at any moment, so that a comparison that is cut short loses nothing: what was found
until then is kept for plans and advice. Each phase's work is another module's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol

import stoker
from stoker.comparing import making, scoring, speed
from stoker.comparing.answering import Examination
from stoker.comparing.forcing import ForcedText, forced
from stoker.comparing.keeping import Keeper
from stoker.comparing.memory import PLANNED, PredictMemory
from stoker.comparing.order import Order, begin, conclude
from stoker.comparing.passages import Rendered, render_all
from stoker.comparing.plan import Candidate
from stoker.comparing.report import Failure, Report, Row
from stoker.comparing.runtime import MakeRuntime, Runtime, make_runtime
from stoker.comparing.scratch import check_room, scratch, sweep
from stoker.core.clock import Clock, SystemClock
from stoker.core.comparison import KeptComparison
from stoker.core.errors import StokerError, TextTooShortError
from stoker.core.machine import Machine
from stoker.engines.llamacpp.logits import Passage
from stoker.machine.facts import read_machine
from stoker.models.storing.store import Store
from stoker.state.home import Home

MAKING, TEXT, SPEED, TASKS = "making", "text", "speed", "tasks"


@dataclass(frozen=True, slots=True)
class Step:
    """How far a comparison has come: `share` of `phase` for the candidate `name`, 0 to 1."""

    phase: str
    name: str
    share: float


class ForceText(Protocol):
    """Reads a text with a model in a child; see `forcing.forced`."""

    def __call__(
        self,
        path: Path,
        text: str | Sequence[Passage],
        *,
        threads: int,
        tokens_max: int,
        directory: Path,
    ) -> AbstractAsyncContextManager[ForcedText]:
        """The reading."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What a comparison does things with; a test hands others in."""

    make_runtime: MakeRuntime = make_runtime
    force_text: ForceText = forced
    predict_memory: PredictMemory = PLANNED
    read_machine: Callable[[], Machine] = read_machine
    clock: Clock = field(default_factory=SystemClock)


class Comparison:
    """One comparison; `run` once. `report` and `errors` grow while it runs.

    `kept` is what was kept of it at its end, None where nothing was worth it or it could not be.
    """

    def __init__(
        self,
        order: Order,
        home: Home,
        *,
        ports: Ports | None = None,
        on_step: Callable[[Step], None] = lambda _: None,
    ) -> None:
        self._order = order
        self._home = home
        self._ports = ports or Ports()
        self._on_step = on_step
        self._files = {one.name: one.model.path for one in order.candidates.all if not one.make}
        self._rendered: dict[Path, Rendered] = {}
        self._keeper = Keeper(home)
        self.kept: KeptComparison | None = None
        self.errors: list[StokerError] = []
        self.report: Report = begin(
            order,
            self._ports.read_machine(),
            predicted_by=self._ports.predict_memory.words,
            stoker=stoker.__version__,
            date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        )

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What is compared, the base first."""
        return self._order.candidates.all

    async def run(self) -> None:
        """Measure everything; cancelling leaves in `report` what was measured.

        Raises:
            DiskFullError: the files that would be made do not fit; nothing was measured.
            TextTooShortError: the running text is too short to score.
            HomeError: the home cannot be written.
        """
        self._home.prepare()
        sweep(self._home.scratch)
        try:
            with self._models_kept(), scratch(self._home.scratch) as folder:
                await self._timed(MAKING, self._make_files(folder))
                await self._timed(TEXT, self._score_text(folder))
                await self._timed(SPEED, self._measure_speeds())
                await self._timed(TASKS, self._answer_tasks())
            self.report.partial = False
        finally:
            conclude(self.report)
            self.kept = self._keeper.keep(self._order, self.report)

    # --- the phases -------------------------------------------------------------------------

    async def _make_files(self, folder: Path) -> None:
        made = [one for one in self.candidates if one.make]
        sizes = [making.predicted_bytes(one.model.path, one.make or "") for one in made]
        check_room(folder, sum(sizes) + self._logits_bytes())
        for candidate in made:
            await self._attempt(candidate, MAKING, self._make_file(candidate, folder))
        for candidate in self._alive():
            await self._attempt(candidate, MAKING, self._note_file(candidate))

    async def _make_file(self, candidate: Candidate, folder: Path) -> None:
        out = folder / f"{candidate.model.ref.name}-{candidate.name}.gguf"
        source, kind = candidate.model.path, candidate.make or ""
        await making.make_file(source, out, kind, self._share(MAKING, candidate))
        self._files[candidate.name] = out

    async def _note_file(self, candidate: Candidate) -> None:
        row = self._row(candidate)
        facts = await self._keeper.note(candidate, self._files[candidate.name])
        row.file_bytes, row.bits_per_weight = facts.file_bytes, facts.bits_per_weight
        row.digest = facts.digest

    async def _score_text(self, folder: Path) -> None:
        if self._order.text is None:
            return
        base = scoring.BaseLogits(folder / "base.logits")
        for candidate in self._alive():
            try:
                await self._attempt(candidate, TEXT, self._score(candidate, base))
            except TextTooShortError as error:
                if self._order.text.text:  # it was given to be scored
                    raise
                self.report.notes.append(f"No text was scored: {error.message}.")
                return

    async def _score(self, candidate: Candidate, base: scoring.BaseLogits) -> None:
        text = await self._text_for(candidate)
        is_base = candidate is self._order.candidates.base
        tokens_max = scoring.tokens_max_for(candidate.model.facts.vocabulary)
        async with self._ports.force_text(
            self._files[candidate.name],
            text.text,
            threads=self.report.settings.threads,
            tokens_max=tokens_max,
            directory=self._home.workers,
        ) as reading:
            share = self._share(TEXT, candidate)
            self._row(candidate).text = await scoring.score(
                reading, base, share, is_base=is_base, categories=text.categories
            )

    async def _text_for(self, candidate: Candidate) -> Rendered:
        """Running text as it is; conversations in the model's own template, rendered once."""
        text = self._order.text
        if text is None or text.text:
            return Rendered(text.text if text else "")
        source, closed = candidate.model.path, candidate.model.facts.chat_template
        if source not in self._rendered:
            async with self._running(candidate, slots=1) as runtime:
                found = await render_all(text.conversations, runtime.render, closed=closed)
            self._rendered[source] = found
            if found.refused:
                self.report.notes.append(
                    f"The chat template of {candidate.name} refuses {found.refused} of the texts."
                )
        return self._rendered[source]

    async def _measure_speeds(self) -> None:
        probes: dict[str, list[speed.Probe]] = defaultdict(list)
        broken: set[str] = set()
        for number, candidate in speed.in_turns(self._alive(), self._order.rounds):
            if candidate.name in broken:
                continue
            self._share(SPEED, candidate)(number / self._order.rounds)
            if not await self._attempt(candidate, SPEED, self._probe(candidate, probes)):
                broken.add(candidate.name)

    async def _probe(self, candidate: Candidate, probes: dict[str, list[speed.Probe]]) -> None:
        row, mine = self._row(candidate), probes[candidate.name]
        async with self._running(candidate, slots=1) as runtime:
            row.context_tokens = runtime.plan.context
            self._keeper.ran(candidate, runtime.plan)
            row.memory_predicted_bytes = self._ports.predict_memory.bytes_of(runtime.plan)
            mine.append(await speed.probe_load(runtime, self._ports.clock))
            peak = runtime.statistics().memory_peak_bytes or 0
        row.memory_peak_bytes = max(peak, row.memory_peak_bytes or 0) or None
        row.prefill = speed.median_speed([one.prefill_tok_s for one in mine])
        row.decode = speed.median_speed([one.decode_tok_s for one in mine])

    async def _answer_tasks(self) -> None:
        for candidate in self._alive() if self._order.tasks else ():
            await self._attempt(candidate, TASKS, self._answer(candidate))

    async def _answer(self, candidate: Candidate) -> None:
        order = self._order
        async with self._running(candidate, slots=order.slots) as runtime:
            examination = Examination(
                runtime,
                order.tasks,
                slots=order.slots,
                tokens_max=order.tokens_max,
                clock=self._ports.clock,
                on_share=self._share(TASKS, candidate),
            )
            try:
                self._row(candidate).tasks = await examination.run()
            except BaseException:
                self._row(candidate).tasks_so_far = examination.so_far()
                raise

    # --- what they share --------------------------------------------------------------------

    @asynccontextmanager
    async def _running(self, candidate: Candidate, *, slots: int) -> AsyncIterator[Runtime]:
        """The candidate loaded; its process is gone at the end of the block."""
        make = partial(
            self._ports.make_runtime,
            self._files[candidate.name],
            threads=self.report.settings.threads,
        )
        runtime = make(context=self._order.context, slots=1)
        if slots > 1:
            context = self._order.tasks_context(runtime.plan.context)
            runtime = make(context=context, slots=slots)
        try:
            await runtime.load()
            yield runtime
        finally:
            await runtime.unload()

    async def _attempt(self, candidate: Candidate, phase: str, work: Awaitable[None]) -> bool:
        """Whether `work` was done; a failure is written down, and the others go on."""
        try:
            await work
        except TextTooShortError:  # it is so for every candidate
            raise
        except StokerError as error:
            self.errors.append(error)
            self._row(candidate).failures.append(Failure(phase, error.message))
            return False
        return True

    async def _timed(self, phase: str, work: Awaitable[None]) -> None:
        began = self._ports.clock.now()
        try:
            await work
        finally:
            self.report.seconds[phase] = round(self._ports.clock.now() - began, 2)

    @contextmanager
    def _models_kept(self) -> Iterator[None]:
        store = Store(self._home.models)
        with ExitStack() as stack:
            for path in {one.model.path for one in self.candidates}:
                stack.enter_context(store.hold_path(path))
            yield

    def _alive(self) -> list[Candidate]:
        return [one for one in self.candidates if one.name in self._files]

    def _row(self, candidate: Candidate) -> Row:
        return next(row for row in self.report.rows if row.name == candidate.name)

    def _share(self, phase: str, candidate: Candidate) -> Callable[[float], None]:
        return lambda share: self._on_step(Step(phase, candidate.name, share))

    def _logits_bytes(self) -> int:
        """The most that the base's logits can take."""
        text, vocabulary = self._order.text, self._order.candidates.base.model.facts.vocabulary
        most = text.scored_bytes if text else 0  # no token is shorter than a byte
        return min(most, scoring.tokens_max_for(vocabulary)) * 4 * vocabulary
