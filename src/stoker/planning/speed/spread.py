"""From the errors of a fit to an interval: what the next error will be, eight times of ten.

Pure. Split conformal prediction: of `n` errors and one more, all equally likely to be the largest,
the k-th smallest bounds the new one with probability k / (n + 1). It asks nothing of how errors are
distributed. (Lei et al., Distribution-Free Predictive Inference for Regression, 2018.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from stoker.core.estimate import Interval

SHARE_INSIDE = 0.8
# Without enough errors to tell, a figure is given within a factor of two either way.
UNTOLD = math.log(2.0)
# The 90th percentile of Student's t for 1, 2, ... degrees of freedom, where errors are too few.
_STUDENT = (3.078, 1.886, 1.638)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure in seconds, and its `width`: the natural log of the factor that it may be off by.

    Eight times of ten, either way. Ratios, which have no unit, are kept so too.
    """

    middle: float
    width: float

    def interval(self) -> Interval:
        """The figure as an interval; a width without bound has no end that is a number."""
        return Interval.of_ratio(self.middle, math.exp(-self.width), math.exp(self.width))


def width_of(log_errors: Sequence[float]) -> float:
    """Half the width of the interval, as a logarithm, that `log_errors` speak for."""
    sizes = sorted(abs(error) for error in log_errors)
    count = len(sizes)
    rank = math.ceil(SHARE_INSIDE * (count + 1))
    if 0 < count < rank:
        spread = math.sqrt(sum(size * size for size in sizes) / count)
        return _STUDENT[count - 1] * spread * math.sqrt(1 + 1 / count)
    return sizes[rank - 1] if count else UNTOLD


def together(*widths: float) -> float:
    """The width of a product of figures whose errors have nothing to do with each other."""
    return math.hypot(*widths)
