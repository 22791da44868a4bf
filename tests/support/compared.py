"""Kept comparisons made by hand: a model called shop, and smaller files of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stoker.core.comparison import (
    KeptComparison,
    Lineage,
    ModelCompared,
    RunMeasured,
    TasksMeasured,
    TasksUsed,
    TextMeasured,
)
from stoker.core.estimate import Interval
from stoker.core.units import MIB

SHOP = Lineage("shop", "llama", 8_000_000_000, 32, 4096, 32000)
TASKS = TasksUsed("mine.jsonl", "sha256:" + "7" * 64, own=True)
RUN = RunMeasured(500 * MIB, 1024, 1000, Interval(400.0, 500.0, 550.0), Interval(18.0, 20.0, 22.0))
ENGINE = "xllamacpp 1"


def digest(letter: str) -> str:
    """A digest that nothing has."""
    return f"sha256:{letter * 64}"


def answers(right: int, total: int = 200, **more: Any) -> TasksMeasured:
    """So many right, with an interval of five points on either side."""
    share = right / total
    low, high = max(0.0, share - 0.05), min(1.0, share + 0.05)
    return TasksMeasured(right, total, low, high, **more)


def model(quantization: str, letter: str, **more: Any) -> ModelCompared:
    """One file of shop, in full, unless `more` says else; the reference where it is F16."""
    smaller = quantization != "F16"
    text = TextMeasured(900, 5.0)
    if smaller:
        text = TextMeasured(900, 5.5, 0.02, 0.001, 0.97)
    known = ModelCompared(
        model="shop",
        quantization=quantization,
        digest=digest(letter),
        lineage=SHOP,
        file_bytes=(4 if smaller else 16) * MIB,
        context_length=4096,
        made=smaller,
        kin=smaller,
        text=text,
        tasks=answers(190, lost=6, won=2) if smaller else answers(194),
        run=RUN if smaller else replace(RUN, memory_bytes=900 * MIB),
    )
    return replace(known, **more)


def kept(*models: ModelCompared, **more: Any) -> KeptComparison:
    """A comparison of `models`, by default of F16 and Q4_0, of which Q4_0 is enough."""
    chosen = models or (model("F16", "a"), model("Q4_0", "b"))
    known = KeptComparison(
        date="2026-11-26 17:35 UTC",
        stoker="0.1.0",
        engine=ENGINE,
        tasks=TASKS,
        text="mine.txt",
        models=chosen,
        best=0,
        cheapest=len(chosen) - 1,
        least_visible_loss=6,
    )
    return replace(known, **more)
