"""A month's cost by requests a day, here and at an API, for whoever draws it. Pure.

Owns what is to be seen: how far the axes go, whether by powers of ten, and where this machine's
line ends. `cost_chart` draws it in a terminal, `cost_plot` as SVG.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from stoker.comparing.scales import Scale, linear_scale, log_scale
from stoker.core.costs import Cost, CostCurve
from stoker.core.estimate import Interval

# From this ratio of the largest to the smallest on, an axis is by powers of ten.
LOG_RATIO = 20.0
# The axis of dollars goes as far at least, so that no two ticks read alike.
_USD_LEAST = 0.05
# More or fewer requests a day than anybody's are not drawn: costs next to nothing break even there.
_REQUESTS_LEAST, _REQUESTS_MOST = 1e-12, 1e12


@dataclass(frozen=True, slots=True)
class Curves:
    """Both curves from `low` to `high` requests a day, by powers of ten if `log`.

    `even` is where they cross, `asked` the volume that was stated, `most` what the machine can
    serve; each is None where there is none.
    """

    here: CostCurve
    api: CostCurve
    api_name: str
    low: float
    high: float
    log: bool
    even: Interval | None = None
    asked: float | None = None
    most: Interval | None = None

    @property
    def here_high(self) -> float:
        """Where this machine's curve ends, if the axis goes so far: at the mark of the most."""
        return math.inf if self.most is None else self.most.p50

    def requests(self, start: float, end: float) -> Scale:
        """The axis of requests a day between two places."""
        if self.log:
            return log_scale([self.low, self.high], start, end)
        return linear_scale(0.0, self.high, start, end)

    def dollars(self, start: float, end: float, requests: Scale) -> Scale:
        """The axis of dollars a month between two places, as far as `requests` go."""
        last = min(self.here_high, requests.high)
        ends = [self.here.at(requests.low).p10, self.here.at(last).p90]
        ends += [self.api.at(requests.low).p10, self.api.at(requests.high).p90]
        if self.log and min(ends) > 0 and max(ends) > max(LOG_RATIO * min(ends), _USD_LEAST):
            return log_scale([max(min(ends), max(ends) / 1e6), max(ends)], start, end)
        return linear_scale(0.0, max(*ends, _USD_LEAST), start, end)


def curves_of(cost: Cost) -> Curves | None:
    """What is to be drawn of `cost`; None where one of the two costs is not known."""
    here, api = cost.local_curve, cost.api_curve
    if here is None or api is None:
        return None
    even = None if cost.break_even is None else cost.break_even.requests_per_day
    if even is not None and (even.p50 > _REQUESTS_MOST or 0 < even.p50 < _REQUESTS_LEAST):
        even = None
    most = None if cost.capacity is None else cost.capacity.requests_per_day_most
    asked = None if cost.volume is None else cost.volume.requests_per_day or None
    marks = [*_ends(even), *([most.p50] if most else []), *([asked] if asked else [])]
    marks = [mark for mark in marks if _REQUESTS_LEAST <= mark < math.inf]
    if not marks:
        return None
    log = max(marks) > LOG_RATIO * min(marks)
    low, high = (min(marks) / 2, max(marks) * 1.6) if log else (0.0, max(marks) * 1.25)
    return Curves(here, api, cost.api_reference, low, high, log, even, asked, most)


def _ends(interval: Interval | None) -> list[float]:
    """The interval's figures; its upper end may be nowhere, and lies at most far off the middle."""
    if interval is None:
        return []
    high = interval.p90 if math.isfinite(interval.p90) else interval.p50
    return [interval.p10, interval.p50, min(high, 10 * interval.p50)]
