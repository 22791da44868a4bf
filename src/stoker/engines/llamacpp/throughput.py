"""How fast the engine multiplies, the parent's side: how to start the child, what it says.

What is measured: the prefill of a batch of tokens through one layer of random weights of one
format, all of it, by the engine's own kernels and with repacked weights where it repacks: what a
model's prefill gets. The operations counted are those of the weights' products alone (two for
each weight and token); norms, attention and the rest take a few hundredths of the time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from stoker.core.errors import EngineError, InvalidRequestError, LoadFailedError, StokerError
from stoker.engines.base import Launch, Passes

PASSES = "stoker:passes "
TOKENS = 256
BUDGET_S, EXTRA_S = 0.6, 0.4
THREADS_MAX = 1024
_CHILD = "stoker.engines.llamacpp.throughput_child"
_ERRORS: dict[str, type[StokerError]] = {"load": LoadFailedError, "engine": EngineError}
_PASSES_MAX = 1000


def launch_throughput(models: Mapping[str, Path], *, threads: int) -> Launch:
    """The child that times passes through each of `models`, by its name; it reads no other file.

    Raises:
        InvalidRequestError: there is no model, or no such number of threads.
    """
    if not models or not 1 <= threads <= THREADS_MAX:
        raise InvalidRequestError(f"Models are timed by 1 to {THREADS_MAX} threads")
    spec = {
        "models": {name: str(path.absolute()) for name, path in models.items()},
        "threads": threads,
        "tokens": TOKENS,
        "budget_s": BUDGET_S,
        "extra_s": EXTRA_S,
    }
    return Launch(_CHILD, spec, tuple(models.values()), {"GGML_NO_BACKTRACE": "1"})


def read_passes(line: str) -> Passes | None:
    """The passes that `line` of the child's output tells of; None if it is mere talk.

    Raises:
        LoadFailedError, EngineError: the child says why it cannot.
    """
    if not line.startswith(PASSES):
        return None
    try:
        told = json.loads(line.removeprefix(PASSES))
        if "error" in told:
            raise _ERRORS[told["kind"]](str(told["error"]))
        seconds = tuple(float(one) for one in told["seconds"][:_PASSES_MAX])
        return Passes(str(told["name"]), int(told["tokens"]), seconds)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError("The engine's child says something that is no timing") from error
