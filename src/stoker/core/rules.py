"""Rules that people can read: conditions on named facts, and what follows from them.

Owns the small language of conditions. Reading rules from a file is `published`'s, evaluating
them `planning`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from stoker.core.advice import Answer

_YES_NO = ("yes", "no")
_MAYBE = (*_YES_NO, "unclear")
_TIERS = ("basic", "good", "better", "frontier")
# Every fact that a rule may name: its words, "number", or "text" (to be shown, not compared).
VOCABULARY: Mapping[str, tuple[str, ...]] = {
    "data": ("machine", "network", "mixed", "anywhere"),
    "offline": _YES_NO,
    "quality": _TIERS,
    "stage": ("prototype", "production"),
    "operations": ("none", "weak", "strong"),
    "tasks": _YES_NO,
    "right_share_least": ("number",),
    "compare_command": ("text",),
    "tried_best": ("text",),
    "ttft_s_max": ("number",),
    "tok_s_min": ("number",),
    "requests_per_day": ("number",),
    "concurrency": ("number",),
    "context": ("number",),
    "budget_usd_month": ("number",),
    "memory_available": ("text",),
    "local_lacking": ("text",),
    "local_fits": _YES_NO,
    "local_tight": _YES_NO,
    "local_model": ("text",),
    "local_memory": ("text",),
    "local_quality": ("unproven", *_TIERS),
    "local_reaches_quality": _YES_NO,
    "local_enough": _MAYBE,
    "local_right": ("number",),
    "local_made": _YES_NO,
    "local_make": ("text",),
    "local_ttft_s": ("number",),
    "local_tok_s": ("number",),
    "local_fast_enough": _MAYBE,
    "local_capacity": ("enough", "short", "unclear"),
    "local_capacity_why": ("text",),
    "local_usd_month": ("number",),
    "local_missing": ("text",),
    "local_within_budget": _MAYBE,
    "api_model": ("text",),
    "api_reaches_quality": _YES_NO,
    "api_fast_enough": _MAYBE,
    "api_ttft_s": ("number",),
    "api_tok_s": ("number",),
    "api_near": ("text",),
    "api_price": ("text",),
    "api_price_dated": ("text",),
    "api_usd_month": ("number",),
    "api_within_budget": _MAYBE,
    "cheaper": ("local", "api", "unclear"),
    "break_even": ("text",),
    "break_even_requests_per_day": ("number",),
    "answer": ("local", "api", "hybrid", "contradiction"),
}


class Operator(StrEnum):
    """How a fact is compared."""

    IS = "is"
    IS_NOT = "is not"
    AT_LEAST = "at least"
    AT_MOST = "at most"


# The longest first: "is not" begins with "is".
_OPERATORS = sorted(Operator, key=len, reverse=True)
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """One fact compared: `data is machine or network`, `requests_per_day at most 300`.

    A fact that is unknown meets no condition but `is unknown`.
    """

    fact: str
    operator: Operator
    words: tuple[str, ...] = ()
    number: float | None = None

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition that `text` writes.

        Raises:
            ValueError: not of the form `fact operator value`, or the fact cannot be so compared.
        """
        fact, _, rest = text.partition(" ")
        if fact not in VOCABULARY:
            raise ValueError(f"{fact!r} is not a fact that rules can name")
        for operator in _OPERATORS:
            if rest.startswith(f"{operator} "):
                return cls._of(fact, operator, rest.removeprefix(f"{operator} "))
        raise ValueError(f"{text!r} does not compare {fact} with one of {', '.join(Operator)}")

    @classmethod
    def _of(cls, fact: str, operator: Operator, value: str) -> Condition:
        known = VOCABULARY[fact]
        if operator in {Operator.IS, Operator.IS_NOT}:
            words = tuple(value.split(" or "))
            if not set(words) <= {UNKNOWN, *known} - {"number", "text"}:
                raise ValueError(f"{fact} is never {value!r}")
            return cls(fact, operator, words)
        if known != ("number",):
            raise ValueError(f"{fact} is not a number")
        return cls(fact, operator, number=float(value))

    def holds(self, value: str | float | None) -> bool:
        """Whether the fact's `value` (None for unknown) meets this condition."""
        if value is None:
            return self.operator is Operator.IS and UNKNOWN in self.words
        if self.operator is Operator.IS:
            return value in self.words
        if self.operator is Operator.IS_NOT:
            return value not in self.words
        assert self.number is not None  # noqa: S101 - parse gave these two a number
        at_least = self.operator is Operator.AT_LEAST
        return float(value) >= self.number if at_least else float(value) <= self.number

    def __str__(self) -> str:
        value = " or ".join(self.words) if self.number is None else f"{self.number:g}"
        return f"{self.fact} {self.operator} {value}"


@dataclass(frozen=True, slots=True)
class Rule:
    """If every condition holds, `say` is true, and some answers are forbidden or one preferred.

    `relax` names the need that could give way where the rule forbids. A `last_resort` is told
    only where it decides.
    """

    name: str
    when: tuple[Condition, ...]
    say: str
    forbid: tuple[Answer, ...] = ()
    prefer: Answer | None = None
    relax: str = ""
    last_resort: bool = False


@dataclass(frozen=True, slots=True)
class Watch:
    """If every condition holds once the answer is known, `say` is worth an eye."""

    name: str
    when: tuple[Condition, ...]
    say: str


@dataclass(frozen=True, slots=True)
class RuleBook:
    """All rules in their order, what to watch, and the boundary of a hybrid, part by part."""

    rules: tuple[Rule, ...]
    watches: tuple[Watch, ...]
    boundary: tuple[str, ...]
