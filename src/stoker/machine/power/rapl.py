"""The processor's own power meters as Linux shows them (RAPL, which AMD's processors have too).

Owns which of the domains in `/sys/class/powercap` count, and why one cannot be read. Cores and the
graphics inside a package are part of it and are left out; memory beside it has its own meter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from stoker.machine.power.counting import Count, Meter, Sees
from stoker.machine.system_files import HERE, Roots, parse_count, read_count, read_text

# The same packages are shown once more by way of memory-mapped registers (`intel-rapl-mmio`).
_DOMAIN = re.compile(r"intel-rapl:\d{1,4}", re.ASCII)
_PART = re.compile(r"intel-rapl:\d{1,4}:\d{1,4}", re.ASCII)
_DOMAINS_MAX = 256
_NUMBER_BYTES_MAX = 64


class _UnreadError(Exception):
    """A meter's file tells nothing; the text says why."""


def read_rapl(roots: Roots = HERE) -> tuple[tuple[Count, ...], tuple[str, ...]]:
    """What the processor's meters show now, and why others cannot be read."""
    folder = roots.sys / "class" / "powercap"
    try:
        names = sorted(place.name for place in folder.iterdir())[:_DOMAINS_MAX]
    except OSError as error:
        return (), (_no_folder(folder, error),)
    counts: list[Count] = []
    unread: dict[str, None] = {}
    for meter, place in _meters(folder, names):
        try:
            counts.append(_count(meter, place))
        except PermissionError:
            unread[_closed(folder)] = None  # once, for they are all closed alike
        except _UnreadError as error:
            unread[f"{meter.name}: {error}"] = None
    if not counts and not unread:
        unread[f"no power meter of the processor is in {folder}"] = None
    return tuple(counts), tuple(unread)


def _no_folder(folder: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"the system shows no power meters (no {folder}), as in most virtual machines"
    return f"{folder} cannot be read: {error.strerror}"


def _closed(folder: Path) -> str:
    opened = f"as root, `chmod a+r {folder}/intel-rapl:*/energy_uj` lets others"
    return f"only root may read the processor's meters; {opened}"


def _meters(folder: Path, names: list[str]) -> Iterator[tuple[Meter, Path]]:
    """Each domain that counts, with its folder; a domain without a name is taken for a package."""
    for name in names:
        label = read_text(folder / name / "name") or name
        if _DOMAIN.fullmatch(name):
            sees = Sees.PLATFORM if label == "psys" else Sees.PACKAGE
            yield Meter(sees, label), folder / name
        elif _PART.fullmatch(name) and label == "dram":
            package = name.rpartition(":")[0]
            beside = read_text(folder / package / "name") or package
            yield Meter(Sees.MEMORY, f"{beside} memory"), folder / name


def _count(meter: Meter, place: Path) -> Count:
    return Count(meter, _energy_uj(place), read_count(place / "max_energy_range_uj"))


def _energy_uj(place: Path) -> int:
    try:
        with (place / "energy_uj").open("rb") as file:
            text = file.read(_NUMBER_BYTES_MAX).decode(errors="replace")
    except PermissionError:
        raise
    except OSError as error:
        raise _UnreadError(error.strerror or "it cannot be read") from None
    value = parse_count(text)
    if value is None:
        raise _UnreadError("it shows no number")
    return value
