"""Reading one JSON object strictly: each field of its kind and within its bounds, no field unknown.

Owns the messages for a person who wrote the object by hand. Which fields there are is decided by
`document`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

from stoker.core.errors import InvalidMachineError

T = TypeVar("T")
COUNT_MAX = 1 << 60
NUMBER_MAX = 1e21
# Nothing reads or multiplies slower than once a second; what is 0 is not known, and left out.
RATE_MIN = 1.0
TEXT_MAX = 1000
ITEMS_MAX = 512


class Fields:
    """The fields of one object; `where` names it in messages. Ask for each, then call `end`.

    What is absent or null is the default; without one it is an error. Every method raises
    InvalidMachineError for a value that is not of its kind.
    """

    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise InvalidMachineError(f"{where} is not an object")
        self._value: dict[str, Any] = value
        self._where = where
        self._known: list[str] = []

    def count(
        self, name: str, default: int | None = None, least: int = 0, most: int = COUNT_MAX
    ) -> int:
        """A whole number."""
        return self._read(name, default, lambda value: _count(value, least, most))

    def count_or_none(self, name: str) -> int | None:
        """A whole number, or None."""
        return self.count(name) if self.has(name) else None

    def number(self, name: str) -> float | None:
        """A number that is 0 or more, or None."""
        return float(self._read(name, None, _number)) if self.has(name) else None

    def rate(self, name: str) -> float | None:
        """Something a second, which is never 0, or None."""
        return self._read(name, None, rate) if self.has(name) else None

    def text(self, name: str, default: str | None = None) -> str:
        """A short text."""
        return self._read(name, default, _text)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        return self._read(name, default, _flag)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of short texts."""
        return tuple(self._each(name, _text))

    def items(self, name: str) -> list[tuple[str, Any]]:
        """A list of objects, each with its place for messages."""
        found: list[Any] = self._read(name, [], _list)
        return [(f"{name}[{place}]", value) for place, value in enumerate(found)]

    def pairs(self, name: str, kind: Callable[[Any], T]) -> tuple[tuple[str, T], ...]:
        """An object of one kind of values, as pairs in its order."""
        found: dict[str, Any] = self._read(name, {}, _object)
        return tuple((self._checked(key, _text), self._checked(found[key], kind)) for key in found)

    def has(self, name: str) -> bool:
        """Whether the field is there and not null."""
        self._known.append(name)
        return self._value.get(name) is not None

    def end(self) -> None:
        """Refuse what nobody asked for.

        Raises:
            InvalidMachineError: with the nearest name that there is.
        """
        unknown = next((name for name in self._value if name not in self._known), None)
        if unknown is not None:
            close = difflib.get_close_matches(unknown[:80], self._known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(self._known)}"
            raise InvalidMachineError(f"{self._where} has no field {unknown[:80]!r}", hint=hint)

    def fail(self, name: str, what: str) -> InvalidMachineError:
        """The error that says what is wrong with the field `name`."""
        return InvalidMachineError(f"{self._where}: {name} {what}")

    def _read(self, name: str, default: T | None, kind: Callable[[Any], T]) -> T:
        if not self.has(name):
            if default is None:
                raise self.fail(name, "is missing")
            return default
        return self._checked(self._value[name], kind, name)

    def _each(self, name: str, kind: Callable[[Any], T]) -> list[T]:
        values: list[Any] = self._read(name, [], _list)
        return [self._checked(value, kind, name) for value in values]

    def _checked(self, value: Any, kind: Callable[[Any], T], name: str = "a name") -> T:
        try:
            return kind(value)
        except ValueError as error:
            raise self.fail(name, str(error)) from None


def number(value: Any) -> float:
    """A number that is 0 or more, for `Fields.pairs`.

    Raises:
        ValueError: it is something else.
    """
    return float(_number(value))


def rate(value: Any) -> float:
    """Something a second, for `Fields.pairs`.

    Raises:
        ValueError: it is none: 0 would be no rate but an unknown one.
    """
    found = float(_number(value))
    if found < RATE_MIN:
        raise ValueError(
            f"is not a rate of {RATE_MIN:g} a second or more; leave out what is unknown"
        )
    return found


def text(value: Any) -> str:
    """A short text, for `Fields.pairs`.

    Raises:
        ValueError: it is something else.
    """
    return _text(value)


def _count(value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        end = "" if most == COUNT_MAX else f" and {most} at most"
        raise ValueError(f"is not a whole number of {least} or more{end}")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("is not a number")  # noqa: TRY004 - one kind of error for all kinds
    if not 0 <= value <= NUMBER_MAX:  # false for what is no number too; exact for any integer
        raise ValueError("is not a number of 0 or more")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_MAX or not _printable(value):
        raise ValueError(f"is not a text of at most {TEXT_MAX} characters")
    return value


def _printable(value: str) -> bool:
    """Whether a terminal shows `value` as what it is: no control characters, no half pairs."""
    return all(one.isprintable() for one in value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")  # noqa: TRY004 - as above
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > ITEMS_MAX:
        raise ValueError(f"is not a list of at most {ITEMS_MAX}")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or len(value) > ITEMS_MAX:
        raise ValueError(f"is not an object of at most {ITEMS_MAX} fields")
    return value
