"""The planner's memory beside the truth: what a real load reports, and what the system shows.

Each synthetic model is counted by the dry run, then really loaded with the same parameters; and a
worker is started with it, looked at once it has answered, and again when each of its slots is full.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import AT_MOST, Row, median
from models import half_b
from stoker.core.memory import COUNTED, MemoryNeed
from stoker.core.model import LocalModel, ModelRef, Task
from stoker.core.plan import Plan
from stoker.core.request import Kind, Request, Sampling
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.engines.llamacpp.dry_run import launch_dry_run
from stoker.models.facts import read_facts
from stoker.planning.memory.formula import completed, count, resident_bytes
from stoker.testing.architectures import write_architecture
from stoker.workers.caged import start_caged
from stoker.workers.dry_run import count_memory
from stoker.workers.lines import LineTail
from stoker.workers.process import Ears, memory_of
from stoker.workers.worker import Worker

ENGINE = LlamaCppEngine()
MB = 1e6
# Larger than the models that the process's figures were fitted to, and of other kinds.
MIDDLE: dict[str, Any] = {"hidden": 768, "heads": 12, "kv_heads": 4, "ffn": 2048, "layers": 6}


@dataclass(frozen=True, slots=True)
class Case:
    """A model of `architecture` with `sizes`, run as `wanted`."""

    architecture: str
    sizes: dict[str, Any]
    wanted: dict[str, Any] = field(default_factory=dict)
    words: str = ""

    @property
    def name(self) -> str:
        """What its rows are called."""
        return f"{self.architecture}{self.words}"


CASES = (
    Case("llama", MIDDLE | {"vocabulary": 48000}),
    Case("llama", MIDDLE | {"vocabulary": 48000}, {"repack": False}, ", mapped"),
    Case("llama", MIDDLE, {"kv_type": "q8_0", "slots": 4}, ", q8_0 cache, 4 slots"),
    Case("qwen2", MIDDLE | {"vocabulary": 100_000, "merges": 100_000}),
    Case("qwen3", MIDDLE | {"vocabulary": 16000, "head": 128}),
    Case("qwen3moe", {"layers": 4, "hidden": 512, "heads": 8, "expert_ffn": 512, "experts": 16}),
    Case("mixtral", MIDDLE | {"layers": 3, "vocabulary": 16000}),
    Case("gemma3", MIDDLE | {"layers": 12, "vocabulary": 64000}),
    Case("gemma4", MIDDLE | {"layers": 8, "vocabulary": 64000}),
    Case("gpt-oss", {"hidden": 512, "heads": 8, "vocabulary": 32000}),
    Case("deepseek2", {"hidden": 512, "heads": 8, "rank": 128, "vocabulary": 32000}),
    Case("mamba", {"hidden": 768, "layers": 8, "vocabulary": 32000}),
    Case("granitehybrid", MIDDLE | {"layers": 8, "period": 4, "vocabulary": 32000}),
    Case("lfm2", MIDDLE | {"vocabulary": 32000}),
    Case("phi3", MIDDLE | {"kv_heads": 12, "vocabulary": 32000}),
    Case("bert", {"hidden": 384, "heads": 12, "layers": 6, "ffn": 1536, "vocabulary": 30000}),
)
QUICK = ("llama", "gemma3", "deepseek2", "granitehybrid", "bert")
CONTEXT, SLOTS = 1024, 2


@dataclass(frozen=True, slots=True)
class Seen:
    """One model, predicted and measured, in bytes; `seconds` for its count, child and all."""

    name: str
    difference: int
    seconds: float
    at_load: tuple[int, int]
    when_full: tuple[int, int]


def memory_rows(quick: bool) -> list[Row]:
    """Exactness of the dry run, and resident memory predicted beside measured."""
    with tempfile.TemporaryDirectory(prefix="stoker-bench-") as folder:
        cases = [case for case in CASES if case.name in QUICK or not quick]
        seen = [asyncio.run(_synthetic(Path(folder), case)) for case in cases]
        if not quick:
            with half_b() as path:
                seen.append(asyncio.run(_look(_plan(path, slots=1), "0.5B shape", Path(folder))))
    rows = [_exactness(seen), _duration(seen)]
    for when in ("at_load", "when_full"):
        rows += _rows(seen, when)
    return rows


def notes() -> list[str]:
    return [
        "memory in MB; resident memory as /proc shows it (VmRSS: with shared code, not divided)",
        "measured: what the prediction is off by; the models were not used for its figures",
        f"weights, KV and compute: the dry run against a real load; {CONTEXT} tokens a slot",
    ]


def _exactness(seen: list[Seen]) -> Row:
    worst = max(abs(one.difference) for one in seen)
    name = f"weights + KV + compute of {len(seen)} models, largest difference"
    return Row(name, None, None, worst, "bytes", AT_MOST, 0)


def _duration(seen: list[Seen]) -> Row:
    slowest = 1000 * max(one.seconds for one in seen)
    return Row("counting the slowest of them, child and all", slowest, None, slowest, "ms")


def _rows(seen: list[Seen], when: str) -> list[Row]:
    words = when.replace("_", " ")
    pairs = {one.name: getattr(one, when) for one in seen}
    off = {name: 100 * abs(told / true - 1) for name, (told, true) in pairs.items()}
    rows = [
        Row(f"resident {words}, median", None, None, median(list(off.values())), "%", AT_MOST, 5),
        Row(f"resident {words}, worst", None, None, max(off.values()), "%", AT_MOST, 10),
    ]
    return rows + [
        Row(f"{name} {words}", told / MB, true / MB, off[name], "%")
        for name, (told, true) in pairs.items()
    ]


async def _synthetic(folder: Path, case: Case) -> Seen:
    path = write_architecture(folder / "m.gguf", case.architecture, **case.sizes)
    try:
        return await _look(_plan(path, **case.wanted), case.name, folder)
    finally:
        path.unlink()


def _plan(path: Path, **wanted: Any) -> Plan:
    facts = read_facts(path)
    usual = {"context": min(CONTEXT, facts.context_length), "slots": SLOTS, "threads": 2}
    return Plan(LocalModel(ModelRef("m"), path, facts), "llamacpp", **usual | wanted)


async def _look(plan: Plan, name: str, folder: Path) -> Seen:
    began = time.perf_counter()
    need = await count_memory(plan, ENGINE, directory=folder)
    took = time.perf_counter() - began
    difference = need.of(*COUNTED) - (await _loaded(plan, folder)).of(*COUNTED)
    whole = completed(need, plan)
    told = [resident_bytes(whole, plan, full=full) for full in (False, True)]
    at_load, when_full = await _resident(plan, folder)
    formula = count(plan)
    if formula.of(*COUNTED) != need.of(*COUNTED):
        print(f"{name}: the formula counts {formula.of(*COUNTED) - need.of(*COUNTED):+} bytes")
    return Seen(name, difference, took, (told[0], at_load), (told[1], when_full))


async def _loaded(plan: Plan, folder: Path) -> MemoryNeed:
    """What the engine says of a load that really takes the memory."""
    lines: list[str] = []
    ears = Ears(lines.append, LineTail(100, 1 << 15), 1 << 14)
    child = await start_caged(launch_dry_run(plan, allocate=True), folder, ears, 1024)
    await child.wait()
    needs = [need for line in lines if (need := ENGINE.read_dry_run(plan, line))]
    return needs[0]


async def _resident(plan: Plan, folder: Path) -> tuple[int, int]:
    """Resident memory of a worker that has answered once, and of one whose slots are full."""
    worker = Worker(plan, ENGINE, directory=folder)
    await worker.start()
    try:
        pid = worker.statistics().pid or 0
        at_load = memory_of(pid)[0]
        await asyncio.gather(*(_fill(worker, number) for number in range(plan.slots)))
        return at_load, memory_of(pid)[0]
    finally:
        await worker.stop(drain_s=0)


async def _fill(worker: Worker, number: int) -> None:
    """One slot's whole context: a token for each byte, and an answer to its end."""
    text = chr(65 + number) + "lo " * (worker.plan.context // 3 - 8)
    ref = worker.plan.model.ref
    if worker.plan.model.facts.task is Task.EMBED:
        request = Request(str(number), ref, Kind.EMBEDDING, inputs=(text,))
    else:
        sampling = Sampling(temperature=0.0, max_tokens=64)
        request = Request(str(number), ref, Kind.COMPLETION, inputs=(text,), sampling=sampling)
    async with worker.open(request) as stream:
        async for _ in stream:
            pass
