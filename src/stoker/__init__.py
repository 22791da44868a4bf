"""Stoker: a local model runtime that can be left running.

The names below are the public ones. They are imported when they are first used, so that
`import stoker` does no work.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stoker.core.advice import Advice
    from stoker.core.errors import ModelNotLoadedError, StokerError
    from stoker.core.needs import Needs
    from stoker.core.request import Completion, Message
    from stoker.library.asynchronous import AsyncLocalModelRuntime
    from stoker.library.blocking import LocalModelRuntime
    from stoker.library.judging.advising import suggest_runtime

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "AsyncLocalModelRuntime",
    "Completion",
    "LocalModelRuntime",
    "Message",
    "ModelNotLoadedError",
    "Needs",
    "StokerError",
    "suggest_runtime",
]

_HOMES = {
    "Advice": "stoker.core.advice",
    "AsyncLocalModelRuntime": "stoker.library.asynchronous",
    "Completion": "stoker.core.request",
    "LocalModelRuntime": "stoker.library.blocking",
    "Message": "stoker.core.request",
    "ModelNotLoadedError": "stoker.core.errors",
    "Needs": "stoker.core.needs",
    "StokerError": "stoker.core.errors",
    "suggest_runtime": "stoker.library.judging.advising",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'stoker' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
