"""A written plan runs exactly what was planned, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.core.errors import ModelNotFoundError, PlanDriftError
from stoker.core.estimate import Interval
from stoker.core.model import ModelRef
from stoker.library.executing import plans_of, predictions_of
from stoker.library.plan_file import ModelTable, PlanFile
from stoker.models.catalogue import STARTER_FOLDER, starter
from stoker.models.facts import read_facts
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store, hash_file

STARTER_FILE = STARTER_FOLDER / "starter.gguf"
DIGEST = starter().facts.digest or ""


def file_of(**more: object) -> PlanFile:
    fields = {"name": "shop", "source": "starter", "digest": DIGEST, "context": 512, "slots": 2}
    table = ModelTable.model_validate({**fields, "threads": 1, **more})
    return PlanFile(version=1, model=[table])


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


def keep(store: Store, tmp_path: Path) -> None:
    """The starter in the store, under another name."""
    copy = tmp_path / "copy"
    copy.write_bytes(STARTER_FILE.read_bytes())
    store.adopt(copy, DIGEST)
    size = read_facts(STARTER_FILE).file_bytes
    layer = Layer(DIGEST, STARTER_FILE.stat().st_size, "model", "starter.gguf")
    assert size <= layer.size_bytes
    store.put(Manifest(ModelRef("other"), "elsewhere", (layer,), 0, {}))


def test_what_was_predicted_is_handed_on_to_be_held_against_what_is_measured() -> None:
    told = {"p10": 1.0, "p50": 2.0, "p90": 3.0}
    odd = {"p10": 3.0, "p50": 2.0, "p90": 1.0}
    about = {"prompt_tokens": 1, "context_tokens": 1, "streams": 1, "source": "measured"}
    file = file_of(speed={**about, "load_s": told, "ttft_s": odd})
    assert predictions_of(file) == {ModelRef("shop"): (("load_s", Interval(1.0, 2.0, 3.0)),)}
    assert predictions_of(file_of()) == {}
