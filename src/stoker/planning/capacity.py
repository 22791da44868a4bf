"""Whether one machine can serve a volume in its busiest hour, within the latency wanted.

Pure. A machine that is busy for most of an hour lets people wait, so it counts as enough only
below a share that the judgement states; which share and which peak is said with the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping

from stoker.core.costs import Capacity, Enough, Latency, LocalCosts, Volume
from stoker.core.estimate import Interval
from stoker.core.judgement import Judgement
from stoker.core.needs import Needs
from stoker.core.proposal import Met
from stoker.core.units import format_seconds
from stoker.planning.words import number_span, percent_span, rate_span, seconds_span

_HOUR_S = 3600.0
_VERDICTS: Mapping[str | None, Enough] = {
    "yes": Enough.ENOUGH,
    "no": Enough.SHORT,
    "unclear": Enough.UNCLEAR,
    None: Enough.UNKNOWN,
}


def check_capacity(
    volume: Volume, busy_s: Interval | None, judgement: Judgement, running: LocalCosts
) -> Capacity:
    """Whether a machine that one request keeps busy for `busy_s` can serve `volume`.

    Requests come within the hours that the machine is running; the busiest of these has
    `peak_factor` times the average one's.
    """
    hours_per_day = running.hours_per_day
    if busy_s is None:
        return Capacity(
            Enough.UNKNOWN,
            None,
            None,
            f"{running.speed_unknown} are not known",
            (running.speed_unknown,),
        )
    peak = volume.requests_per_day / hours_per_day * judgement.peak_factor
    utilisation = busy_s.scaled(peak / _HOUR_S)
    room_s = _HOUR_S * hours_per_day * judgement.utilisation_most / judgement.peak_factor
    most = busy_s.inverse().scaled(room_s)
    return Capacity(
        _verdict(utilisation, judgement.utilisation_most),
        utilisation,
        most,
        _why(utilisation, most, judgement),
    )


def _verdict(utilisation: Interval, bound: float) -> Enough:
    if utilisation.p90 <= bound:
        return Enough.ENOUGH
    return Enough.SHORT if utilisation.p10 > bound else Enough.UNCLEAR


def _why(utilisation: Interval, most: Interval, judgement: Judgement) -> str:
    busy = f"it would be busy for {percent_span(utilisation)} of the busiest hour"
    if utilisation.p10 >= 2:  # twice as much as there is: hours say more than percentages
        busy = f"the work of the busiest hour would take it {number_span(utilisation)} hours"
    return (
        f"{busy} (assumed {judgement.peak_factor:g} times the average), where "
        f"{judgement.utilisation_most:.0%} is the most, so it serves {number_span(most)} requests "
        "a day"
    )


def check_latency(ttft_s: Interval | None, tok_s: Interval | None, needs: Needs) -> Latency | None:
    """Whether an answer comes as fast as `needs` want it; None where they want nothing.

    `tok_s` is what each answer gets at the planned concurrency.
    """
    told = []
    if needs.ttft_s_max is not None:
        found = "at an unknown time" if ttft_s is None else f"after {seconds_span(ttft_s)}"
        wanted = format_seconds(needs.ttft_s_max)
        told.append(f"the first token comes {found}, where {wanted} is the most")
    if needs.tok_s_min is not None:
        found = "an unknown speed" if tok_s is None else rate_span(tok_s)
        answer = "an answer" if needs.concurrency == 1 else f"each of {needs.concurrency} answers"
        told.append(f"{answer} gets {found}, where {needs.tok_s_min:g} is the least")
    if not told:
        return None
    verdict = fast_enough(ttft_s, tok_s, needs.ttft_s_max, needs.tok_s_min)
    return Latency(_VERDICTS[verdict], " and ".join(told))


def fast_enough(
    ttft_s: Interval | None,
    tok_s: Interval | None,
    ttft_s_max: float | None,
    tok_s_min: float | None,
) -> str | None:
    """`yes`, `no` or `unclear` against what was wanted; None where a figure is missing.

    Where nothing was wanted, every speed is enough. One target that is missed is a no, whatever is
    unknown of the other.
    """
    first = None if ttft_s_max is None else at_most(ttft_s, ttft_s_max)
    after = None if tok_s_min is None else at_least(tok_s, tok_s_min)
    answers = [one for one in (first, after) if one is not None]
    for met in (Met.NO, Met.UNKNOWN, Met.UNCLEAR):
        if met in answers:
            return None if met is Met.UNKNOWN else met.value
    return Met.YES.value


def at_most(value: Interval | None, bound: float) -> Met:
    """Whether `value` is no more than `bound`."""
    if value is None:
        return Met.UNKNOWN
    if value.p90 <= bound:
        return Met.YES
    return Met.NO if value.p10 > bound else Met.UNCLEAR


def at_least(value: Interval | None, bound: float) -> Met:
    """Whether `value` is no less than `bound`."""
    if value is None:
        return Met.UNKNOWN
    if value.p10 >= bound:
        return Met.YES
    return Met.NO if value.p90 < bound else Met.UNCLEAR
