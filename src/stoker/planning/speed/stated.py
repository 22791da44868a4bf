"""Seconds on machines that nobody calibrated: from makers' figures and published speeds.

Pure. Of a device its maker states how fast it reads memory and, at times, how fast it multiplies.
What published speeds took longer than that is fitted for each backend: a share of the reading for
each family of formats, a constant for each step, and of a processor the unpacking by each thread.
The errors are those of each device left out in turn, so they are of devices that the fit has not
seen.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stoker.core.calibration import Fit
from stoker.core.speed import SpeedSource
from stoker.core.weights import Use
from stoker.planning.speed.formats import family_of
from stoker.planning.speed.least_squares import solve
from stoker.planning.speed.prices import Prices
from stoker.planning.speed.spread import Estimate, together
from stoker.planning.speed.terms import Terms
from stoker.planning.speed.work import Work

PROCESSOR = "cpu"
_ALL = (Use.BODY, Use.EXPERT, Use.OUTPUT)
# A step of several answers on a device that was not measured with them.
_STREAMS_WIDTH = math.log(1.3)


@dataclass(frozen=True, slots=True)
class Device:
    """What runs a model: reading in bytes a second, products in operations a second if stated.

    `backend` is `cpu` or the GPU's; `threads` is a processor's cores that take part.
    """

    backend: str
    bandwidth_bytes_s: float
    ops_s: float | None = None
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Told:
    """One published speed: what one token took on `device`, which its source calls `name`.

    `prompt` tells prefill from decode; `past` is how far a token looked back on average.
    """

    name: str
    device: Device
    work: Work
    prompt: bool
    past: float
    token_s: float


@dataclass(frozen=True, slots=True)
class Shares:
    """What a backend was fitted to take beyond its makers' figures."""

    decode: Fit
    prefill: Fit


def fit_shares(told: Iterable[Told], backend: str) -> Shares:
    """The shares of `backend`, from all that is `told` of its devices."""
    rows = [one for one in told if one.device.backend == backend]
    decode = [one for one in rows if not one.prompt]
    prefill = [one for one in rows if one.prompt and (backend == PROCESSOR or one.device.ops_s)]
    return Shares(_fit(decode), _fit(prefill))


def errors_left_out(told: Sequence[Told]) -> tuple[tuple[Told, float], ...]:
    """Each figure with the seconds that the other devices of its backend make of it, if any."""
    found = []
    for one in told:
        others = [other for other in told if other.name != one.name]
        shares = fit_shares(others, one.device.backend)
        guess = _token(one, shares.prefill if one.prompt else shares.decode)
        if guess is not None:
            found.append((one, guess.middle))
    return tuple(found)


def _fit(rows: Sequence[Told]) -> Fit:
    errors = []
    for one in rows:
        others = Fit(_solved([other for other in rows if other.name != one.name]))
        guess = _token(one, others)
        if guess is not None:
            errors.append(math.log(one.token_s / guess.middle))
    return Fit(_solved(rows), tuple(errors))


def _solved(rows: Sequence[Told]) -> tuple[tuple[str, float], ...]:
    """Prices of the terms; a constant only where devices differ enough to tell it from a share."""
    several = len({one.device.bandwidth_bytes_s for one in rows}) > 1
    terms = [_terms(one, step=several) for one in rows]
    scaled = [
        {name: units / one.token_s for name, units in row.items()}
        for one, row in zip(rows, terms, strict=True)
    ]
    wanted = [1.0 - _ideal(one) / one.token_s for one in rows]
    return tuple(sorted(solve(scaled, wanted).items()))


def _token(one: Told, fit: Fit) -> Estimate | None:
    return _priced(_terms(one, step=True), _ideal(one), fit)


def _terms(one: Told, *, step: bool) -> Terms:
    if one.prompt:
        return _prompt_terms(one.device, one.work, one.past)
    return _step_terms(one.device, one.work) | ({"step": 1.0} if step else {})


