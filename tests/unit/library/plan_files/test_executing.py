"""A written plan runs exactly what was planned, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.core.errors import ModelNotFoundError, PlanDriftError
from stoker.core.estimate import Interval
from stoker.core.machine import Machine
from stoker.core.model import ModelRef
from stoker.core.plan import Plan
from stoker.core.speed import Occasion, SpeedSource
from stoker.core.units import GIB
from stoker.library.plan_files.executing import predictions_of, prepare
from stoker.library.plan_files.plan_file import MachineTable, ModelTable, PlanFile
from stoker.models.catalogue import STARTER_FOLDER, starter
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store, hash_file
from stoker.testing.synthetic import write_split_model

STARTER_FILE = STARTER_FOLDER / "starter.gguf"
DIGEST = starter().facts.digest or ""


def file_of(**more: object) -> PlanFile:
    fields = {"name": "shop", "source": "starter", "digest": DIGEST, "context": 512, "slots": 2}
    table = ModelTable.model_validate({**fields, "threads": 1, **more})
    return PlanFile(version=1, model=[table])


HERE = Machine(cores=2, memory_total_bytes=8 * GIB, memory_available_bytes=4 * GIB, cpu="here")


def plans_of(file: PlanFile, store: Store) -> tuple[Plan, ...]:
    return prepare(file, store, HERE).plans


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


def test_every_setting_is_taken_as_it_is(store: Store) -> None:
    settings = {"kv_type": "q8_0", "batch": 256, "micro_batch": 128, "repack": False}
    (plan,) = plans_of(file_of(**settings, checkpoints=5, prompt_cache_bytes=7), store)
    assert (plan.context, plan.slots, plan.threads, plan.kv_type) == (512, 2, 1, "q8_0")
    assert (plan.batch, plan.micro_batch, plan.repack) == (256, 128, False)
    assert (plan.checkpoints, plan.prompt_cache_bytes) == (5, 7)
    assert plan.model.ref == ModelRef("shop")


def test_a_file_is_hashed_and_refused_where_it_has_changed(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "m.gguf"
    copy.write_bytes(STARTER_FILE.read_bytes())
    planned = file_of(source=str(copy), digest=hash_file(copy))
    assert plans_of(planned, store)[0].model.path == copy
    with copy.open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(PlanDriftError) as caught:
        plans_of(planned, store)
    assert "plan --write" in caught.value.hint


def test_a_name_that_came_to_mean_another_model_is_drift(store: Store) -> None:
    with pytest.raises(PlanDriftError):
        plans_of(file_of(digest="sha256:" + "0" * 64), store)


def test_a_far_model_must_have_been_pulled_under_whatever_name(
    store: Store, tmp_path: Path
) -> None:
    planned = file_of(source="hf:owner/repo:Q8_0#commit=" + "0" * 40)
    with pytest.raises(ModelNotFoundError) as caught:
        plans_of(planned, store)
    assert "stoker pull 'hf:owner/repo:Q8_0" in caught.value.hint
    keep(store, tmp_path)
    assert plans_of(planned, store)[0].model.path == store.blob(DIGEST)


def keep(store: Store, tmp_path: Path, *files: Path) -> None:
    """A model in the store, under another name; the starter where no files are named."""
    layers = []
    for number, file in enumerate(files or (STARTER_FILE,)):
        copy = tmp_path / f"copy{number}"
        copy.write_bytes(file.read_bytes())
        digest = hash_file(copy)
        store.adopt(copy, digest)
        layers.append(Layer(digest, file.stat().st_size, "model", file.name))
    store.put(Manifest(ModelRef("other"), "elsewhere", tuple(layers), 0, {}))


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    """The files of a split model."""
    (tmp_path / "split").mkdir()
    first = write_split_model(tmp_path / "split" / "m.gguf", 3)
    return sorted(first.parent.iterdir())


def split_file_of(files: list[Path], **more: object) -> PlanFile:
    digests = [hash_file(file) for file in files]
    pinned = {"source": str(files[0]), "digest": digests[0], "parts": digests}
    return file_of(**{**pinned, "context": 256, **more})


def change(path: Path) -> None:
    """Another byte at the end, the size as before."""
    with path.open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 0x7F]))


@pytest.mark.parametrize("which", [0, 1, 2])
def test_every_part_of_a_split_model_is_pinned(store: Store, parts: list[Path], which: int) -> None:
    planned = split_file_of(parts)
    execution = prepare(planned, store, HERE)
    assert execution.plans[0].model.digests == tuple(planned.model[0].parts or ())
    assert [pin.path for pin in execution.pins[ModelRef("shop")]] == parts
    change(parts[which])
    with pytest.raises(PlanDriftError, match=parts[which].name):
        prepare(planned, store, HERE)


def test_a_plan_that_pins_the_first_part_alone_is_refused(store: Store, parts: list[Path]) -> None:
    with pytest.raises(PlanDriftError, match="3 files, and the plan pins 1"):
        prepare(split_file_of(parts, parts=None), store, HERE)
    wrong = split_file_of(parts, digest="sha256:" + "0" * 64)
    with pytest.raises(PlanDriftError, match="first of its parts"):
        prepare(wrong, store, HERE)


def test_a_stored_model_is_the_planned_one_by_all_its_parts(
    store: Store, parts: list[Path], tmp_path: Path
) -> None:
    keep(store, tmp_path, *parts)
    far = split_file_of(parts, source="hf:owner/repo:Q8_0#commit=" + "0" * 40)
    assert prepare(far, store, HERE).plans[0].model.facts.parts == 3
    change(parts[2])
    other = split_file_of(parts, source=far.model[0].source)
    with pytest.raises(ModelNotFoundError):
        prepare(other, store, HERE)


TOLD = {"p10": 1.0, "p50": 2.0, "p90": 3.0}
ABOUT = {"prompt_tokens": 5, "context_tokens": 6, "streams": 7, "source": "measured"}


def test_what_was_predicted_is_handed_on_to_be_held_against_what_is_measured() -> None:
    odd = {"p10": 3.0, "p50": 2.0, "p90": 1.0}
    speed = predictions_of(file_of(speed={**ABOUT, "load_s": TOLD, "ttft_s": odd}))[
        ModelRef("shop")
    ]
    assert (speed.load_s, speed.ttft_s) == (Interval(1.0, 2.0, 3.0), None)
    assert (speed.occasion, speed.source) == (Occasion(5, 6, 7), SpeedSource.MEASURED)
    assert predictions_of(file_of()) == {}
    strange = predictions_of(file_of(speed={**ABOUT, "source": "hearsay"}))[ModelRef("shop")]
    assert strange.source is SpeedSource.UNKNOWN


def test_what_was_predicted_of_another_machine_is_held_against_nothing(store: Store) -> None:
    planned = file_of(speed={**ABOUT, "load_s": TOLD})
    assert list(prepare(planned, store, HERE).predicted) == [ModelRef("shop")]
    elsewhere = planned.model_copy(update={"machine": MachineTable(cpu="another")})
    execution = prepare(elsewhere, store, HERE)
    assert execution.predicted == {}
    assert "another, here here" in execution.warnings[0]
