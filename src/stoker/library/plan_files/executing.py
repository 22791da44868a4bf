"""From the tables of a plan's file to plans that are run as they are, where they can be.

Owns the search for each model's files and the check of their digests: nothing runs that is not what
was planned. What this machine can honour is `here`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from stoker.core.errors import ModelNotFoundError, PlanDriftError
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.core.speed import Occasion, Speed, SpeedSource
from stoker.library.plan_files.execution import Execution
from stoker.library.plan_files.here import (
    differences,
    refuse_devices,
    refuse_what_never_fits,
    warnings,
)
from stoker.library.plan_files.plan_file import IntervalTable, ModelTable, PlanFile, SpeedTable
from stoker.models.catalogue import find_model
from stoker.models.facts import read_facts
from stoker.models.pinning import Pin, pin_files, with_digests
from stoker.models.sources.reference import is_far
from stoker.models.storing.store import Store


def prepare(file: PlanFile, store: Store, machine: Machine) -> Execution:
    """The plans of `file`, each with its model's files, to be run on `machine`, which is this one.

    Files outside of the store are hashed, so this takes as long as reading them.

    Raises:
        PlanElsewhereError: a device is planned with that the engine here does not compute on.
        NotEnoughMemoryError: the models can never be loaded together here.
        ModelNotFoundError: a model is not on this machine.
        PlanDriftError: a model's bytes are not those that were planned.
        ModelFileError: its file is not a model.
    """
    refuse_devices(file)
    plans = [_plan(table, _model(table, store)) for table in file.model]
    refuse_what_never_fits(file, plans, machine)
    pinned = [_pinned(*one, store) for one in zip(file.model, plans, strict=True)]
    return Execution(
        plans=tuple(plan for plan, _ in pinned),
        pins={plan.model.ref: pins for plan, pins in pinned},
        predicted={} if differences(file, machine) else predictions_of(file),
        warnings=tuple(warnings(file, plans, machine)),
    )


def predictions_of(file: PlanFile) -> dict[ModelRef, Speed]:
    """What `file` predicted of each model's speed, to be held against what is measured."""
    return {
        ModelRef.parse(table.name): _speed(table.speed)
        for table in file.model
        if table.speed is not None
    }


def _speed(table: SpeedTable) -> Speed:
    occasion = Occasion(table.prompt_tokens, table.context_tokens, table.streams)
    known = {one.value for one in SpeedSource}
    source = SpeedSource(table.source) if table.source in known else SpeedSource.UNKNOWN
    figures: dict[str, Any] = dict(_intervals(table))
    return Speed(occasion, source, **figures)


def _intervals(table: SpeedTable) -> Iterator[tuple[str, Interval]]:
    for name in SpeedTable.model_fields:
        value = getattr(table, name)
        if isinstance(value, IntervalTable) and value.p10 <= value.p50 <= value.p90:
            yield name, Interval(value.p10, value.p50, value.p90)


def _plan(table: ModelTable, model: LocalModel) -> Plan:
    return Plan(
        model=replace(model, ref=ModelRef.parse(table.name)),
        engine=table.engine,
        context=table.context,
        slots=table.slots,
        threads=table.threads,
        batch=table.batch,
        micro_batch=table.micro_batch,
        prompt_cache_bytes=table.prompt_cache_bytes,
        checkpoints=table.checkpoints,
        repack=table.repack,
        kv_type=table.kv_type,
    )


def _model(table: ModelTable, store: Store) -> LocalModel:
    return _stored(table, store) if is_far(table.source) else find_model(table.source, store)


def _stored(table: ModelTable, store: Store) -> LocalModel:
    """The stored model with the plan's digests, under whatever name."""
    for manifest in store.manifests():
        if [layer.digest for layer in manifest.models] == _digests(table):
            path = store.model_path(manifest)
            facts = replace(read_facts(path), digest=table.digest)
            return LocalModel(ModelRef.parse(table.name), path, facts)
    raise ModelNotFoundError(
        f"{table.name} is not on this machine", hint=f"fetch it: stoker pull '{table.source}'"
    )


def _digests(table: ModelTable) -> list[str]:
    return table.parts or [table.digest]


def _pinned(table: ModelTable, plan: Plan, store: Store) -> tuple[Plan, tuple[Pin, ...]]:
    """`plan` with its model's digests, if they are those of `table`."""
    wanted = _digests(table)
    if table.digest != wanted[0]:
        raise PlanDriftError(f"{table.name}: the first of its parts is not its digest")
    if len(wanted) != plan.model.facts.parts:
        raise PlanDriftError(
            f"{table.name} has {plan.model.facts.parts} files, and the plan pins {len(wanted)}"
        )
    pins = pin_files(plan.model, store)
    for pin, digest in zip(pins, wanted, strict=True):
        if pin.digest != digest:
            which = f", {pin.path.name}," if len(pins) > 1 else ""
            raise PlanDriftError(
                f"{table.name}{which} is {pin.digest}, and the plan is for {digest}"
            )
    return replace(plan, model=with_digests(plan.model, pins)), pins
