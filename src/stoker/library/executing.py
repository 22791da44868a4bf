"""From the tables of a plan's file to plans that are run as they are, if the models are the same.

Owns the search for each model's file and the check of its digest: nothing runs that is not what
was planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import ModelNotFoundError, PlanDriftError
from stoker.core.estimate import Interval
from stoker.core.measurement import Predicted
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.library.plan_file import IntervalTable, ModelTable, PlanFile, SpeedTable
from stoker.models.catalogue import find_model
from stoker.models.facts import read_facts
from stoker.models.sources.reference import is_far
from stoker.models.storing.store import Store, hash_file


def plans_of(file: PlanFile, store: Store) -> list[Plan]:
    """The plans of `file`, each with its model's file.

    A file outside of the store is hashed, so this takes as long as reading it.

    Raises:
        ModelNotFoundError: a model is not on this machine.
        PlanDriftError: a model's bytes are not those that were planned.
        ModelFileError: its file is not a model.
    """
    return [_plan(table, store) for table in file.model]


def predictions_of(file: PlanFile) -> dict[ModelRef, Predicted]:
    """What `file` predicted of each model's speed, to be held against what is measured."""
    return {
        ModelRef.parse(table.name): tuple(_predicted(table.speed))
        for table in file.model
        if table.speed is not None
    }


def _predicted(speed: SpeedTable) -> Iterator[tuple[str, Interval]]:
    for name in SpeedTable.model_fields:
        value = getattr(speed, name)
        if isinstance(value, IntervalTable) and value.p10 <= value.p50 <= value.p90:
            yield name, Interval(value.p10, value.p50, value.p90)


def _plan(table: ModelTable, store: Store) -> Plan:
    model = _model(table, store)
    if model.facts.digest != table.digest:
        raise PlanDriftError(
            f"{table.name} is {model.facts.digest}, and the plan is for {table.digest}"
        )
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
    if is_far(table.source):
        return _stored(table, store)
    model = find_model(table.source, store)
    if model.facts.digest is not None:
        return model
    return replace(model, facts=replace(model.facts, digest=hash_file(model.path)))


def _stored(table: ModelTable, store: Store) -> LocalModel:
    """The stored model with the plan's digest, under whatever name."""
    for manifest in store.manifests():
        if manifest.model.digest == table.digest:
            path: Path = store.model_path(manifest)
            facts = replace(read_facts(path), digest=table.digest)
            return LocalModel(ModelRef.parse(table.name), path, facts)
    raise ModelNotFoundError(
        f"{table.name} is not on this machine", hint=f"fetch it: stoker pull '{table.source}'"
    )
