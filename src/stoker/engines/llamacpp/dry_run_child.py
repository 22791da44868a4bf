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
import importlib.util
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from stoker.engines.llamacpp.dry_run import MEMORY

_SPEC_BYTES_MAX = 1 << 20
_KINDS_MAX = 64
_MIB = 1 << 20
_LOAD_NONE, _LOAD_MMAP = 0, 1
_ERROR_LEVEL, _CONTINUED = 4, 5
_CPU, _GPU, _INTEGRATED = 0, 1, 2
_COMPUTE_WORDS = re.compile(r"compute buffer size = *([0-9.]+) MiB")

_INT, _UINT, _POINTER = ctypes.c_int32, ctypes.c_uint32, ctypes.c_void_p
_FLOAT, _BOOL, _SIZE = ctypes.c_float, ctypes.c_bool, ctypes.c_size_t
# Behind each struct some room, as large as a newer build might fill.
_ROOM = ("room", ctypes.c_uint8 * 64)


class _ModelParams(ctypes.Structure):
    _fields_ = (
        ("devices", _POINTER),
        ("tensor_buft_overrides", _POINTER),
        ("n_gpu_layers", _INT),
        ("split_mode", _INT),
        ("load_mode", _INT),
        ("lazy_mode", _INT),
        ("main_gpu", _INT),
        ("tensor_split", _POINTER),
        ("progress_callback", _POINTER),
        ("progress_callback_user_data", _POINTER),
        ("kv_overrides", _POINTER),
        ("vocab_only", _BOOL),
        ("check_tensors", _BOOL),
        ("use_extra_bufts", _BOOL),
        ("no_host", _BOOL),
        ("no_alloc", _BOOL),
        ("load_mtp", _BOOL),
        _ROOM,
    )


class _ContextParams(ctypes.Structure):
    _fields_ = (
        ("n_ctx", _UINT),
        ("n_batch", _UINT),
        ("n_ubatch", _UINT),
        ("n_seq_max", _UINT),
        ("n_rs_seq", _UINT),
        ("n_outputs_max", _UINT),
        ("n_outputs_max_per_seq", _UINT),
        ("n_threads", _INT),
        ("n_threads_batch", _INT),
        ("ctx_type", _INT),
        ("rope_scaling_type", _INT),
        ("pooling_type", _INT),
        ("attention_type", _INT),
        ("flash_attn_type", _INT),
        ("rope_freq_base", _FLOAT),
        ("rope_freq_scale", _FLOAT),
        ("yarn_ext_factor", _FLOAT),
        ("yarn_attn_factor", _FLOAT),
        ("yarn_beta_fast", _FLOAT),
        ("yarn_beta_slow", _FLOAT),
        ("yarn_orig_ctx", _UINT),
        ("defrag_thold", _FLOAT),
        ("cb_eval", _POINTER),
        ("cb_eval_user_data", _POINTER),
        ("type_k", _INT),
        ("type_v", _INT),
        ("moe_cache_size", _SIZE),
        ("abort_callback", _POINTER),
        ("abort_callback_data", _POINTER),
        ("embeddings", _BOOL),
        ("offload_kqv", _BOOL),
        ("no_perf", _BOOL),
        ("op_offload", _BOOL),
        ("swa_full", _BOOL),
        ("kv_unified", _BOOL),
        ("samplers", _POINTER),
        ("n_samplers", _SIZE),
        ("ctx_other", _POINTER),
        _ROOM,
    )


class _Map(ctypes.Structure):
    """`std::map` of libstdc++: a comparison, the tree's head, and how many there are."""

    _fields_ = (
        ("compare", _POINTER),
        ("colour", _POINTER),
        ("root", _POINTER),
        ("first", _POINTER),
        ("last", _POINTER),
        ("count", _SIZE),
    )


class _Node(ctypes.Structure):
    """One node of that tree: a kind of buffer and its bytes."""

    _fields_ = (
        ("colour", _POINTER),
        ("parent", _POINTER),
        ("left", _POINTER),
        ("right", _POINTER),
        ("kind", _POINTER),
        ("model", _SIZE),
        ("context", _SIZE),
        ("compute", _SIZE),
    )


