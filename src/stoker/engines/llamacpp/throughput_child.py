"""The process that times the engine's prefill: `python -m` in the cage, by the engine's C API.

Reads its spec from standard input, one JSON line, and writes a line for each model: the seconds
of each pass of a whole batch through it. The first pass, which touches the memory for the first
time, is not told unless it alone takes the time that a model has.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from stoker.engines.llamacpp.c_library import (
    BOOL,
    CONTEXT_DEFAULTS,
    INT,
    POINTER,
    TEXT,
    UINT,
    Batch,
    Opaque,
    UnknownLibraryError,
    open_library,
)
from stoker.engines.llamacpp.throughput import PASSES
from stoker.machine.measured.passes import Limits, run_passes

CONTEXT = 768  # not the engine's default, so that reading it back proves that it was set
_TOKENS_MAX = CONTEXT_DEFAULTS[2]
_SPEC_BYTES_MAX = 1 << 20
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "llama_backend_init": (None,),
    "llama_model_default_params": (Opaque,),
    "llama_context_default_params": (Opaque,),
    "llama_model_load_from_file": (POINTER, TEXT, Opaque),
    "llama_model_free": (None, POINTER),
    "llama_init_from_model": (POINTER, POINTER, Opaque),
    "llama_free": (None, POINTER),
    "llama_set_n_threads": (None, POINTER, INT, INT),
    "llama_n_ctx": (UINT, POINTER),
    "llama_batch_init": (Batch, INT, INT, INT),
    "llama_batch_free": (None, Batch),
    "llama_decode": (INT, POINTER, Batch),
    "llama_get_memory": (POINTER, POINTER),
    "llama_memory_clear": (None, POINTER, BOOL),
}


def main() -> None:
    """Write the lines that the spec on standard input asks for."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever the engine prints is talk
    Timer(out, json.loads(_read_line())).run()
    os._exit(0)  # the engine's own ending is slow, and proves nothing


def _read_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece or len(line) > _SPEC_BYTES_MAX:
            os._exit(2)
        line += piece
    return line


class Timer:
    """The models of one spec, timed one after another; writes to the descriptor `out`."""

    def __init__(self, out: int, spec: dict[str, Any]) -> None:
        self._out = out
        self._spec = spec
        self._tokens = min(spec["tokens"], _TOKENS_MAX)
        try:
            self._lib = open_library(_SIGNATURES)
        except UnknownLibraryError as error:
            self._fail("engine", str(error))

    def run(self) -> None:
        """Tell of each model's passes."""
        self._lib.llama_backend_init()
        for name, path in self._spec["models"].items():
            with self._context(path) as context:
                seconds = self._passes(context)
            self._say(name=name, tokens=self._tokens, seconds=seconds)

    @contextmanager
    def _context(self, path: str) -> Iterator[int]:
        params = self._lib.llama_model_default_params()
        model = self._lib.llama_model_load_from_file(os.fsencode(path), params)
        if not model:
            self._fail("load", "the engine could not load a model of random weights")
        params = self._lib.llama_context_default_params()
        if tuple(params.words[:4]) != CONTEXT_DEFAULTS:
            self._fail("engine", "the engine's parameters have another layout than this one knows")
        params.words[0] = CONTEXT
        context = self._lib.llama_init_from_model(model, params)
        if not context or self._lib.llama_n_ctx(context) != CONTEXT:
            self._fail("engine", "the engine took other parameters than it was given")
        self._lib.llama_set_n_threads(context, self._spec["threads"], self._spec["threads"])
        yield context
        self._lib.llama_free(context)
        self._lib.llama_model_free(model)

    def _passes(self, context: int) -> list[float]:
        batch = self._batch()
        begun = time.perf_counter()
        self._pass(context, batch)
        first = time.perf_counter() - begun
        if first >= self._spec["budget_s"]:
            return [first]
        limits = Limits(self._spec["budget_s"], self._spec["extra_s"])
        seconds = [1 / rate for rate in run_passes(lambda: self._pass(context, batch), 1, limits)]
        self._lib.llama_batch_free(batch)
        return seconds

    def _pass(self, context: int, batch: Any) -> None:
        self._lib.llama_memory_clear(self._lib.llama_get_memory(context), True)  # noqa: FBT003 - C
        if status := self._lib.llama_decode(context, batch):
            self._fail("engine", f"the engine could not read the tokens: status {status}")

    def _batch(self) -> Any:
        batch = self._lib.llama_batch_init(self._tokens, 0, 1)
        if batch.embd or not (batch.token and batch.pos and batch.seq_id and batch.logits):
            self._fail("engine", "the engine's batch has another layout than this one knows")
        batch.n_tokens = self._tokens
        for at in range(self._tokens):
            batch.token[at], batch.pos[at], batch.n_seq_id[at] = at, at, 1
            batch.seq_id[at][0] = 0
            batch.logits[at] = int(at == self._tokens - 1)
        return batch

    def _say(self, **fields: Any) -> None:
        rest = memoryview((PASSES + json.dumps(fields) + "\n").encode())
        while rest:
            rest = rest[os.write(self._out, rest) :]

    def _fail(self, kind: str, words: str) -> NoReturn:
        sys.stderr.write(words + "\n")
        sys.stderr.flush()
        self._say(kind=kind, error=words)
        os._exit(1)


if __name__ == "__main__":
    main()
