"""Reports made by hand, for whatever shows them."""

from __future__ import annotations

import pytest

from stoker.comparing.accuracy import accuracy
from stoker.comparing.report import (
    Divergences,
    Report,
    Row,
    Settings,
    Speed,
    TaskScore,
    TextScore,
    WrongAnswer,
)
from stoker.comparing.verdict import Answers, judge

MIB = 1 << 20


def score(wrong: int, total: int = 40) -> TaskScore:
    """All tasks of two categories; the first `wrong` are wrong."""
    half = total // 2
    first = min(wrong, half)
    return TaskScore(
        accuracy=accuracy(total - wrong, total),
        by_category={
            "sums": accuracy(half - first, half),
            "names": accuracy(half - (wrong - first), half),
        },
        failed=0,
        wrong=tuple(WrongAnswer(at, "no") for at in range(wrong)),
    )


def row(name: str, size_mib: float, kl: float | None, wrong: int) -> Row:
    """A candidate that was measured in full."""
    divergence = Divergences(500, kl, kl / 5, kl * 8, 0.99) if kl is not None else None
    by_category = {"sums": divergence, "names": divergence} if divergence else {}
    return Row(
        name=name,
        model="shop",
        quantization=name.upper(),
        file_bytes=int(size_mib * MIB),
        bits_per_weight=8.0,
        context_tokens=1024,
        memory_predicted_bytes=int(size_mib * MIB) + 3 * MIB,
        memory_peak_bytes=int(size_mib * MIB) + 45 * MIB,
        prefill=Speed(4000.0, 3600.0, 4400.0, 5),
        decode=Speed(88.25, 80.0, 90.0, 5),
        text=TextScore(500, 1.5, 0.3, divergence, by_category),
        tasks=score(wrong),
    )


@pytest.fixture
def report() -> Report:
    """Three precisions of one model, the smallest of them clearly worse."""
    rows = [row("f16", 10.0, None, 1), row("q8_0", 5.4, 0.0000071, 1), row("q2", 2.0, 0.4, 20)]
    answers = [
        Answers(one.name, one.file_bytes or 0, one.tasks.right()) for one in rows if one.tasks
    ]
    return Report(
        base="f16",
        settings=Settings(slots=4, threads=1, rounds=5, cores=2),
        tasks_source="mine.jsonl",
        text_source="mine.txt",
        memory_predicted_by="weights + KV cache",
        rows=rows,
        stoker="0.0.0",
        date="2030-01-01 00:00 UTC",
        partial=False,
        verdict=judge(answers),
        seconds={"making": 1.0},
    )
