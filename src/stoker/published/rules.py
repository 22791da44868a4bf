"""The rules of advice, read from `data/rules.toml` once, and checked as a whole.

What a rule says is the file's, what its conditions mean `core.rules`'s, evaluating `planning`'s.
"""

from __future__ import annotations

import string
from functools import cache
from typing import Any

from stoker.core.advice import Answer
from stoker.core.rules import VOCABULARY, Condition, Rule, RuleBook, Watch
from stoker.published.tables import read_toml

RELAXABLE = frozenset(
    ["data", "offline", "quality", "latency", "volume", "budget", "memory"],
)


@cache
def load_rules() -> RuleBook:
    """The rules as shipped."""
    return to_rules(read_toml("rules.toml"))


def to_rules(document: dict[str, Any]) -> RuleBook:
    """`document`, as the file has it, as rules in their order.

    Raises:
        KeyError, TypeError, ValueError: a rule is not whole, names what does not exist, has the
            name of another, or forbids after another has preferred.
    """
    rules = tuple(_rule(entry) for entry in document["rule"])
    watches = tuple(
        Watch(entry["name"], _conditions(entry), _sentence(entry)) for entry in document["watch"]
    )
    names = [one.name for one in rules] + [one.name for one in watches]
    if len(set(names)) != len(names):
        raise ValueError("two rules have one name")
    kinds = [one.prefer is not None for one in rules]
    if kinds != sorted(kinds):
        raise ValueError("a rule forbids after another has preferred")
    return RuleBook(rules, watches, tuple(_sentence(entry) for entry in document["boundary"]))


def _rule(entry: dict[str, Any]) -> Rule:
    rule = Rule(
        name=entry["name"],
        when=_conditions(entry),
        say=_sentence(entry),
        forbid=tuple(Answer(word) for word in entry.get("forbid", ())),
        prefer=Answer(entry["prefer"]) if "prefer" in entry else None,
        relax=entry.get("relax", ""),
        last_resort=entry.get("last_resort", False),
    )
    if unknown := entry.keys() - set(Rule.__dataclass_fields__):
        raise ValueError(f"{rule.name} has {', '.join(sorted(unknown))}")
    if bool(rule.forbid) == bool(rule.prefer) or bool(rule.forbid) != bool(rule.relax):
        raise ValueError(f"{rule.name} must either prefer, or forbid and name what to relax")
    if rule.relax and rule.relax not in RELAXABLE:
        raise ValueError(f"{rule.relax!r} is not a need that can be relaxed")
    return rule


def _conditions(entry: dict[str, Any]) -> tuple[Condition, ...]:
    if not entry["when"]:
        raise ValueError(f"{entry['name']} has no condition")
    return tuple(Condition.parse(text) for text in entry["when"])


def _sentence(entry: dict[str, Any]) -> str:
    """The sentence, whose figures are all facts."""
    text: str = entry["say"]
    for _, name, form, _ in string.Formatter().parse(text):
        if name is not None and (name not in VOCABULARY or form):
            raise ValueError(f"{name!r} is not a fact that a sentence can show")
    return text
