"""Seconds on machines that nobody calibrated: from makers' figures and published speeds.

Pure. Of a device its maker states how fast it reads memory and, at times, how fast it multiplies.
What published speeds took longer than that is fitted for each backend: a share of the reading for
each family of formats, of a GPU a constant for each layer, of a processor the unpacking by each
thread (what its layers take besides is in `floors`). The errors are those of each device left out
in turn, so they are of devices that the fit has not seen. A backend of which nobody published
speeds borrows another's, wider.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stoker.core.calibration import Fit
from stoker.core.speed import SpeedSource
from stoker.core.weights import Use
from stoker.planning.speed.floors import step_floor_s, token_floor_s
from stoker.planning.speed.formats import format_family
from stoker.planning.speed.least_squares import solve
from stoker.planning.speed.prices import Prices
from stoker.planning.speed.rough import several
from stoker.planning.speed.spread import Estimate, together, width_of
from stoker.planning.speed.terms import Terms
from stoker.planning.speed.work import Work

PROCESSOR = "cpu"
_LAYERS = "layers"
# GPUs write the weights of a step in half precision before they multiply them with so many tokens.
_PLAIN, _PLAIN_BYTES, _TOGETHER = frozenset({"f32", "f16", "bf16"}), 2, 512
# A head's score of one token that it looks back on.
_SCORE_BYTES = 4
_ALL = (Use.BODY, Use.EXPERT, Use.OUTPUT)
# A step of several answers on a device that was not measured with them.
_STREAMS_WIDTH = math.log(1.3)
# Beyond reading, formats of one backend take up to three times as much as each other (Metal's F16
# and Q4_K); two or three published ones are too few to tell it from.
_BORROWED_WIDTH_MOST = math.log(3.0)
# What another backend's shares add: CUDA's are off by a factor of 1.7 for Metal's published decode
# and Metal's by 1.5 for CUDA's in eight of ten, where each is off by 1.3 to 1.4 for its own.
_LENT_WIDTH = math.log(1.6)


@dataclass(frozen=True, slots=True)
class RatedDevice:
    """What runs a model, as its maker rates it: bytes read a second, operations a second if stated.

    `backend` is `cpu` or the GPU's; `threads` is a processor's cores that take part. `is_measured`
    says that reading is no maker's figure.
    """

    backend: str
    bandwidth_bytes_s: float
    ops_s: float | None = None
    threads: int = 1
    is_measured: bool = False


@dataclass(frozen=True, slots=True)
class PublishedPoint:
    """One published speed: the seconds that one token took on `device`.

    Its source calls the device `name`. `prompt` tells prefill from decode; `past` is how many
    tokens one attended to on average.
    """

    name: str
    device: RatedDevice
    work: Work
    prompt: bool
    past: float
    token_s: float


@dataclass(frozen=True, slots=True)
class Shares:
    """What a backend was fitted to take beyond its makers' figures; of which `lender`, if lent."""

    decode: Fit
    prefill: Fit
    lender: str = ""


def fit_shares(points: Iterable[PublishedPoint], backend: str) -> Shares:
    """The shares of `backend`, from all that was published of its devices."""
    rows = [one for one in points if one.device.backend == backend]
    decode = [one for one in rows if not one.prompt]
    prefill = [one for one in rows if one.prompt and (backend == PROCESSOR or one.device.ops_s)]
    return Shares(_fit(decode), _fit(prefill))


def errors_left_out(points: Sequence[PublishedPoint]) -> tuple[tuple[PublishedPoint, float], ...]:
    """Each figure with the seconds that the other devices of its backend make of it, if any."""
    found = []
    for one in points:
        others = [other for other in points if other.name != one.name]
        shares = fit_shares(others, one.device.backend)
        guess = _token(one, shares.prefill if one.prompt else shares.decode)
        if guess is not None:
            found.append((one, guess.middle))
    return tuple(found)


def _fit(rows: Sequence[PublishedPoint]) -> Fit:
    """The fit of `rows`. Errors are of those alone whose formats other devices tell of.

    What borrowing a format's price errs by is for `Prices`.
    """
    errors = []
    for one in rows:
        others = Fit(_solved([other for other in rows if other.name != one.name]))
        guess, lent = _token(one, others), Prices(others).lent(_terms(one))
        if guess is not None and not lent:
            errors.append(math.log(one.token_s / guess.middle))
    return Fit(_solved(rows), tuple(errors))


def _solved(rows: Sequence[PublishedPoint]) -> tuple[tuple[str, float], ...]:
    """Prices of the terms; of layers only where devices differ enough to tell them from a share."""
    left_out = set() if len({one.device.bandwidth_bytes_s for one in rows}) > 1 else {_LAYERS}
    scaled = [
        {name: units / one.token_s for name, units in _terms(one).items() if name not in left_out}
        for one in rows
    ]
    wanted = [1.0 - _ideal(one) / one.token_s for one in rows]
    return tuple(sorted(solve(scaled, wanted).items()))


def _token(one: PublishedPoint, fit: Fit) -> Estimate | None:
    return _priced(_terms(one), _ideal(one), fit)


def _terms(one: PublishedPoint) -> Terms:
    if one.prompt:
        return _prompt_terms(one.device, one.work, one.past)
    return _step_terms(one.device, one.work, one.past)


def _ideal(one: PublishedPoint) -> float:
    """The seconds of a token that need no fit."""
    if one.prompt:
        return _token_ideal_s(one.device, one.work, one.past)
    return _step_ideal_s(one.device, one.work, one.past)


