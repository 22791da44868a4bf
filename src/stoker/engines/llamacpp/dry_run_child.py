"""The process that counts a model's memory: it builds everything and takes nothing.

Run in the cage as `python -m stoker.engines.llamacpp.dry_run_child`. Reads its spec from standard
input, one JSON line, and writes one line: `stoker:memory` and bytes by kind of buffer.

It reaches the engine's C interface through ctypes, for the wheel offers nothing of it in Python.
The breakdown is a C++ map by value, which both common calling conventions return as they return a
large struct; its form is libstdc++'s. The forms of the parameters belong to this very build of the
engine, so all is checked before a figure is told: the defaults field by field, what the context
says of itself, the map's own count, and the bytes of one buffer against the engine's words.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from stoker.engines.llamacpp.c_library import UnknownLibraryError, open_library
from stoker.engines.llamacpp.dry_run import MEMORY
from stoker.engines.llamacpp.forms import (
    BREAKDOWN,
    CONTEXT_DEFAULTS,
    MODEL_DEFAULTS,
    SIGNATURES,
    LogCallback,
    Node,
)

_SPEC_BYTES_MAX = 1 << 20
_KINDS_MAX = 64
_MIB = 1 << 20
_LOAD_NONE, _LOAD_MMAP = 0, 1
_ERROR_LEVEL, _CONTINUED = 4, 5
_CPU, _GPU, _INTEGRATED = 0, 1, 2
_COMPUTE_WORDS = re.compile(r"compute buffer size = *([0-9.]+) MiB")


def main() -> None:
    """Write the one line that the spec on standard input asks for."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever the engine prints is talk
    spec = json.loads(_read_line())
    Counter(out, spec).run()
    os._exit(0)  # the engine's own ending is slow, and proves nothing


