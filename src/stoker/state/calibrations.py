"""The calibration of this machine, kept in one private file of the home.

Owns the document's form, which is read strictly: a field too many or too few, a number that is
none, another version, and it is no calibration. Only the power and what was disturbed may be left
out: calibrations were made before either was kept. What it all means is `core.calibration`'s.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from stoker.core.calibration import VERSION, Calibration, Fit, Observation, ThreadRatio
from stoker.core.disk_errors import disk_errors
from stoker.core.errors import CalibrationError
from stoker.core.power import Power
from stoker.files.disk import write_whole
from stoker.state.home import Home

DOCUMENT_BYTES_MAX = 4 << 20
_ITEMS_MAX = 4096
_TEXT_MAX = 512
_FITS = ("decode", "prefill", "streams", "load", "cold")
# Calibrations that do not say what was disturbed threw away all that was.
_UNDISTURBED: dict[type[Any], dict[str, Any]] = {
    Calibration: {"disturbed": 0},
    Fit: {"disturbed_width": 0.0},
    Observation: {"disturbed": False},
}
_WITHOUT_POWER = asdict(Power(missing="the calibration was made before power was measured"))
T = TypeVar("T")


def load_calibration(home: Home) -> Calibration | None:
    """The calibration that is kept in `home`; None where there is none.

    Raises:
        CalibrationError: what is kept is no calibration of this version.
    """
    try:
        with home.calibration.open("rb") as file:
            data = file.read(DOCUMENT_BYTES_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CalibrationError(f"{home.calibration} cannot be read: {error.strerror}") from error
    return from_json(data)


def save_calibration(home: Home, calibration: Calibration) -> Path:
    """Keep `calibration` in `home` in place of what was there; the file that holds it.

    Raises:
        HomeError: it cannot be written.
    """
    path = home.calibration
    with disk_errors(path):
        write_whole(path, to_json(calibration))
    return path


def to_document(calibration: Calibration) -> dict[str, Any]:
    """The calibration as plain JSON: terms and conditions as objects, the rest as its fields."""
    document = asdict(calibration)
    for name in _FITS:
        document[name]["terms"] = dict(document[name]["terms"])
    return {**document, "conditions": dict(document["conditions"])}


def to_json(calibration: Calibration) -> bytes:
    """The document that `from_json` reads."""
    return json.dumps(to_document(calibration), indent=1, allow_nan=False).encode() + b"\n"


def from_json(data: bytes) -> Calibration:
    """The calibration that `data` writes.

    Raises:
        CalibrationError: it is none, or one of another version.
    """
    try:
        _require(len(data) <= DOCUMENT_BYTES_MAX, "its length")
        document = json.loads(data)
        _require(isinstance(document, dict), "its form")
        _require(document.get("version") == VERSION, "its version")
        return _calibration(document)
    except (ValueError, TypeError, RecursionError) as error:
        raise CalibrationError(
            f"The calibration that is kept cannot be used: {error}",
            hint="make a new one with `stoker calibrate`",
        ) from error


def _calibration(document: dict[str, Any]) -> Calibration:
    values = _fields({"power": _WITHOUT_POWER, **document}, Calibration)
    for name in _FITS:
        values[name] = _fit(values[name])
    values["thread_ratios"] = tuple(
        _record(one, ThreadRatio) for one in _items(values["thread_ratios"])
    )
    values["observations"] = tuple(
        _record(one, Observation) for one in _items(values["observations"])
    )
    values["power"] = _record(values["power"], Power)
    _require(isinstance(values["conditions"], dict), "conditions")
    values["conditions"] = tuple(
        (_text(name, "conditions"), _text(value, "conditions"))
        for name, value in values["conditions"].items()
    )
    calibration = Calibration(**values)
    _check_plain(calibration)
    _require(calibration.threads >= 1, "threads")
    return calibration


def _fit(value: Any) -> Fit:
    found = _fields(value, Fit)
    _require(isinstance(found["terms"], dict), "terms")
    terms = tuple(
        (_text(name, "terms"), _seconds(price, "terms")) for name, price in found["terms"].items()
    )
    errors = tuple(_number(error, "log_errors") for error in _items(found["log_errors"]))
    return Fit(terms, errors, _seconds(found["disturbed_width"], "disturbed_width"))


def _record(value: Any, kind: type[T]) -> T:
    record = kind(**_fields(value, kind))
    _check_plain(record)
    return record


def _fields(value: Any, kind: type[Any]) -> dict[str, Any]:
    names = {one.name for one in fields(kind)}
    found = {**_UNDISTURBED.get(kind, {}), **value} if isinstance(value, dict) else {}
    _require(found.keys() == names, f"the fields of {kind.__name__}")
    return found


def _check_plain(record: Any) -> None:
    """Texts are short, counts are whole and not negative, figures are numbers and not negative."""
    for one in fields(record):
        value = getattr(record, one.name)
        if one.type == "str":
            _text(value, one.name)
        elif one.type == "int":
            _require(type(value) is int and 0 <= value < 1 << 53, one.name)
        elif one.type == "float" or (one.type == "float | None" and value is not None):
            _seconds(value, one.name)
        elif one.type == "bool":
            _require(isinstance(value, bool), one.name)


def _items(value: Any) -> list[Any]:
    _require(isinstance(value, list) and len(value) <= _ITEMS_MAX, "a list")
    return list(value)


def _text(value: Any, what: str) -> str:
    _require(isinstance(value, str) and len(value) <= _TEXT_MAX and value.isprintable(), what)
    return str(value)


def _number(value: Any, what: str) -> float:
    _require(isinstance(value, (int, float)) and not isinstance(value, bool), what)
    _require(math.isfinite(value), what)
    return float(value)


def _seconds(value: Any, what: str) -> float:
    number = _number(value, what)
    _require(number >= 0, what)
    return number


def _require(kept: bool, what: str) -> None:
    if not kept:
        raise ValueError(f"{what} cannot be right")