# What the defaults are; every field that is not here is 0.
_MODEL_DEFAULTS = {
    "n_gpu_layers": -1,
    "split_mode": 1,
    "load_mode": -1,
    "lazy_mode": 1,
    "use_extra_bufts": True,
}
_CONTEXT_DEFAULTS = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "n_outputs_max_per_seq": 1,
    "n_threads": 4,
    "n_threads_batch": 4,
    "rope_scaling_type": -1,
    "pooling_type": -1,
    "attention_type": -1,
    "flash_attn_type": -1,
    "yarn_ext_factor": -1.0,
    "yarn_attn_factor": -1.0,
    "yarn_beta_fast": -1.0,
    "yarn_beta_slow": -1.0,
    "defrag_thold": -1.0,
    "type_k": 1,
    "type_v": 1,
    "offload_kqv": True,
    "no_perf": True,
    "op_offload": True,
    "swa_full": True,
}

_LogCallback = ctypes.CFUNCTYPE(None, _INT, ctypes.c_char_p, _POINTER)
_BREAKDOWN = "_Z26llama_get_memory_breakdownPK13llama_context"
# Result, then arguments.
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "llama_log_set": (None, _LogCallback, _POINTER),
    "llama_backend_init": (None,),
    "llama_model_default_params": (_ModelParams,),
    "llama_context_default_params": (_ContextParams,),
    "llama_model_load_from_file": (_POINTER, ctypes.c_char_p, _ModelParams),
    "llama_init_from_model": (_POINTER, _POINTER, _ContextParams),
    "llama_n_ctx": (_UINT, _POINTER),
    "llama_n_batch": (_UINT, _POINTER),
    "llama_n_ubatch": (_UINT, _POINTER),
    "llama_n_seq_max": (_UINT, _POINTER),
    _BREAKDOWN: (_Map, _POINTER),
    "ggml_backend_buft_name": (ctypes.c_char_p, _POINTER),
    "ggml_backend_buft_is_host": (_BOOL, _POINTER),
    "ggml_backend_buft_get_device": (_POINTER, _POINTER),
    "ggml_backend_dev_count": (_SIZE,),
    "ggml_backend_dev_get": (_POINTER, _SIZE),
    "ggml_backend_dev_type": (_INT, _POINTER),
}


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
        self._lib = self._library()
        self._compute_mib = 0.0
        self._last_level = 0
        self._log = _LogCallback(self._hear)  # kept, for the engine calls it as long as we live

    def run(self) -> None:
        """Build the model and a context, check, and tell what they take."""
        self._lib.llama_log_set(self._log, None)
        self._lib.llama_backend_init()
        context = self._context(self._model())
        buffers = list(self._buffers(context))
        self._check_words(buffers)
        self._say(allocated=bool(self._spec["allocate"]), buffers=buffers)

    def _library(self) -> Any:
        found = importlib.util.find_spec("xllamacpp")
        folder = Path(found.origin).parent if found and found.origin else Path()
        files = sorted(folder.glob("xllamacpp*.so"))
        if not files:
            self._fail("engine", "the engine's shared object is not there")
        library = ctypes.CDLL(str(files[0]))
        try:
            for name, (result, *arguments) in _SIGNATURES.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
        except AttributeError as error:
            self._fail("engine", f"the engine does not export what is needed: {error}")
        return library

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
        self._check_defaults(params, _MODEL_DEFAULTS)
        params.no_alloc = not self._spec["allocate"]
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
        self._check_defaults(params, _CONTEXT_DEFAULTS)
        for name in ("n_ctx", "n_batch", "n_ubatch", "n_outputs_max"):
            setattr(params, name, self._spec[name])
        params.n_seq_max = self._spec["n_parallel"]
        params.embeddings = self._spec["embedding"]
        params.type_k = params.type_v = self._spec["kv_type"]
        params.swa_full = params.kv_unified = False
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
        breakdown = getattr(self._lib, _BREAKDOWN)(context)
        if not 1 <= breakdown.count <= _KINDS_MAX:
            self._fail("engine", "the engine's count has another form than this one knows")
        nodes = list(_walk(breakdown.root, breakdown.count))
        if len(nodes) != breakdown.count:
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


def _walk(address: int | None, left: int) -> Iterator[_Node]:
    """The nodes below `address` in order, no more than `left`, whatever the tree looks like."""
    if not address or left <= 0:
        return
    node = _Node.from_address(address)
    seen = 0
    for one in _walk(node.left, left):
        seen += 1
        yield one
    yield node
    yield from _walk(node.right, left - seen - 1)


if __name__ == "__main__":
    main()
