"""`stoker.toml`: a plan as people read it and `stoker serve --plan` executes it.

It pins the digests of each model's files, and holds what was predicted and the machine it was made
for. Reading is strict: a name or a value that is not a plan's is refused (`plan_refusal`).
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stoker import __version__
from stoker.core.errors import InvalidPlanError
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.model import LocalModel
from stoker.core.plan import KV_TYPES, DeviceKind
from stoker.core.proposal import Proposal, Resident
from stoker.engines.registry import engine_version
from stoker.files.disk import read_within
from stoker.library.plan_files.plan_refusal import explain

VERSION = 1
# Who counted the memory of a plan with a GPU: the engine here knows none, so its count was divided.
ESTIMATED = "estimate"
FILE_BYTES_MAX = 256 * 1024
MODELS_MAX, PARTS_MAX = 64, 1000
_HEAD = """\
# How these models are run: made by `stoker plan`, executed by `stoker serve --plan FILE`.
# Figures under memory and speed were predicted for the machine below; they change nothing.
"""

Count = Annotated[int, Field(ge=0, le=1 << 60)]
Text = Annotated[str, Field(max_length=2048, pattern=r"^[^\x00-\x1f\x7f]*$")]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
Figure = Annotated[float, Field(ge=0, le=1e15)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class MachineTable(_Strict):
    """The machine that the plan was made for: `executing` says where it differs from this one."""

    name: Text = ""
    cpu: Text = ""
    cores: Count = 0
    memory_total_bytes: Count = 0
    memory_available_bytes: Count = 0
    gpus: list[Text] = []


class MemoryTable(_Strict):
    """The memory that was predicted, in bytes; `source` says who counted."""

    weights_bytes: Count
    kv_bytes: Count
    compute_bytes: Count
    other_bytes: Count
    total_bytes: Count
    available_bytes: Count
    source: Text


class IntervalTable(_Strict):
    """A tenth, half and nine tenths of all outcomes lie below these."""

    p10: Figure
    p50: Figure
    p90: Figure


class SpeedTable(_Strict):
    """The speeds that were predicted; one that nobody could tell is left out."""

    prompt_tokens: Count
    context_tokens: Count
    streams: Count
    source: Text
    load_s: IntervalTable | None = None
    load_cold_s: IntervalTable | None = None
    ttft_s: IntervalTable | None = None
    prefill_tok_s: IntervalTable | None = None
    decode_tok_s: IntervalTable | None = None
    stream_tok_s: IntervalTable | None = None
    total_tok_s: IntervalTable | None = None


class ModelTable(_Strict):
    """One model and every setting with which it is run.

    `parts` has the digests of all files of a model that is split, `digest` the first of them.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,191}$")]
    source: Annotated[str, Field(min_length=1, max_length=4096, pattern=r"^[^\x00-\x1f\x7f]*$")]
    digest: Digest
    parts: Annotated[list[Digest], Field(min_length=2, max_length=PARTS_MAX)] | None = None
    engine: Literal["llamacpp"] = "llamacpp"
    device: Literal["cpu", "gpu", "split"] = "cpu"
    quantization: Text = ""
    context: Annotated[int, Field(ge=32, le=1 << 24)]
    slots: Annotated[int, Field(ge=1, le=256)]
    threads: Annotated[int, Field(ge=1, le=1024)]
    kv_type: Annotated[str, Field(pattern=f"^({'|'.join(KV_TYPES)})$")] = "f16"
    batch: Annotated[int, Field(ge=1, le=1 << 16)] = 2048
    micro_batch: Annotated[int, Field(ge=1, le=1 << 16)] = 512
    prompt_cache_bytes: Count = 0
    checkpoints: Annotated[int, Field(ge=0, le=256)] = 2
    repack: bool = True
    verdict: Literal["fits", "tight", "does_not_fit_now", "can_never_fit"] = "fits"
    memory: MemoryTable | None = None
    speed: SpeedTable | None = None


class PlanFile(_Strict):
    """The whole file."""

    version: Literal[1]
    made: Text = ""
    made_by: Text = ""
    machine: MachineTable = MachineTable()
    model: Annotated[list[ModelTable], Field(min_length=1, max_length=MODELS_MAX)]


def plan_file_of(resident: Resident, machine: Machine) -> PlanFile:
    """`resident` as the file has it.

    Raises:
        InvalidPlanError: a model has no digest to pin, or two have one name.
    """
    _refuse_two_of_a_name(resident)
    return PlanFile(
        version=1,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        made_by=f"stoker {__version__}, {engine_version()}",
        machine=MachineTable(
            name=machine.name,
            cpu=machine.cpu,
            cores=machine.cores,
            memory_total_bytes=machine.memory_total_bytes,
            memory_available_bytes=machine.memory_available_bytes,
            gpus=[gpu.name for gpu in machine.gpus],
        ),
        model=[_model(one) for one in resident.proposals],
    )


