"""The process that holds one model: it reads its orders, loads, serves, and ends with its parent.

Owns the engine's life inside the process. What to load and how is decided by `spec`; what a
failure means by `failures`. The engine's constructor holds the interpreter's lock for the whole
load, and its destructor can hang; so every way out of here works without either.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
from typing import Any

from stoker.engines.llamacpp.reports import write_report

_STDIN, _STDOUT = 0, 1
_SPEC_BYTES_MAX = 1 << 20
# `common_log_main()` and `common_log_flush(log)`, as C++ names them.
_LOG, _LOG_FLUSH = "_Z15common_log_mainv", "_Z16common_log_flushP10common_log"


def main() -> None:
    """Serve what the first line of standard input says, until standard input closes."""
    _obey_signals()
    _report("started")
    spec = _read_spec()
    _end_with_parent()
    params = _params(spec)
    _report("imported")
    _report("loading")
    server = _load(params)
    _report("listening")
    _wait_for_end()
    del server  # unreachable: kept alive until here, and never destroyed


def _obey_signals() -> None:
    # The default action needs no interpreter, so it works during the load too. A Ctrl-C goes to
    # the whole terminal: the parent drains, and ends this process when it is done.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read_spec() -> dict[str, Any]:
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = os.read(_STDIN, 1)  # a larger read could take what follows the line
        if not piece or len(line) > _SPEC_BYTES_MAX:
            os._exit(2)
        line += piece
    spec: dict[str, Any] = json.loads(line)
    return spec


def _end_with_parent() -> None:
    """Let the kernel end this process when standard input closes, even in the middle of a load."""
    with contextlib.suppress(ImportError, OSError, AttributeError):
        # Not everywhere; `_wait_for_end` is the portable half, from the end of the load on.
        import fcntl  # noqa: PLC0415 - Windows has none

        signal.signal(signal.SIGIO, signal.SIG_DFL)
        fcntl.fcntl(_STDIN, fcntl.F_SETOWN, os.getpid())
        flags = fcntl.fcntl(_STDIN, fcntl.F_GETFL)
        fcntl.fcntl(_STDIN, fcntl.F_SETFL, flags | os.O_ASYNC)
    if select.select([_STDIN], [], [], 0)[0]:
        os._exit(0)  # it closed before the kernel was asked to watch it


def _params(spec: dict[str, Any]) -> Any:
    import xllamacpp  # noqa: PLC0415 - the engine's library belongs to this process alone

    params = xllamacpp.CommonParams()
    params.model.path = spec["model"]
    params.model_alias = {spec["alias"]}
    params.hostnames = [spec["socket"]]
    for name in ("n_ctx", "n_parallel", "n_threads_http", "n_batch", "n_ubatch", "embedding"):
        setattr(params, name, spec[name])
    _set_device(params, spec["n_gpu_layers"])
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = spec["n_threads"]
    params.cache_ram_mib = spec["cache_ram_mib"]
    params.cache_idle_slots = spec["cache_ram_mib"] > 0
    params.n_ctx_checkpoints = spec["n_ctx_checkpoints"]
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type(spec["kv_type"])
    _set_weights(params, xllamacpp.llama_load_mode, repack=spec["repack"])
    _set_fixed(params)
    return params


def _set_device(params: Any, gpu_layers: int) -> None:
    params.n_gpu_layers = gpu_layers
    if not gpu_layers:  # nor may a GPU help with long prompts, or keep what attention looks back on
        params.no_kv_offload = params.no_op_offload = True


def _set_weights(params: Any, modes: Any, *, repack: bool) -> None:
    # Repacked weights beside the mapped file would take the memory twice.
    params.no_extra_bufts = not repack
    params.load_mode = modes.LLAMA_LOAD_MODE_NONE if repack else modes.LLAMA_LOAD_MODE_MMAP


def _set_fixed(params: Any) -> None:
    params.kv_unified = False  # shared cells let one overflow fail every request
    params.fit_params = False  # it looks at the machine's memory, not at ours
    params.warmup = False  # the parent's first prompt warms up, and proves that it answers
    params.endpoint_metrics = True
    params.ui = False
    params.verbosity = 2  # warnings and errors; a line for each request costs time


def _load(params: Any) -> Any:
    import xllamacpp  # noqa: PLC0415 - see _params

    os.umask(0o077)  # the socket is its owner's alone
    try:
        return xllamacpp.Server(params)
    except RuntimeError:
        _flush_log()
        os._exit(1)  # the reason is on standard error, in the engine's words


def _flush_log() -> None:
    """Wait until the engine's logging thread has written all; without, its reason may be lost."""
    import xllamacpp.xllamacpp as engine  # noqa: PLC0415 - see _params

    with contextlib.suppress(AttributeError, OSError):  # another build: the reason may be lost
        library = ctypes.CDLL(engine.__file__)
        log, flush = library[_LOG], library[_LOG_FLUSH]
        log.restype, flush.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        flush(log())


def _wait_for_end() -> None:
    while os.read(_STDIN, 4096):
        pass
    os._exit(0)


def _report(stage: str) -> None:
    os.write(_STDOUT, (write_report(stage) + "\n").encode())


if __name__ == "__main__":
    main()
