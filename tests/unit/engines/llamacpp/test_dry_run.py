"""What the counting child is told, and how its words become figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import EngineError, LoadFailedError
from stoker.core.layout import Layout
from stoker.core.memory import MemoryNeed, Part
from stoker.core.model import LocalModel, ModelFacts, ModelRef, Task
from stoker.core.plan import Plan
from stoker.engines.llamacpp.dry_run import MEMORY, launch_dry_run, read_dry_run
from stoker.engines.llamacpp.spec import child_spec

FACTS = ModelFacts("llama", 1, "Q8_0", 1, 2048, 2, 256, 1000, Task.GENERATE, chat_template=True)
MODEL = LocalModel(ModelRef("m"), Path("m.gguf"), FACTS)
PLAN = Plan(MODEL, "llamacpp", context=1024, slots=3, threads=2, kv_type="q8_0")


def buffer(name: str, device: str = "cpu", **sizes: int) -> dict[str, Any]:
    return {"name": name, "device": device, "model": 0, "context": 0, "compute": 0, **sizes}


def read(*buffers: dict[str, Any], plan: Plan = PLAN, allocated: bool = False) -> MemoryNeed:
    line = MEMORY + json.dumps({"allocated": allocated, "buffers": list(buffers)})
    need = read_dry_run(plan, line)
    assert need is not None
    return need


def test_it_counts_with_exactly_the_workers_settings() -> None:
    counted, worker = launch_dry_run(PLAN).spec, child_spec(PLAN, Path("e.sock"))
    shared = ("model", "n_ctx", "n_parallel", "n_batch", "n_ubatch", "repack", "kv_type")
    shared = (*shared, "n_gpu_layers")
    assert {name: counted[name] for name in shared} == {name: worker[name] for name in shared}
    assert counted["embedding"] is worker["embedding"]
    assert (counted["n_outputs_max"], counted["allocate"]) == (3, False)


def test_it_may_read_the_model_and_no_more() -> None:
    assert launch_dry_run(PLAN).readable == (Path("m.gguf"),)


def test_each_buffer_becomes_its_parts_on_its_device() -> None:
    need = read(
        buffer("CPU", model=10, context=20, compute=30), buffer("CUDA0", "gpu0", model=7, compute=5)
    )
    assert need.source == "engine"
    assert (need.weights_bytes, need.kv_bytes, need.compute_bytes) == (17, 20, 35)
    assert need.of(Part.WEIGHTS, device="gpu0") == 7
    assert {one.buffer for one in need.taken} == {"CPU", "CUDA0"}


def test_logits_are_added_for_each_slot_and_vectors_for_each_token_of_an_encoders_batch() -> None:
    assert read(buffer("CPU")).of(Part.OUTPUT) == 4 * 3 * 1000
    facts = replace(FACTS, task=Task.EMBED)
    embed = replace(PLAN, model=replace(MODEL, facts=facts))
    assert read(buffer("CPU"), plan=embed).of(Part.OUTPUT) == 4 * 1026 * (1000 + 256)


def test_a_mapped_file_counts_once_however_often_the_dry_run_lays_it_out() -> None:
    facts = replace(FACTS, layout=Layout(stretch_bytes=99))
    mapped = replace(PLAN, repack=False, model=replace(MODEL, facts=facts))
    buffers = buffer("CPU", model=120, context=3), buffer("CUDA0", "gpu0", model=7)
    need = read(*buffers, plan=mapped)
    assert need.of(Part.WEIGHTS, device="cpu") == 99
    assert need.of(Part.WEIGHTS, device="gpu0") == 7
    assert read(*buffers, plan=mapped, allocated=True).of(Part.WEIGHTS, device="cpu") == 120


@pytest.mark.parametrize("line", ["", "load: done", "stoker:report {}", " " + MEMORY])
def test_mere_talk_is_no_count(line: str) -> None:
    assert read_dry_run(PLAN, line) is None


@pytest.mark.parametrize(
    "words",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"buffers": 1, "allocated": false}',
        '{"allocated": false, "buffers": [{"name": "CPU"}]}',
        json.dumps({"allocated": False, "buffers": [buffer("CPU", model=-1)]}),
        json.dumps({"allocated": False, "buffers": [buffer("CPU") | {"model": "many"}]}),
        json.dumps({"allocated": False, "buffers": [buffer("CPU") | {"model": True}]}),
    ],
)
def test_words_that_are_no_count_are_never_taken_for_one(words: str) -> None:
    with pytest.raises(EngineError):
        read_dry_run(PLAN, MEMORY + words)


@pytest.mark.parametrize(("kind", "error"), [("engine", EngineError), ("load", LoadFailedError)])
def test_the_child_says_why_it_cannot(kind: str, error: type[Exception]) -> None:
    line = MEMORY + json.dumps({"kind": kind, "error": "another layout"})
    with pytest.raises(error, match="another layout"):
        read_dry_run(PLAN, line)
