"""What a starting child has told so far, and when: the source of a cold start's parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from stoker.core.clock import Clock
from stoker.core.request import ColdStart
from stoker.engines.base import ChildReport, Engine
from stoker.workers.policy import CageReport


class Reports:
    """Takes the child's lines; `on_report` hears of each report that the engine understands."""

    def __init__(
        self, engine: Engine, clock: Clock, on_report: Callable[[ChildReport], None]
    ) -> None:
        self.cage: CageReport | None = None
        self.listening = asyncio.Event()
        self._engine = engine
        self._clock = clock
        self._on_report = on_report
        self._begun = clock.now()
        self._reached: dict[str, float] = {}

    def take(self, line: str) -> None:
        """Read one line of the child's standard output."""
        if self.cage is None and (cage := CageReport.from_line(line)) is not None:
            self.cage = cage
        elif (report := self._engine.read_report(line)) is not None:
            self._reached.setdefault(report.stage, self._clock.now())
            self._on_report(report)
            if report.stage == "listening":
                self.listening.set()

    def cold_start(self) -> ColdStart:
        """The parts of a start that has just given its first answer."""
        started = self._reached.get("started", self._begun)
        imported = self._reached.get("imported", started)
        listening = self._reached.get("listening", imported)
        return ColdStart(
            spawn_s=started - self._begun,
            import_s=imported - started,
            load_s=listening - imported,
            warmup_s=self._clock.now() - listening,
        )