def _refuse_two_of_a_name(resident: Resident) -> None:
    counted = Counter(str(one.plan.model.ref) for one in resident.proposals)
    name, count = counted.most_common(1)[0]
    if count > 1:
        raise InvalidPlanError(
            f"two models are called {name}, and clients name models",
            hint="name files as NAME=PATH, or plan it once, with more --parallel",
        )


def read_plan(path: Path) -> PlanFile:
    """The plan at `path`.

    Raises:
        InvalidPlanError: it cannot be read, is too large, is not TOML, or is no plan.
    """
    try:
        data = read_within(path, FILE_BYTES_MAX)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise InvalidPlanError(f"The plan {path} cannot be read: {reason}") from error
    if data is None:
        raise InvalidPlanError(f"The plan {path} is larger than {FILE_BYTES_MAX} bytes")
    return parse_plan(data)


def parse_plan(data: bytes) -> PlanFile:
    """The plan that a TOML text holds.

    Raises:
        InvalidPlanError: it is not TOML, or no plan of this version.
    """
    try:
        document = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise InvalidPlanError(f"The plan is not TOML: {error}") from None
    try:
        return PlanFile.model_validate(document)
    except ValidationError as error:
        raise explain(error, PlanFile, VERSION, document) from None


def to_toml(plan: PlanFile) -> str:
    """What `parse_plan` reads back."""
    document = plan.model_dump(exclude_none=True)
    models = document.pop("model")
    machine = document.pop("machine")
    lines = [_HEAD, *_pairs(document), "", "[machine]", *_pairs(machine)]
    for model in models:
        tables = {name: model.pop(name) for name in ("memory", "speed") if name in model}
        lines += ["", "[[model]]", *_pairs(model)]
        for name, table in tables.items():
            lines += ["", f"[model.{name}]", *_pairs(table)]
    return "\n".join(lines) + "\n"


def _model(proposal: Proposal) -> ModelTable:
    plan = proposal.plan
    if proposal.digest is None:
        raise InvalidPlanError(
            f"{plan.model.ref} has no digest to pin",
            hint="pull it into the store first, and plan the stored name",
        )
    need = proposal.need
    return ModelTable(
        name=str(plan.model.ref),
        source=proposal.source,
        digest=proposal.digest,
        parts=_parts(plan.model),
        engine="llamacpp",
        device=proposal.device.kind.value,
        quantization=proposal.quantization,
        context=plan.context,
        slots=plan.slots,
        threads=plan.threads,
        kv_type=plan.kv_type,
        batch=plan.batch,
        micro_batch=plan.micro_batch,
        prompt_cache_bytes=plan.prompt_cache_bytes,
        checkpoints=plan.checkpoints,
        repack=plan.repack,
        verdict=proposal.verdict.value,
        memory=MemoryTable(
            weights_bytes=need.weights_bytes,
            kv_bytes=need.kv_bytes,
            compute_bytes=need.compute_bytes,
            other_bytes=need.other_bytes,
            total_bytes=need.total_bytes,
            available_bytes=proposal.available_bytes,
            source=need.source if proposal.device.kind is DeviceKind.CPU else ESTIMATED,
        ),
        speed=_speed(proposal),
    )


def _parts(model: LocalModel) -> list[str] | None:
    """The digests of a split model's files; None of any other.

    Raises:
        InvalidPlanError: they are not all known.
    """
    count = model.facts.parts
    if count == 1:
        return None
    if len(model.digests) != count:
        raise InvalidPlanError(
            f"{model.ref} has {count} files, and not all have a digest to pin",
            hint="pull it into the store first, and plan the stored name",
        )
    return list(model.digests)


def _speed(proposal: Proposal) -> SpeedTable:
    speed = proposal.speed
    names = [name for name, field in SpeedTable.model_fields.items() if field.default is None]
    return SpeedTable(
        prompt_tokens=speed.occasion.prompt_tokens,
        context_tokens=speed.occasion.context,
        streams=speed.occasion.streams,
        source=speed.source.value,
        **{name: _interval(getattr(speed, name)) for name in names},
    )


def _interval(value: Interval | None) -> IntervalTable | None:
    if value is None or value.p90 == float("inf"):
        return None
    return IntervalTable(**{name: _rounded(getattr(value, name)) for name in ("p10", "p50", "p90")})


def _rounded(value: float) -> float:
    """Four significant figures: more would promise too much."""
    return float(f"{value:.4g}")


def _pairs(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        yield f"{name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # JSON's texts, numbers and words are TOML's too, but for one character that must be escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
