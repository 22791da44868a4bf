"""From the name of an engine in a plan to its adapter, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import cast

from stoker.core.errors import NotFoundError
from stoker.engines.base import Engine

_PACKAGES = {"llamacpp": "xllamacpp"}
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


def engine_version(name: str = "llamacpp") -> str:
    """The package of the engine `name` with its version; without, where it is not installed.

    Raises:
        NotFoundError: no engine has that name.
    """
    from importlib import metadata  # noqa: PLC0415 - slow to import, and seldom asked

    if name not in _PACKAGES:
        raise NotFoundError(f"There is no engine {name!r}")
    package = _PACKAGES[name]
    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return package