def _ideal(one: Told) -> float:
    """The seconds that a token's reading takes at the maker's figure; of a prompt nothing."""
    return 0.0 if one.prompt else _reading_s(one.device, one.work, one.past)


def _priced(terms: Terms, ideal_s: float, fit: Fit) -> Estimate | None:
    more = Prices(fit).total(terms)
    return None if more is None else Estimate(ideal_s + more.middle, more.width)


def _reading_s(device: Device, work: Work, past: float, streams: int = 1) -> float:
    """Reading the weights once, and each answer's cache, at the maker's figure."""
    weights = sum(
        one.size_bytes * work.share(one.use, streams) for one in work.uses if one.use in _ALL
    )
    return (weights + streams * work.kept_bytes(past)) / device.bandwidth_bytes_s


def _step_terms(device: Device, work: Work) -> Terms:
    sums: Counter[str] = Counter()
    for one in work.uses:
        if one.use in _ALL:
            family, share = family_of(one.format), work.share(one.use)
            if device.backend == PROCESSOR:
                sums[f"unpack:{family}"] += one.elements * share / device.threads  # type: ignore[assignment]
            else:
                seconds = one.size_bytes * share / device.bandwidth_bytes_s
                sums[f"extra:{family}"] += seconds  # type: ignore[assignment]
    terms = {name: float(units) for name, units in sums.items()}
    if device.backend == PROCESSOR:
        terms["reading"] = _reading_s(device, work, 0.0)
    return terms


def _prompt_terms(device: Device, work: Work, past: float) -> Terms:
    """One token of a prompt, each of whose tokens looks back on `past` on average."""
    sums: Counter[str] = Counter()
    for one in work.uses:
        if one.use in (Use.BODY, Use.EXPERT):
            sums[family_of(one.format)] += one.elements * work.share(one.use)  # type: ignore[assignment]
    if device.backend == PROCESSOR:
        return {f"multiply:{name}": count / device.threads for name, count in sums.items()}
    products = sum(sums.values()) + work.products(lambda look: look.back(past))
    return {"ops": 2 * products / device.ops_s} if device.ops_s else {}


@dataclass(frozen=True, slots=True)
class Stated:
    """A machine by its maker's figures, and what its backend was fitted to take beyond them."""

    device: Device
    shares: Shares

    @property
    def source(self) -> SpeedSource:
        """Published figures."""
        return SpeedSource.PUBLISHED

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """One decode step: the weights read once, each answer's cache, and its products."""
        terms = _step_terms(self.device, work) | {"step": 1.0}
        ideal = _reading_s(self.device, work, past, streams)
        alone = _priced(terms, ideal, self.shares.decode)
        if alone is None or streams <= 1:
            return alone
        token = self._token(work, past)
        if token is None:
            return None
        seconds = alone.middle + (streams - 1) * token.middle
        return Estimate(seconds, together(alone.width, token.width, _STREAMS_WIDTH))

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """A prompt, and the step that gives the first token."""
        token, first = self._token(work, past + tokens / 2), self.step(work, 1, past + tokens)
        if token is None or first is None:
            return None
        return Estimate(tokens * token.middle + first.middle, together(token.width, first.width))

    def load(self, work: Work, *, cold: bool) -> Estimate | None:  # noqa: ARG002 - as `Basis`
        """Unknown: nobody publishes it."""
        return None

    def notes(self, work: Work) -> tuple[str, ...]:  # noqa: ARG002 - as `Basis`
        """What was left out."""
        said = ("from the maker's figures and published speeds; load times are unknown",)
        if self.device.backend != PROCESSOR and self.device.ops_s is None:
            return (*said, "how fast this device multiplies is not known: no figure for prompts")
        return said

    def _token(self, work: Work, past: float) -> Estimate | None:
        """What multiplying one more token takes."""
        terms = _prompt_terms(self.device, work, past)
        return _priced(terms, 0.0, self.shares.prefill) if terms else None
