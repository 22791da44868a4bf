"""Why a document is no plan: of several errors the one that helps most, with the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stoker.core.errors import InvalidPlanError
from stoker.core.plan import KV_TYPES

# What a pattern asks for, in words; of any other field it is text without control characters.
_PATTERNS = {
    "kv_type": f"use one of: {', '.join(KV_TYPES)}",
    "name": "use letters, digits and . _ : -, beginning with a letter or a digit",
    "digest": "use sha256: and 64 hexadecimal digits",
    "parts": "use sha256: and 64 hexadecimal digits",
}


def explain(
    error: ValidationError, shape: type[BaseModel], version: int, document: Mapping[str, Any]
) -> InvalidPlanError:
    """Our error for a `document` that is not of `shape` with the field `version` as given."""
    detail = _telling(error.errors(include_url=False, include_input=False))
    return _explain(detail, shape, version, _model_name(detail, document))


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """Of several errors the one that explains the others: the version, then a name misspelt."""

    def order(one: ErrorDetails) -> tuple[bool, bool]:
        return one["loc"] != ("version",), one["type"] != "extra_forbidden"

    return min(errors, key=order)


def _model_name(detail: ErrorDetails, document: Mapping[str, Any]) -> str:
    """What the model is called whose table is wrong, else its place; empty outside of models."""
    match detail["loc"]:
        case ("model", int(at), *_):
            table = document["model"][at]
            name = table.get("name") if isinstance(table, Mapping) else None
            return name[:64] if isinstance(name, str) and name else f"model {at + 1}"
    return ""


def _explain(
    detail: ErrorDetails, shape: type[BaseModel], version: int, model: str
) -> InvalidPlanError:
    place = [str(part)[:64] for part in detail["loc"]]
    words = [model, ".".join(place[2:])] if model else [".".join(place)]
    field = "".join(c if c.isprintable() else "?" for c in ": ".join(filter(None, words)))
    if detail["type"] == "extra_forbidden":
        above = tuple(part for part in detail["loc"][:-1] if isinstance(part, str))
        names = _names(shape, above)
        close = difflib.get_close_matches(place[-1], names, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
        return InvalidPlanError(f"{field} is not part of a plan", hint=hint)
    if field == "version":
        return InvalidPlanError(
            f"The plan's version is not {version}", hint="make it again with `stoker plan --write`"
        )
    if detail["type"] == "string_pattern_mismatch":
        name = next(part for part in reversed(detail["loc"]) if isinstance(part, str))
        hint = _PATTERNS.get(name, "use text without control characters")
        return InvalidPlanError(f"{field} is not what it must be", hint=hint)
    return InvalidPlanError(f"{field}: {detail['msg']}")


def _names(shape: type[BaseModel], place: tuple[str, ...]) -> tuple[str, ...]:
    """The names that the table at `place` of `shape` may have."""
    for name in place:
        wanted = shape.model_fields[name].annotation
        inner = [wanted, *get_args(wanted), *(a for b in get_args(wanted) for a in get_args(b))]
        shape = next(one for one in inner if isinstance(one, type) and issubclass(one, BaseModel))
    return tuple(shape.model_fields)
