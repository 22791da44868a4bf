"""How fast an engine was measured to run on one machine, as a fit with its errors.

Owns the document's content. How it is fitted is for `calibrating`, how it is used for `planning`,
where it lies for `state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.core.power import Power

VERSION = 1


@dataclass(frozen=True, slots=True)
class Fit:
    """Seconds as a sum of terms: so many units of each, at so many seconds a unit.

    `log_errors` are the logarithms of measured over fitted seconds, where each was fitted without
    the shape it is about: what the fit errs by on models that it has not seen. `disturbed_width` is
    the logarithm of the factor by which timings that others disturbed make it less certain.
    """

    terms: tuple[tuple[str, float], ...] = ()
    log_errors: tuple[float, ...] = ()
    disturbed_width: float = 0.0

    @property
    def seconds_per_unit(self) -> dict[str, float]:
        """The terms by name."""
        return dict(self.terms)


@dataclass(frozen=True, slots=True)
class Observation:
    """What was measured of one synthetic model: the median of `samples` runs, in seconds.

    `kind` is `decode` (one step), `prefill` (a whole prompt), `streams` (one step of several
    answers), `load` or `cold`. `past` counts the tokens that are attended to; `tokens`
    those of the prompt or, of streams, how many there are. `spread` is the samples' largest
    distance from the median as a share. `fitted_s` is what the fit makes of it, without this shape.
    `disturbed` says that others never rested: then `seconds` are those of the least disturbed run.
    """

    kind: str
    shape: str
    format: str
    threads: int
    tokens: int
    past: int
    seconds: float
    samples: int
    spread: float
    fitted_s: float = 0.0
    disturbed: bool = False


@dataclass(frozen=True, slots=True)
class ThreadRatio:
    """How much longer small models take with `threads` than the fit says of them.

    The fit is about models beyond the processor's cache, and the calibration's number of threads.
    """

    threads: int
    decode: float
    prefill: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """One machine's speeds with one engine and one number of threads.

    `machine` and `conditions` say where and how it was taken. `rejected` counts timings that other
    programs disturbed, of `taken` in all; `disturbed` the observations that rest on such timings,
    because there are no others. A `Fit` without terms says
    that nothing was measured of its kind. `power` is what the machine drew meanwhile.
    """

    machine: str
    engine: str
    engine_version: str
    threads: int
    taken_unix_s: int
    decode: Fit
    prefill: Fit
    streams: Fit = field(default_factory=Fit)
    load: Fit = field(default_factory=Fit)
    cold: Fit = field(default_factory=Fit)
    first_token_s: float = 0.0
    thread_ratios: tuple[ThreadRatio, ...] = ()
    conditions: tuple[tuple[str, str], ...] = ()
    observations: tuple[Observation, ...] = ()
    taken: int = 0
    rejected: int = 0
    disturbed: int = 0
    quick: bool = False
    power: Power = field(default_factory=Power)
    version: int = VERSION

    def fits(self) -> Mapping[str, Fit]:
        """The fits by the kind of observation that they are about."""
        return {
            "decode": self.decode,
            "prefill": self.prefill,
            "streams": self.streams,
            "load": self.load,
            "cold": self.cold,
        }
