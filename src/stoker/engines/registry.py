"""From the name of an engine in a plan to its adapter, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from stoker.core.errors import NotFoundError
from stoker.engines.base import Engine

_ADAPTERS = {"llamacpp": ("stoker.engines.llamacpp.adapter", "LlamaCppEngine")}


def engine_names() -> tuple[str, ...]:
    """The engines that a plan may name."""
    return tuple(_ADAPTERS)


def find_engine(name: str) -> Engine:
    """The adapter of the engine `name`.

    Raises:
        NotFoundError: no engine has that name.
    """
    if name not in _ADAPTERS:
        raise NotFoundError(
            f"There is no engine {name!r}", hint=f"the engines are: {', '.join(_ADAPTERS)}"
        )
    module, adapter = _ADAPTERS[name]
    return cast("Engine", getattr(import_module(module), adapter)())
