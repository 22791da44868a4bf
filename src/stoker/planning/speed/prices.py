"""What the terms of a fit cost, and what a family of formats borrows that has no price of its own.

Pure. A relative's price makes the interval wider, by what such borrowing would have erred by among
the families that do have prices, as far as the borrowed part counts. What nobody can lend is
unknown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache

from stoker.core.calibration import Fit
from stoker.planning.speed.formats import lender_of
from stoker.planning.speed.spread import Estimate, together, width_of
from stoker.planning.speed.terms import Terms

# A share of the weights so small that it does not matter whose price it has: norms, biases.
_NEGLIGIBLE = 0.01


class Prices:
    """The seconds a unit of each term of one fit. Who lends is looked up once a term."""

    def __init__(self, fit: Fit) -> None:
        self.known = fit.seconds_per_unit
        self._width = together(width_of(fit.log_errors), fit.disturbed_width)
        self._lenders: dict[str, str | None] = {}

    def total(self, terms: Terms) -> Estimate | None:
        """The seconds of `terms`; None where a weighty one has no price."""
        weights = sum(units for name, units in terms.items() if ":" in name)
        seconds = borrowed = 0.0
        for name, units in terms.items():
            price = self.price(name)
            if price is None:
                if units > _NEGLIGIBLE * weights:
                    return None
                continue
            seconds += units * price
            if ":" in name and name not in self.known and units > _NEGLIGIBLE * weights:
                borrowed += units * price
        if not self.known:
            return None
        risk = borrowed / seconds * self.borrowing_width() if borrowed else 0.0
        return Estimate(seconds, together(self._width, risk))

    def seconds(self, name: str) -> float:
        """As `price`, 0 where nobody can lend."""
        return self.price(name) or 0.0

    def price(self, name: str) -> float | None:
        """The seconds of one unit of the term `name`, its own or a relative's."""
        if ":" not in name:
            return self.known.get(name, 0.0)
        lender = self._lender(name)
        return None if lender is None else self.known[lender]

    def _lender(self, name: str) -> str | None:
        if name not in self._lenders:
            self._lenders[name] = _lender(name, self.known)
        return self._lenders[name]

    def lent(self, terms: Terms) -> tuple[str, ...]:
        """Which families of `terms` borrow, and from whom: `iq3 from iq2`."""
        pairs = ((name, _lender(name, self.known)) for name in terms if ":" in name)
        return tuple(
            f"{_family(name)} from {_family(lender)}"
            for name, lender in pairs
            if lender is not None and lender != name
        )

    def borrowing_width(self) -> float:
        """How far a relative's price is off, seen from the families that have their own."""
        errors = []
        for name, price in self.known.items():
            lender = _lender(name, self.known.keys() - {name}) if ":" in name else None
            if lender is not None and price > 0 and self.known[lender] > 0:
                errors.append(math.log(price / self.known[lender]))
        return width_of(errors)


@lru_cache(maxsize=64)
def prices_of(fit: Fit) -> Prices:
    """The prices of `fit`, the same object for the same fit: a plan asks for them many times."""
    return Prices(fit)


def _lender(name: str, measured: Iterable[str]) -> str | None:
    """The measured term whose price stands for `name`; `name` itself where it is one."""
    term, _, _ = name.partition(":")
    _, _, streams = name.partition("@")
    alike = {
        _family(one): one
        for one in measured
        if one.startswith(f"{term}:") and one.partition("@")[2] == streams
    }
    lender = lender_of(_family(name), alike)
    return None if lender is None else alike[lender]


def _family(name: str) -> str:
    """The family that a term is about: `multiply:q8_0@4` is about `q8_0`."""
    return name.partition(":")[2].partition("@")[0]
