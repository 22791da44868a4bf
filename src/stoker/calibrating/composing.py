"""All fits of one calibration, from its samples, with the conditions they were taken under."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from stoker.calibrating.fitting import MICRO_BATCH, fit, observations_of, work_for
from stoker.calibrating.sampling import Sample
from stoker.core.calibration import Calibration, Fit, Observation, ThreadRatio
from stoker.core.errors import CalibrationError
from stoker.planning.speed.calibrated import Calibrated
from stoker.planning.speed.prices import Prices
from stoker.planning.speed.terms import (
    EACH,
    Terms,
    cold_terms,
    decode_terms,
    load_terms,
    prompt_terms,
    streams_terms,
)

# Fewer shapes and formats than this say nothing about others.
CELLS_MIN = 6


@dataclass(frozen=True, slots=True)
class Conditions:
    """Where, with what and how a calibration was taken; see `core.calibration.Calibration`."""

    machine: str
    engine: str
    engine_version: str
    threads: int
    taken_unix_s: int
    quick: bool
    more: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Timed:
    """What was timed.

    `first_token_s` are seconds from the engine's first token to ours; `count` timings were taken,
    of which `rejected` were disturbed.
    """

    samples: Sequence[Sample]
    first_token_s: Sequence[float] = ()
    count: int = 0
    rejected: int = 0


def compose(taken: Timed, conditions: Conditions) -> Calibration:
    """The calibration that was `taken`.

    Raises:
        CalibrationError: too little was timed, disturbed or not.
    """
    seen = observations_of(taken.samples)
    own = [one for one in seen if one.threads == conditions.threads]
    decode, decoded = _fitted(own, "decode", lambda one: decode_terms(work_for(one), one.past))
    prefill, read = _fitted(own, "prefill", _prompts(Prices(decode)))
    if min(len(decode.log_errors), len(prefill.log_errors)) < CELLS_MIN:
        raise CalibrationError(
            f"Only {len(decoded)} steps and {len(read)} prompts could be timed before time was over"
        )
    streams, streamed = _fit_streams([one for one in own if one.kind == "streams"], Prices(decode))
    load, loaded = _fitted(seen, "load", lambda one: load_terms(work_for(one)))
    warm = {(one.shape, one.format): one.seconds for one in seen if one.kind == "load"}
    colder = [one for one in seen if one.kind == "cold" and (one.shape, one.format) in warm]
    cold, forgotten = fit(
        colder,
        lambda one: cold_terms(work_for(one)),
        lambda one: warm[one.shape, one.format],
    )
    whole = Calibration(
        machine=conditions.machine,
        engine=conditions.engine,
        engine_version=conditions.engine_version,
        threads=conditions.threads,
        taken_unix_s=conditions.taken_unix_s,
        decode=decode,
        prefill=prefill,
        streams=streams,
        load=load,
        cold=cold,
        first_token_s=max(statistics.median(taken.first_token_s or [0.0]), 0.0),
        conditions=conditions.more,
        observations=(*decoded, *read, *streamed, *loaded, *forgotten),
        taken=taken.count,
        rejected=taken.rejected,
        quick=conditions.quick,
    )
    return _with_threads(whole, [one for one in seen if one.threads != conditions.threads])


def _fitted(
    seen: Sequence[Observation], kind: str, terms_of: Callable[[Observation], Terms]
) -> tuple[Fit, tuple[Observation, ...]]:
    return fit([one for one in seen if one.kind == kind], terms_of)


def _prompts(decode: Prices) -> Callable[[Observation], Terms]:
    return lambda one: prompt_terms(work_for(one), one.tokens, MICRO_BATCH, decode.seconds)


def _fit_streams(
    seen: Sequence[Observation], decode: Prices
) -> tuple[Fit, tuple[Observation, ...]]:
    """Steps of several answers; what each of them adds by itself is taken as it is alone."""

    def terms_of(one: Observation) -> Terms:
        return streams_terms(work_for(one), one.tokens, one.past, decode.seconds)

    def without(terms: Terms) -> Terms:
        return {name: units for name, units in terms.items() if name != EACH}

    found, fitted = fit(seen, lambda one: without(terms_of(one)), lambda one: terms_of(one)[EACH])
    return replace(found, terms=(*found.terms, (EACH, 1.0))) if seen else found, fitted


def _with_threads(whole: Calibration, others: Sequence[Observation]) -> Calibration:
    """`whole` with how much longer other numbers of threads take, and what that is seen from."""
    plain = Calibrated(whole, whole.threads, MICRO_BATCH)
    fitted: list[Observation] = []
    for one in others:
        work = work_for(one)
        if one.kind == "decode":
            guess = plain.step(work, 1, one.past)
        else:
            guess = plain.prompt(work, one.tokens) if one.kind == "prefill" else None
        if guess is not None:
            fitted.append(replace(one, fitted_s=guess.middle))
    ratios = tuple(
        ThreadRatio(threads, _ratio(fitted, threads, "decode"), _ratio(fitted, threads, "prefill"))
        for threads in sorted({one.threads for one in fitted})
    )
    seen = (*whole.observations, *fitted)
    disturbed = sum(one.disturbed for one in seen)
    return replace(whole, thread_ratios=ratios, observations=seen, disturbed=disturbed)


def _ratio(fitted: Sequence[Observation], threads: int, kind: str) -> float:
    ratios = [
        one.seconds / one.fitted_s
        for one in fitted
        if one.threads == threads and one.kind == kind and one.fitted_s
    ]
    return statistics.median(ratios) if ratios else 1.0
