"""Which watts costs are made with: those that were given, else read, else assumed. Pure."""

from __future__ import annotations

from dataclasses import replace

from stoker.core.costs import LocalCosts, Source
from stoker.core.judgement import Judgement, Watts
from stoker.core.machine import Machine
from stoker.core.power import Power


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
    if idle is None and load is None:
        idle, load = found.idle, found.load
    elif load is None:
        load = (idle or 0.0) + found.load - found.idle
    else:
        idle = min(found.idle, load)
    return replace(costs, watts_idle=idle, watts_load=load, watts_source=source, watts_note=note)


def _found(machine: Machine, judgement: Judgement, power: Power) -> tuple[Watts, Source, str]:
    if power.watts_idle is not None and power.watts_load is not None:
        return Watts(power.watts_idle, power.watts_load), Source.READ, power.scope
    own = any(not gpu.integrated for gpu in machine.gpus)
    assumed = judgement.watts_gpu if own else judgement.watts_cpu
    return assumed, Source.ASSUMED, power.missing


def describe_watts(costs: LocalCosts) -> str:
    """The watts of `costs` and whose they are; empty where there are none."""
    if costs.watts_idle is None or costs.watts_load is None:
        return ""
    watts = f"{costs.watts_idle:.3g} W idle and {costs.watts_load:.3g} W under load"
    if costs.watts_source is Source.READ:
        return f"{watts}, read of the {costs.watts_note}: the whole machine draws more"
    if costs.watts_source is Source.ASSUMED:
        return f"{watts}, assumed" + (f": {costs.watts_note}" if costs.watts_note else "")
    return f"{watts}, as given"
