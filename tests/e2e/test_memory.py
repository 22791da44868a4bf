"""Memory to the byte: the dry run, the formulas, a real load and the server's own words agree.

Over fifteen architectures that have every class of memory between them.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import ModelFileGarbageError, UnsupportedArchitectureError
from stoker.core.memory import COUNTED, MemoryNeed, Part
from stoker.core.model import LocalModel, ModelRef
from stoker.core.plan import Plan
from stoker.engines.base import Launch
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.engines.llamacpp.dry_run import launch_dry_run
from stoker.engines.llamacpp.spec import child_spec
from stoker.models.facts import read_facts
from stoker.planning.memory.families import is_known
from stoker.planning.memory.formula import count, disagreement
from stoker.testing.architectures import write_architecture
from stoker.testing.blueprints import NAMES
from stoker.workers.dry_run import count_memory

pytestmark = [pytest.mark.engine, pytest.mark.slow]
ENGINE = LlamaCppEngine()
MIB = 1 << 20
WANTED: tuple[dict[str, Any], ...] = (
    {"context": 4096, "slots": 1},
    {"context": 1000, "slots": 4, "micro_batch": 128},
    {"context": 2048, "slots": 1, "kv_type": "q8_0"},
    {"context": 512, "slots": 6, "micro_batch": 32, "kv_type": "q4_0"},
    {"context": 256, "slots": 1, "micro_batch": 1024},
)
# Shapes in which the cache, the experts or the wide part outweigh the rest, as in real models.
SHAPES: dict[str, dict[str, Any]] = {
    "llama": {"hidden": 512, "heads": 16, "kv_heads": 8, "ffn": 1408, "vocabulary": 32000},
    "qwen3": {"hidden": 1024, "heads": 16, "kv_heads": 8, "head": 128, "ffn": 3072, "tied": False},
    "qwen3moe": {"hidden": 512, "experts": 64, "experts_used": 8, "layers": 3},
    "gemma3": {"hidden": 640, "heads": 4, "kv_heads": 1, "head": 256, "layers": 12},
    "gemma4": {"hidden": 512, "layers": 12, "shared": 4, "vocabulary": 8000},
    "gpt-oss": {"hidden": 512, "heads": 16, "kv_heads": 2, "experts": 32, "experts_used": 4},
    "deepseek2": {"hidden": 512, "heads": 16, "rank": 512, "head": 128},
    "granitehybrid": {"hidden": 512, "layers": 10, "period": 5, "state": 128},
    "mamba": {"hidden": 768, "layers": 6},
    "bert": {"hidden": 384, "heads": 12, "ffn": 1536},
}


def plan_of(path: Path, **wanted: Any) -> Plan:
    model = LocalModel(ModelRef("m"), path, read_facts(path))
    return Plan(model, "llamacpp", **{"context": 1024, "slots": 2, "threads": 1} | wanted)


def fitting(plan: Plan) -> Plan:
    return replace(plan, context=min(plan.context, plan.model.facts.context_length))


def close(one: int, other: int) -> bool:
    return abs(one - other) <= 0.02 * max(one, other)


@pytest.mark.parametrize("name", NAMES)
async def test_the_formulas_agree_with_the_dry_run(tmp_path: Path, name: str) -> None:
    """KV and weights to the byte, compute within 2 % where it is known to the formulas.

    Times contexts, slots, steps and formats of the cache.
    """
    for number, changes in enumerate(({}, SHAPES.get(name, {}))):
        path = write_architecture(tmp_path / f"{number}.gguf", name, hollow=True, **changes)
        for wanted in WANTED:
            plan = fitting(plan_of(path, **wanted))
            engine = await count_memory(plan, ENGINE, directory=tmp_path / "d")
            formula = count(plan)
            assert formula.weights_bytes == engine.weights_bytes, wanted
            assert formula.kv_bytes == engine.kv_bytes, wanted
            assert formula.of(Part.OUTPUT) == engine.of(Part.OUTPUT)
            if is_known(plan.model.facts.architecture):
                assert close(formula.compute_bytes, engine.compute_bytes), wanted
                assert disagreement(engine, formula) is None


async def test_an_architecture_that_the_formulas_do_not_know_is_said_to_disagree(
    tmp_path: Path,
) -> None:
    plan = plan_of(write_architecture(tmp_path / "m.gguf", "gemma3n", hollow=True))
    engine = await count_memory(plan, ENGINE, directory=tmp_path / "d")
    told = disagreement(engine, count(plan), "gemma3n")
    assert told is not None
    assert "gemma3n is not known" in told
    assert "compute" in told
    assert "kv" not in told


@pytest.mark.parametrize("quantization", ["Q8_0", "Q4_0"])
@pytest.mark.parametrize("name", NAMES)
async def test_a_real_load_takes_what_the_dry_run_counted(
    tmp_path: Path, name: str, quantization: str
) -> None:
    path = write_architecture(tmp_path / "m.gguf", name, quantization)
    for wanted in ({}, {"repack": False}, {"kv_type": "q8_0", "slots": 3, "context": 500}):
        plan = plan_of(path, **wanted)
        dry = await count_memory(plan, ENGINE, directory=tmp_path / "d")
        real = told(plan, launch_dry_run(plan, allocate=True))
        for part in COUNTED:
            assert dry.of(part) == real.of(part), (part, wanted)


@pytest.mark.parametrize("name", NAMES)
async def test_the_vocabulary_does_not_matter_but_for_its_size(tmp_path: Path, name: str) -> None:
    plan = plan_of(write_architecture(tmp_path / "m.gguf", name, vocabulary=3000, merges=1000))
    whole = told(plan, launch_dry_run(plan))
    assert await count_memory(plan, ENGINE, directory=tmp_path / "d") == whole


@pytest.mark.parametrize("name", ["llama", "gemma3", "granitehybrid", "bert"])
async def test_the_server_says_the_same_of_itself(tmp_path: Path, name: str) -> None:
    """The worker's own server, with the worker's own settings, and a loud log."""
    plan = plan_of(write_architecture(tmp_path / "m.gguf", name, "Q4_0"), slots=3, kv_type="q8_0")
    need = await count_memory(plan, ENGINE, directory=tmp_path / "d")
    words = server_words(plan, tmp_path / "s.sock")
    said = {
        Part.WEIGHTS: words("model"),
        Part.KV: words("(?:KV|RS)"),
        Part.COMPUTE: words("compute"),
    }
    for part, mib in said.items():
        assert abs(need.of(part) / MIB - mib) < 0.02, part


def server_words(plan: Plan, socket: Path) -> Callable[[str], float]:
    """How many MiB its log gives to buffers of a kind."""
    script = (
        "import json, os, sys, xllamacpp; from stoker.engines.llamacpp import child;"
        "params = child._params(json.loads(sys.argv[1])); params.verbosity = 5;"
        "server = xllamacpp.Server(params); child._flush_log(); os._exit(0)"
    )
    spec = json.dumps(child_spec(plan, socket))
    done = subprocess.run(
        [sys.executable, "-c", script, spec],
        env={**os.environ, "GGML_NO_BACKTRACE": "1"},
        capture_output=True,
        check=True,
        timeout=50,
    )
    log = (done.stdout + done.stderr).decode(errors="replace")

    def said(what: str) -> float:
        return sum(map(float, re.findall(rf"{what} buffer size *= *([0-9.]+) MiB", log)))

    return said


def told(plan: Plan, launch: Launch) -> MemoryNeed:
    """What the child of `launch` says of the file itself, without a hollow copy and a cage."""
    done = subprocess.run(
        [sys.executable, "-m", launch.module],
        input=json.dumps(dict(launch.spec)).encode() + b"\n",
        env={**os.environ, **launch.environment},
        capture_output=True,
        check=False,
        timeout=50,
    )
    needs = [ENGINE.read_dry_run(plan, line) for line in done.stdout.decode().splitlines()]
    found = [need for need in needs if need is not None]
    assert found, done.stderr.decode(errors="replace")
    return found[0]


async def test_the_0_5b_shape_is_counted_before_a_byte_of_its_weights_is_there(
    tmp_path: Path,
) -> None:
    sizes = {"layers": 24, "hidden": 896, "heads": 14, "ffn": 4864, "vocabulary": 151936}
    path = write_architecture(tmp_path / "m.gguf", "llama", hollow=True, **sizes)
    assert path.stat().st_blocks * 512 < 4 * MIB < path.stat().st_size
    plan = plan_of(path, context=8192, slots=1)
    need = await count_memory(plan, ENGINE, directory=tmp_path / "d")
    assert need.weights_bytes == count(plan).weights_bytes > 500 * MIB
    assert need.kv_bytes == 24 * 8192 * 2 * 2 * 2 * 64


@pytest.mark.parametrize("slots", [3, 5])
async def test_an_encoder_runs_with_any_number_of_slots(tmp_path: Path, slots: int) -> None:
    """The engine aborts where its step does not divide among them."""
    plan = plan_of(write_architecture(tmp_path / "m.gguf", "bert"), context=512, slots=slots)
    need = await count_memory(plan, ENGINE, directory=tmp_path / "d")
    assert close(need.compute_bytes, count(plan).compute_bytes)


async def test_an_architecture_that_the_engine_does_not_know_is_its_own_reason(
    tmp_path: Path,
) -> None:
    path = write_architecture(tmp_path / "m.gguf", "llama", hollow=True)
    path.write_bytes(path.read_bytes().replace(b"llama", b"lllma"))
    with pytest.raises(UnsupportedArchitectureError, match="lllma"):
        await count_memory(plan_of(path), ENGINE, directory=tmp_path / "d")


@pytest.mark.parametrize("key", ["ssm.conv_kernel", "attention.layer_norm_rms_epsilon"])
async def test_a_header_without_what_the_engine_needs_names_the_key(
    tmp_path: Path, key: str
) -> None:
    path = write_architecture(tmp_path / "m.gguf", "mamba", hollow=True)
    other = key[:-1] + "x"
    path.write_bytes(path.read_bytes().replace(f"mamba.{key}".encode(), f"mamba.{other}".encode()))
    plan = plan_of(path)
    with pytest.raises(ModelFileGarbageError, match=key):
        await count_memory(plan, ENGINE, directory=tmp_path / "d")