def _priced(terms: Terms, ideal_s: float, fit: Fit) -> Estimate | None:
    """The fit errs by its share of the whole; what is borrowed errs by that of its own part.

    None where nothing is to be done: a header may state a model of no work.
    """
    more = Prices(fit).total(terms)
    if more is None:
        return None
    whole, own = ideal_s + more.middle, width_of(fit.log_errors)
    if whole <= 0:
        return None
    borrowed = min(math.sqrt(max(more.width**2 - own**2, 0.0)), _BORROWED_WIDTH_MOST)
    return Estimate(whole, together(own, borrowed * more.middle / whole))


def _step_ideal_s(device: RatedDevice, work: Work, past: float, streams: int = 1) -> float:
    """Reading weights and caches at the maker's figure; a processor's floor besides."""
    reading = work.read_bytes(past, streams) / device.bandwidth_bytes_s
    if device.backend != PROCESSOR:
        return reading
    return reading + step_floor_s(work, past, device.threads, streams)


def _token_ideal_s(device: RatedDevice, work: Work, past: float) -> float:
    """A processor's floor; what a GPU takes is its products."""
    return token_floor_s(work, past, device.threads) if device.backend == PROCESSOR else 0.0


def _step_terms(device: RatedDevice, work: Work, past: float) -> Terms:
    sums: Counter[str] = Counter()
    for one in work.uses:
        if one.use in _ALL:
            family, share = format_family(one.format), work.share(one.use)
            if device.backend == PROCESSOR:
                sums[f"unpack:{family}"] += one.elements * share / device.threads  # type: ignore[assignment]
            else:
                seconds = one.size_bytes * share / device.bandwidth_bytes_s
                sums[f"extra:{family}"] += seconds  # type: ignore[assignment]
    terms = {name: float(units) for name, units in sums.items()}
    if device.backend == PROCESSOR:
        terms["reading"] = work.read_bytes(0.0) / device.bandwidth_bytes_s
    else:
        terms[_LAYERS] = float(work.layers)
        terms["cache"] = work.kv_bytes(past) / device.bandwidth_bytes_s
    return terms


def _prompt_terms(device: RatedDevice, work: Work, past: float) -> Terms:
    """One token of a prompt, each of whose tokens attends to `past` on average."""
    sums: Counter[str] = Counter()
    for one in work.uses:
        if one.use in (Use.BODY, Use.EXPERT):
            sums[format_family(one.format)] += one.elements * work.share(one.use)  # type: ignore[assignment]
    if device.backend == PROCESSOR:
        return {f"multiply:{name}": count / device.threads for name, count in sums.items()}
    if not device.ops_s:
        return {}
    weights = sum(sums.values())
    packed = sum(count for name, count in sums.items() if name not in _PLAIN)
    scores = work.heads(lambda layer: layer.attended(past))
    return {
        "ops": 2 * weights / device.ops_s,
        "attention": 2 * work.products(lambda layer: layer.attended(past)) / device.ops_s,
        "scores": scores * _SCORE_BYTES / device.bandwidth_bytes_s,
        "unpacked": packed * _PLAIN_BYTES / (_TOGETHER * device.bandwidth_bytes_s),
        "weights": float(weights),
    }


@dataclass(frozen=True, slots=True)
class Published:
    """A machine by its maker's figures, and what its backend was fitted to take beyond them."""

    device: RatedDevice
    shares: Shares

    @property
    def source(self) -> SpeedSource:
        """Published figures."""
        return SpeedSource.PUBLISHED

    def step(self, work: Work, streams: int, past: float) -> Estimate | None:
        """One decode step: the weights read once, each answer's cache, and its products."""
        terms = _step_terms(self.device, work, past)
        ideal = _step_ideal_s(self.device, work, past, streams)
        alone = self._lent(_priced(terms, ideal, self.shares.decode))
        if alone is None or streams <= 1:
            return alone
        token = self._token(work, past)
        if token is None:
            return several(alone, streams)
        seconds = alone.middle + (streams - 1) * token.middle
        return Estimate(seconds, together(alone.width, token.width, _STREAMS_WIDTH))

    def prompt(self, work: Work, tokens: int, past: int = 0) -> Estimate | None:
        """A prompt, and the step that gives the first token."""
        token = self._token(work, work.attended_mean(tokens, past))
        first = self.step(work, 1, past + tokens)
        if token is None or first is None:
            return None
        return Estimate(tokens * token.middle + first.middle, together(token.width, first.width))

    @property
    def first_token_s(self) -> float:
        """Nobody publishes it; it is small beside the rest."""
        return 0.0

    def load(self, work: Work, *, cold: bool) -> Estimate | None:  # noqa: ARG002 - as `Basis`
        """Unknown: nobody publishes it."""
        return None

    def notes(self, work: Work) -> tuple[str, ...]:  # noqa: ARG002 - as `Basis`
        """What was lent and left out."""
        said = []
        if self.device.is_measured:
            said.append("how fast memory is read was measured here, in place of a maker's figure")
        if self.shares.lender:
            backend, lender = self.device.backend, self.shares.lender
            said.append(f"nobody published speeds of {backend}: overheads of {lender}, so wider")
        if self.device.backend != PROCESSOR and self.device.ops_s is None:
            said.append("how fast this device multiplies is not known, so prompts are not either")
        return tuple(said)

    def _lent(self, estimate: Estimate | None) -> Estimate | None:
        if estimate is None or not self.shares.lender:
            return estimate
        return Estimate(estimate.middle, together(estimate.width, _LENT_WIDTH))

    def _token(self, work: Work, past: float) -> Estimate | None:
        """What multiplying one more token takes."""
        terms = _prompt_terms(self.device, work, past)
        ideal = _token_ideal_s(self.device, work, past)
        return self._lent(_priced(terms, ideal, self.shares.prefill)) if terms else None
