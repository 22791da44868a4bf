"""When a calibration reads the power meters: a moment of quiet before it, and during its timings.

Owns what counts: a span in which other programs were busy is as worthless as its timing. What
meters there are and what their counts mean is `machine`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stoker.calibrating import others
from stoker.core.clock import Clock
from stoker.core.power import Power
from stoker.machine.power.counting import Reading, Span, power_of, span_between
from stoker.machine.power.meters import ReadMeters

# The quiet in parts, so that a short disturbance costs one of them; 2 s in all.
QUIET_PARTS, QUIET_PART_S = 4, 0.5
LOAD_S_MIN = 1.0
_REASON_MAX = 400


@dataclass(slots=True)
class Gauge:
    """The meters' spans of one calibration; without meters it does nothing and takes no time."""

    read: ReadMeters
    idle: list[Span] = field(default_factory=list)
    load: list[Span] = field(default_factory=list)
    unread: tuple[str, ...] = ()
    _metered: bool = False

    async def rest(self, clock: Clock) -> None:
        """Read what the machine draws while nothing of ours runs. Comes before all timings."""
        first = self.read()
        self._metered, self.unread = bool(first.counts), first.unread
        for _ in range(QUIET_PARTS if self._metered else 0):
            busy, before = others.read(None), self.read()
            await clock.sleep(QUIET_PART_S)
            after = self.read()
            if not others.were_busy(busy, others.read(None)):
                self._keep(self.idle, before, after)

    def now(self) -> Reading | None:
        """What the meters show; None without any."""
        return self.read() if self._metered else None

    def worked(self, before: Reading | None, after: Reading | None) -> None:
        """Between the two, models were at work with all threads and nothing else was."""
        if before is not None and after is not None:
            self._keep(self.load, before, after)

    def power(self) -> Power:
        """What all of it says of the machine's power."""
        if not self._metered:
            return Power(missing="; ".join(self.unread)[:_REASON_MAX])
        if not self.idle:
            return Power(missing="other programs were busy when the machine should have been idle")
        if sum(span.seconds for span in self.load) < LOAD_S_MIN:
            return Power(missing="too little was timed while other programs were at rest")
        return power_of(self.idle, self.load)

    @staticmethod
    def _keep(spans: list[Span], before: Reading, after: Reading) -> None:
        span = span_between(before, after)
        if span is not None:
            spans.append(span)
