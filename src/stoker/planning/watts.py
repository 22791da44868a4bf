"""Which watts costs are made with: those that were given, else read, else assumed. Pure."""

from __future__ import annotations

from dataclasses import replace

from stoker.core.costs import LocalCosts, Source
from stoker.core.judgement import Judgement, Watts
from stoker.core.machine import Machine
from stoker.core.power import Power

_BOTH = ("idle", "load")


def with_watts(
    costs: LocalCosts, machine: Machine, judgement: Judgement, power: Power | None = None
) -> LocalCosts:
    """`costs` with watts where none were given; the source and its note say whose they are.

    `power` is what was read of `machine`. Where only the idle watts were given, work adds what it
    adds by the other source, for a meter at the wall sees more than one in the processor.
    """
    idle, load = costs.watts_idle, costs.watts_load
    if idle is not None and load is not None:
        return costs
    found, source, note = _found(machine, judgement, power or Power())
    filled = tuple(name for name, one in (("idle", idle), ("load", load)) if one is None)
    if idle is None and load is None:
        idle, load = found.idle, found.load
    elif load is None:
        load = (idle or 0.0) + found.load - found.idle
    else:
        idle = min(found.idle, load)
    return replace(
        costs,
        watts_idle=idle,
        watts_load=load,
        watts_source=source,
        watts_note=note,
        watts_filled=filled,
    )


def _found(machine: Machine, judgement: Judgement, power: Power) -> tuple[Watts, Source, str]:
    if power.watts_idle is not None and power.watts_load is not None:
        return Watts(power.watts_idle, power.watts_load), Source.READ, power.scope
    own = any(not gpu.integrated for gpu in machine.gpus)
    assumed = judgement.watts_gpu if own else judgement.watts_cpu
    return assumed, Source.ASSUMED, power.missing


def assumed_watts(costs: LocalCosts) -> str:
    """The watts of `costs` that were not given, without saying whose they are."""
    return " and ".join(_words(costs, name) for name in _not_given(costs))


def describe_watts(costs: LocalCosts) -> str:
    """The watts of `costs` and whose each of them are; empty where there are none."""
    if costs.watts_idle is None or costs.watts_load is None:
        return ""
    filled = _not_given(costs)
    given = [name for name in _BOTH if name not in filled]
    parts = [assumed_watts(costs) + _source(costs)] if filled else []
    if given:
        parts.append(" and ".join(_words(costs, name) for name in given) + ", as given")
    return "; ".join(parts)


def _not_given(costs: LocalCosts) -> tuple[str, ...]:
    """The names of the watts that have another source than a person; both where none is named."""
    return () if costs.watts_source is Source.GIVEN else costs.watts_filled or _BOTH


def _words(costs: LocalCosts, name: str) -> str:
    if name == "idle":
        return f"{costs.watts_idle:.3g} W idle"
    return f"{costs.watts_load:.3g} W under load"


def _source(costs: LocalCosts) -> str:
    """Whose the watts are that were not given."""
    if costs.watts_source is Source.READ:
        return f", read of the {costs.watts_note}: the whole machine draws more"
    return ", assumed" + (f": {costs.watts_note}" if costs.watts_note else "")
