"""What a machine's own meters saw of its power: never all of it, and said so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Power:
    """Watts while nothing ran and while models were at work; None where no meter told them.

    `scope` says what the meters see, such as `processor package and memory`. Screens, disks, fans
    and what a power supply loses are in none of them, so the figures are lower bounds of what the
    machine draws at the wall. `idle_s` and `load_s` are how long was measured. `missing` says why
    there are no figures.

    Raises:
        ValueError: one of the two figures is missing, or load draws less than idle.
    """

    watts_idle: float | None = None
    watts_load: float | None = None
    scope: str = ""
    idle_s: float = 0.0
    load_s: float = 0.0
    missing: str = ""

    def __post_init__(self) -> None:
        if (self.watts_idle is None) != (self.watts_load is None):
            raise ValueError("one of two figures of power is missing")
        if (self.watts_load or 0.0) < (self.watts_idle or 0.0):
            raise ValueError("watts_load is below watts_idle")

    @property
    def is_known(self) -> bool:
        """Whether there are figures."""
        return self.watts_load is not None
