"""Prefill and decode through Stoker, against the bare wheel with the same parameters.

    python benchmarks/engine.py [--quick]

The model has random weights in the shape of a 0.5B model. Prefill: a prompt of about 512 tokens
and one token of answer. Decode: a short prompt and 64 tokens. Both sides answer the same
questions in turns, each in a process that stays loaded. By the clock is what the caller waits for
the whole answer; by the engine is what the engine says of itself.
"""

from __future__ import annotations

import operator
import time
from pathlib import Path

from harness import AT_LEAST, Result, Row, main, median, pairwise
from models import Bare, half_b
from stoker.library.blocking import LocalModelRuntime

# Name, tokens of the prompt, tokens of the answer, pairs. Two spinning threads on two cores lose
# much to whatever else runs for an instant: single pairs were seen between 0.75 and 3.5.
PREFILL = ("prefill", 512, 1, 9)
DECODE = ("decode", 16, 64, 21)
QUICK_PAIRS = 2


def measure(quick: bool) -> Result:
    with half_b() as path:
        rows = compare(path, QUICK_PAIRS if quick else None)
    return Result("engine", "bare wheel", rows, notes=NOTES)


NOTES = ["tokens/s; the model: random weights in the shape of a 0.5B model, Q8_0"]


def compare(path: Path, pairs: int | None) -> list[Row]:
    """Rates of both, and their ratio, for prefill and decode; `pairs` where not the usual ones."""
    with LocalModelRuntime(str(path)) as runtime:
        bare = Bare(runtime.plan)
        try:
            return [
                row
                for name, prompt, tokens, usual in (PREFILL, DECODE)
                for row in rates(runtime, bare, name, (prompt, tokens, pairs or usual))
            ]
        finally:
            bare.close()


def rates(
    runtime: LocalModelRuntime, bare: Bare, name: str, sizes: tuple[int, int, int]
) -> list[Row]:
    """The rows of `name`; `sizes` are tokens of the prompt, tokens of the answer, and rounds."""
    prompt, tokens, rounds = sizes
    count = tokens if tokens > 1 else prompt
    clock, engine = [], []
    for turn in range(rounds + 1):
        text = f"{chr(65 + turn)} " + "lo " * (prompt // 3)  # a token for each byte
        if turn % 2:  # neither side is always the one that follows the other
            ours = ask_stoker(runtime, text, tokens)
            alone = ask_bare(bare, text, tokens)
        else:
            alone = ask_bare(bare, text, tokens)
            ours = ask_stoker(runtime, text, tokens)
        if turn:
            clock.append((count / ours[0], count / alone[0]))
            index = 2 if tokens > 1 else 1
            engine.append((ours[index], alone[index]))
    return [row(f"{name}, by the clock", clock), row(f"{name}, by the engine", engine)]


def ask_stoker(runtime: LocalModelRuntime, text: str, tokens: int) -> tuple[float, float, float]:
    """Seconds, and the engine's own rates of prefill and decode."""
    began = time.perf_counter()
    answer = runtime.generate(text, max_tokens=tokens, temperature=0.0)
    took = time.perf_counter() - began
    check(answer.usage.completion_tokens, tokens)
    return took, answer.timings.prefill_tok_s or 0.0, answer.timings.decode_tok_s or 0.0


def ask_bare(bare: Bare, text: str, tokens: int) -> tuple[float, float, float]:
    """The same of the engine alone."""
    answer = bare.ask(text, tokens)
    timings = answer["timings"]
    check(timings["predicted_n"], tokens)
    return answer["s"], timings["prompt_per_second"], timings["predicted_per_second"]


def check(told: int, asked: int) -> None:
    """Refuse to compare answers of different lengths."""
    if told != asked:
        raise RuntimeError(f"an answer of {told} tokens, not {asked}")


def row(name: str, pairs: list[tuple[float, float]]) -> Row:
    """Tokens a second of both, and the ratio."""
    ours, alone = ([pair[side] for pair in pairs] for side in (0, 1))
    ratio = pairwise(ours, alone, operator.truediv)
    return Row(name, median(ours), median(alone), ratio, "", AT_LEAST, 0.98)


if __name__ == "__main__":
    main(measure, __doc__)