def _read_line() -> bytes:
    """The spec; nothing follows it, so that more than the line may be taken at once."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece or len(line) > _SPEC_BYTES_MAX:
            os._exit(2)
        line += piece
    return line


class Counter:
    """One model and one context; writes to the descriptor `out`."""

    def __init__(self, out: int, spec: dict[str, Any]) -> None:
        self._out = out
        self._spec = spec
        try:
            self._lib = open_library(SIGNATURES)
        except UnknownLibraryError as error:
            self._fail("engine", str(error))
        self._compute_mib = 0.0
        self._last_level = 0
        self._log = LogCallback(self._hear)  # kept, for the engine calls it as long as we live

    def run(self) -> None:
        """Build the model and a context, check, and tell what they take."""
        self._lib.llama_log_set(self._log, None)
        self._lib.llama_backend_init()
        context = self._context(self._model())
        buffers = list(self._buffers(context))
        self._check_words(buffers)
        self._say(allocated=bool(self._spec["allocate"]), buffers=buffers)

    def _hear(self, level: int, text: bytes, _: object) -> None:
        """Pass on what the engine says of errors, and note what it says of its buffers."""
        self._last_level = self._last_level if level == _CONTINUED else level
        if self._last_level == _ERROR_LEVEL:
            sys.stderr.write(text.decode(errors="replace"))
            sys.stderr.flush()
        elif found := _COMPUTE_WORDS.search(text.decode(errors="replace")):
            self._compute_mib += float(found[1])

    def _model(self) -> int:
        params = self._lib.llama_model_default_params()
        self._check_defaults(params, MODEL_DEFAULTS)
        params.no_alloc = not self._spec["allocate"]
        params.n_gpu_layers = self._spec["n_gpu_layers"]
        params.use_extra_bufts = self._spec["repack"]
        # A dry run of a mapped file is refused: the reader of our line knows what is mapped.
        mapped = self._spec["allocate"] and not self._spec["repack"]
        params.load_mode = _LOAD_MMAP if mapped else _LOAD_NONE
        path = os.fsencode(self._spec["model"])
        model: int | None = self._lib.llama_model_load_from_file(path, params)
        if not model:
            os._exit(1)  # the reason is on standard error already, in the engine's words
        return model

    def _context(self, model: int) -> int:
        params = self._lib.llama_context_default_params()
        self._check_defaults(params, CONTEXT_DEFAULTS)
        for name in ("n_ctx", "n_batch", "n_ubatch", "n_outputs_max"):
            setattr(params, name, self._spec[name])
        params.n_seq_max = self._spec["n_parallel"]
        params.embeddings = self._spec["embedding"]
        params.type_k = params.type_v = self._spec["kv_type"]
        params.swa_full = params.kv_unified = False
        params.offload_kqv = params.op_offload = self._spec["n_gpu_layers"] > 0
        context: int | None = self._lib.llama_init_from_model(model, params)
        if not context:
            os._exit(1)
        self._check_context(context)
        return context

    def _check_defaults(self, params: ctypes.Structure, known: dict[str, Any]) -> None:
        for name, *_ in params._fields_[:-1]:
            value = getattr(params, name) or 0
            if value != known.get(name, 0):
                self._fail("engine", f"the engine's {name} is {value}: its parameters are others")

    def _check_context(self, context: int) -> None:
        """What was set must be what the engine says, or the fields lie elsewhere."""
        slots, batch = self._spec["n_parallel"], self._spec["n_batch"]
        expected = _cells(self._spec["n_ctx"], slots) * slots
        told = tuple(
            getattr(self._lib, f"llama_{name}")(context)
            for name in ("n_ctx", "n_seq_max", "n_batch", "n_ubatch")
        )
        batches = {batch, min(batch, self._spec["n_ctx"])}
        steps = {min(self._spec["n_ubatch"], one) for one in batches}
        if told[:2] != (expected, slots) or told[2] not in batches or told[3] not in steps:
            self._fail("engine", f"the engine took other parameters than it was given: {told}")

    def _buffers(self, context: int) -> Iterator[dict[str, Any]]:
        breakdown = getattr(self._lib, BREAKDOWN)(context)
        nodes = _walk(breakdown.root, _KINDS_MAX)
        if not nodes or len(nodes) != breakdown.count:
            self._fail("engine", "the engine's count has another form than this one knows")
        graphics = self._graphics()
        for node in nodes:
            yield {
                "name": self._lib.ggml_backend_buft_name(node.kind).decode(),
                "device": self._device(node.kind, graphics),
                "model": node.model,
                "context": node.context,
                "compute": node.compute,
            }

    def _graphics(self) -> dict[int, str]:
        """The names of the devices that are not processors."""
        count = min(self._lib.ggml_backend_dev_count(), _KINDS_MAX)
        devices = [self._lib.ggml_backend_dev_get(at) for at in range(count)]
        own = [
            one for one in devices if self._lib.ggml_backend_dev_type(one) in (_GPU, _INTEGRATED)
        ]
        return {device: f"gpu{number}" for number, device in enumerate(own)}

    def _device(self, kind: int, graphics: dict[int, str]) -> str:
        if self._lib.ggml_backend_buft_is_host(kind):
            return "cpu"
        return graphics.get(self._lib.ggml_backend_buft_get_device(kind) or 0, "cpu")

    def _check_words(self, buffers: list[dict[str, Any]]) -> None:
        """The engine also says the compute buffers in words; the map must agree with them."""
        compute = sum(one["compute"] for one in buffers)
        if abs(compute / _MIB - self._compute_mib) > 0.01 * len(buffers):
            words = f"{self._compute_mib} MiB in words and {compute} bytes in figures"
            self._fail("engine", f"the engine counts {words}")

    def _say(self, **fields: Any) -> None:
        line = MEMORY + json.dumps(fields) + "\n"
        os.write(self._out, line.encode())

    def _fail(self, kind: str, words: str) -> NoReturn:
        self._say(kind=kind, error=words)
        os._exit(1)


def _cells(n_ctx: int, slots: int) -> int:
    """How many tokens a slot's cache holds: the engine rounds up to 256, twice."""
    whole = (n_ctx + 255) // 256 * 256
    return (whole // slots + 255) // 256 * 256


def _walk(root: int | None, most: int) -> list[Node]:
    """The nodes below `root` in order, no more than `most`, whatever the tree looks like."""
    seen: list[Node] = []
    above: list[Node] = []
    at = root
    while (at or above) and len(seen) < most:
        while at and len(above) < most:
            above.append(Node.from_address(at))
            at = above[-1].left
        seen.append(above.pop())
        at = seen[-1].right
    return seen


if __name__ == "__main__":
    main()
