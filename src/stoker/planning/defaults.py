"""The plan for a model when nobody said more than its name.

Refuses what can never fit before a process is started for it: only the weights are held against the
machine here. The exact count of the memory, and what gives way to it, are `proposal`'s.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.errors import InvalidRequestError, NotEnoughMemoryError
from stoker.core.machine import Machine
from stoker.core.model import LocalModel
from stoker.core.plan import Plan
from stoker.core.units import MIB, format_bytes

CONTEXT_DEFAULT = 4096
CONTEXT_UNKNOWN = 2048
# Below this the engine aborts instead of refusing.
CONTEXT_MIN = 32
CONTEXT_MAX = 1 << 24
SLOTS_MAX = 256
ONE_THREAD_BYTES = 64 * MIB


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person set by hand; None leaves it to us. `context` is tokens for each slot."""

    context: int | None = None
    slots: int | None = None
    threads: int | None = None


def make_plan(model: LocalModel, machine: Machine, wishes: Wishes, *, slots_default: int) -> Plan:
    """How to run `model` on `machine`.

    Raises:
        InvalidRequestError: a wish is out of its bounds.
        NotEnoughMemoryError: the weights alone exceed the memory that is available.
    """
    check_wishes(wishes, model)
    refuse_if_too_large(model, machine)
    return Plan(
        model=model,
        engine="llamacpp",
        context=wishes.context or _default_context(model),
        slots=wishes.slots or slots_default,
        threads=wishes.threads or default_threads(model, machine),
    )


def default_threads(model: LocalModel, machine: Machine) -> int:
    """Performance cores, and one for a model whose threads would mostly wait for each other.

    A step ends with its slowest thread, so an efficiency core would set the pace.

    With the starter model one thread decodes faster than two on an idle machine, and threads that
    wait in a barrier stand still whenever another program takes a core from one of them.
    """
    return 1 if model.facts.file_bytes < ONE_THREAD_BYTES else machine.performance_cores


def refuse_if_too_large(model: LocalModel, machine: Machine) -> None:
    """Refuse a model whose weights alone do not fit what is free.

    Raises:
        NotEnoughMemoryError: with both figures.
    """
    if model.facts.file_bytes > machine.memory_available_bytes:
        raise NotEnoughMemoryError(
            f"{model.ref} has {format_bytes(model.facts.file_bytes)} of weights and "
            f"{format_bytes(machine.memory_available_bytes)} of memory are available"
        )


def _default_context(model: LocalModel) -> int:
    trained = model.facts.context_length
    return min(trained, CONTEXT_DEFAULT) if trained else CONTEXT_UNKNOWN


def check_wishes(wishes: Wishes, model: LocalModel) -> None:
    """Refuse what no engine can do, or what this model was not trained for.

    Raises:
        InvalidRequestError: a wish is out of its bounds.
    """
    trained = model.facts.context_length
    if wishes.context is not None and trained and wishes.context > trained:
        raise InvalidRequestError(
            f"{model.ref} was trained for a context of {trained} tokens, not {wishes.context}",
            hint=f"use a context of {trained} or less: --ctx, or `context` in the needs",
            param="context",
        )
    for name, value, least, most in (
        ("context", wishes.context, CONTEXT_MIN, CONTEXT_MAX),
        ("slots", wishes.slots, 1, SLOTS_MAX),
        ("threads", wishes.threads, 1, 1024),
    ):
        if value is not None and not least <= value <= most:
            raise InvalidRequestError(
                f"{name} is {value}", hint=f"use a number from {least} to {most}", param=name
            )
