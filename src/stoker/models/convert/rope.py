"""Rotary positions: the base, and the ways of stretching them that the engine computes alike.

Pure. A way that the engine does not know, or a number in one that it would ignore, is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.errors import ModelFileError, UnsupportedModelError
from stoker.models.checkpoint.config import Config
from stoker.models.checkpoint.documents import garbage

BASE = 10_000.0
_NUMBER_MAX = 1e12
# What the engine takes for these and reads from no file.
_YARN_FIXED = {"beta_fast": 32.0, "beta_slow": 1.0}
_YARN_UNKNOWN = ("mscale", "mscale_all_dim")


@dataclass(frozen=True, slots=True)
class Rope:
    """The base, and how positions are stretched.

    `kind` is `none`, `linear` or `yarn`; `original_context` is in tokens. `factors` divide the
    frequency of each pair, empty for none.
    """

    base: float
    kind: str = "none"
    factor: float = 1.0
    original_context: int = 0
    factors: tuple[float, ...] = ()


def read_rope(config: Config, head: int, *, takes_factors: bool) -> Rope:
    """The rotary positions of heads of `head` elements; `takes_factors` if the engine does.

    Raises:
        UnsupportedModelError: they are stretched in a way that the engine does not compute.
        ModelFileGarbageError: a number is missing or cannot be.
    """
    said = _said(config)
    base = _number(said, "rope_theta", _number(config.values, "rope_theta", BASE))
    if _number(config.values, "partial_rotary_factor", 1.0) != 1.0:
        raise UnsupportedModelError("Rotary positions on a part of each head are not supported")
    kind = said.get("rope_type", said.get("type", "default"))
    if kind == "default":
        return Rope(base)
    if kind == "linear":
        return Rope(base, "linear", _number(said, "factor"))
    if kind == "yarn":
        return _yarn(config, said, base)
    if kind == "llama3" and takes_factors:
        return Rope(base, factors=llama3_factors(said, base, head))
    raise UnsupportedModelError(
        f"Rotary positions that are stretched by {kind!r} are not supported for"
        f" {config.class_name}",
        hint="known are linear, yarn and, for Llama, llama3; fetch this model as a .gguf file.",
    )


def llama3_factors(said: Mapping[str, Any], base: float, head: int) -> tuple[float, ...]:
    """What divides the frequency of each of `head` / 2 pairs.

    Waves that are short beside the original context stay, long ones are stretched by the whole
    factor, those between by a share that grows evenly (Llama 3.1's own definition).
    """
    factor = _number(said, "factor")
    low, high = _number(said, "low_freq_factor"), _number(said, "high_freq_factor")
    context = _number(said, "original_max_position_embeddings")
    if not low < high:
        raise _off("low_freq_factor")
    found = []
    for pair in range(0, head, 2):
        waves = context * base ** (-pair / head) / (2 * math.pi)  # in the original context
        share = min(max((waves - low) / (high - low), 0.0), 1.0)
        found.append(1 / ((1 - share) / factor + share))
    return tuple(found)


def _said(config: Config) -> Mapping[str, Any]:
    """The object with the way of stretching, under its newer or its older name; or nothing."""
    for name in ("rope_parameters", "rope_scaling"):
        found = config.values.get(name)
        if found is None:
            continue
        if not isinstance(found, dict):
            raise _off(name)
        if any(isinstance(value, dict) for value in found.values()):
            raise UnsupportedModelError("Rotary positions that differ by layer are not supported")
        return found
    return {}


def _yarn(config: Config, said: Mapping[str, Any], base: float) -> Rope:
    factor = _number(said, "factor")
    fixed = _YARN_FIXED | {"attention_factor": 1 + 0.1 * math.log(max(factor, 1.0))}
    for name, value in fixed.items():
        if not math.isclose(_number(said, name, value), value, rel_tol=1e-4):
            raise _not_read(name)
    for name in _YARN_UNKNOWN:
        if said.get(name) is not None:
            raise _not_read(name)
    if said.get("truncate") is False:
        raise _not_read("truncate")
    trained = float(config.trained_context)
    original = _number(said, "original_max_position_embeddings", trained)
    return Rope(base, "yarn", factor, int(original))


def _number(said: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = said.get(name)
    if value is None and default is not None:
        value = default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _off(name)
    if not 0 < value <= _NUMBER_MAX:
        raise _off(name)
    return float(value)


def _off(name: str) -> ModelFileError:
    return garbage(f"config.json lacks or misstates {name}")


def _not_read(name: str) -> UnsupportedModelError:
    return UnsupportedModelError(f"Rotary positions by yarn with {name} are not supported")
