"""Why a document is no plan: of several errors the one that helps most, with the nearest name."""

from __future__ import annotations

import difflib
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from stoker.core.errors import InvalidPlanError


def explain(error: ValidationError, shape: type[BaseModel], version: int) -> InvalidPlanError:
    """Our error for a document that is not of `shape` with the field `version` as given."""
    return _explain(_telling(error.errors(include_url=False, include_input=False)), shape, version)


def _telling(errors: list[ErrorDetails]) -> ErrorDetails:
    """Of several errors the one that explains the others: the version, then a name misspelt."""

    def order(one: ErrorDetails) -> tuple[bool, bool]:
        return one["loc"] != ("version",), one["type"] != "extra_forbidden"

    return min(errors, key=order)


def _explain(detail: ErrorDetails, shape: type[BaseModel], version: int) -> InvalidPlanError:
    place = [str(part)[:64] for part in detail["loc"]]
    field = "".join(c if c.isprintable() else "?" for c in ".".join(place))
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
    return InvalidPlanError(f"{field}: {detail['msg']}")


def _names(shape: type[BaseModel], place: tuple[str, ...]) -> tuple[str, ...]:
    """The names that the table at `place` of `shape` may have."""
    for name in place:
        wanted = shape.model_fields[name].annotation
        inner = [wanted, *get_args(wanted), *(a for b in get_args(wanted) for a in get_args(b))]
        shape = next(one for one in inner if isinstance(one, type) and issubclass(one, BaseModel))
    return tuple(shape.model_fields)
