"""Measuring with the real engine, in the real cage, and the verb as a person uses it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import LoadFailedError, WorkerLostError
from stoker.engines.base import Launch
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.machine.document import parse_machine
from stoker.machine.measured.measuring import MATMUL_TYPES
from stoker.models.gguf.header import read_header
from stoker.models.synthetic.write import Shape, write_model
from stoker.testing.clock import ManualClock
from stoker.testing.running import COMMAND
from stoker.workers import throughput
from stoker.workers.throughput import DEADLINE_S, SHAPE, matmul_rates, ops_per_token

pytestmark = [pytest.mark.slow, pytest.mark.engine]
ENGINE = LlamaCppEngine()
SMALL = Shape(layers=1, hidden=256, heads=4, kv_heads=2, ffn=512, vocabulary=512, context=2048)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throughput, "SHAPE", SMALL)


def test_every_format_is_timed_and_nothing_is_left(small: None, tmp_path: Path) -> None:
    rates = asyncio.run(matmul_rates(ENGINE, MATMUL_TYPES, 1, tmp_path))
    assert set(rates) == set(MATMUL_TYPES)
    assert all(min(passes) > 0 for passes in rates.values())
    assert list(tmp_path.iterdir()) == []


def test_the_operations_are_those_of_the_files_matrices(tmp_path: Path) -> None:
    write_model(path := tmp_path / "m.gguf", SMALL)
    beside = (SMALL.vocabulary + 3) * SMALL.hidden  # the words' matrix, and three norms
    weights = read_header(path).parameters - beside
    assert ops_per_token(SMALL) == 2 * weights
    assert ops_per_token(SHAPE) > 10 * ops_per_token(SMALL)


def test_a_format_that_the_engine_cannot_load_is_an_error(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path, *_: object) -> None:
        path.write_bytes(b"GGUF" + b"\0" * 100)

    monkeypatch.setattr(throughput, "write_model", broken)
    with pytest.raises(LoadFailedError):
        asyncio.run(matmul_rates(ENGINE, ("F16",), 1, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_one_format_that_cannot_be_loaded_costs_those_after_it_alone(
    small: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_f16(path: Path, shape: Shape, kind: str) -> None:
        if kind == "F16":
            path.write_bytes(b"GGUF" + b"\0" * 100)
        else:
            write_model(path, shape, kind)

    monkeypatch.setattr(throughput, "write_model", broken_f16)
    rates = asyncio.run(matmul_rates(ENGINE, ("Q8_0", "F16", "Q4_0"), 1, tmp_path))
    assert list(rates) == ["Q8_0"]


def test_a_child_that_ends_without_a_word_is_an_error(small: None, tmp_path: Path) -> None:
    class Silent(LlamaCppEngine):
        def throughput(self, models: Mapping[str, Path], threads: int) -> Launch:
            return replace(super().throughput(models, threads), module="stoker.core.units")

    with pytest.raises(WorkerLostError):
        asyncio.run(matmul_rates(Silent(), ("F16",), 1, tmp_path))


async def test_at_its_deadline_the_child_is_ended_and_what_it_told_counts(
    small: None, tmp_path: Path
) -> None:
    clock = ManualClock()
    asking = asyncio.ensure_future(matmul_rates(ENGINE, ("F16",), 1, tmp_path, clock))
    await clock.wait_sleepers()
    await clock.advance(DEADLINE_S)
    assert await asking == {}
    assert not await asyncio.to_thread(lambda: list(tmp_path.iterdir()))


def test_the_verb_measures_once_and_prints_a_machine(tmp_path: Path) -> None:
    environment = {**os.environ, "STOKER_HOME": str(tmp_path / "home")}

    def run(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        command = [COMMAND, "machine", "--json", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, check=True, timeout=50)

    first, second = run(), run()
    machine, again = parse_machine(first.stdout), parse_machine(second.stdout)
    assert b"measured in" in first.stderr
    assert b"measured in" not in second.stderr
    assert machine.measured == again.measured
    assert machine.measured.conditions
    assert set(dict(machine.measured.missing)) | set(dict(machine.measured.spread)) == {
        "read_one",
        "read_all",
        *(f"matmul_{kind}" for kind in MATMUL_TYPES),
        "disk_read",
    }
    assert (machine.measured.read_bytes_s_all or 0) > 1e8
    assert json.loads(first.stdout)["stoker_machine"] == 1
