"""What was measured of this machine, kept in one private file of the home.

Owns the file: written aside and renamed, read strictly, and good only under the conditions it was
taken under. A file that cannot be read is as good as none.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import InvalidMachineError
from stoker.core.machine import Machine, Measured
from stoker.files.disk import read_within, write_whole
from stoker.machine.document import FILE_BYTES_MAX, measured_document_of, measured_of, parse_json
from stoker.machine.measured.conditions import changed, conditions_of, was_disturbed

# Reasons to measure again that are no condition's name.
NOTHING, CONTENTION = "nothing measured", "contention"


def load_measured(path: Path) -> Measured | None:
    """What `path` holds; None where there is no such file, or none that can be understood."""
    try:
        data = read_within(path, FILE_BYTES_MAX)
        return None if data is None else measured_of(parse_json(data))
    except (OSError, InvalidMachineError):
        return None


def save_measured(path: Path, measured: Measured) -> None:
    """Keep `measured` at `path`, readable by its owner alone.

    Raises:
        OSError: the folder cannot be written.
    """
    write_whole(path, json.dumps(measured_document_of(measured), indent=1).encode())


def with_measured(
    machine: Machine, path: Path, engine: str, waiting: float | None = None
) -> tuple[Machine, tuple[str, ...]]:
    """`machine` with what `path` holds of it, and why that is to be measured again.

    The reasons are the conditions that have changed since, by name, or `nothing measured`; what no
    longer holds is not given. One reason lets the figures stand: `contention`, where others were
    busy while they were taken and the machine is calm now (`waiting` is the present share of time
    in which somebody waits for a processor).
    """
    kept = load_measured(path)
    if kept is None:
        return machine, (NOTHING,)
    if differences := changed(kept.conditions, conditions_of(machine, engine)):
        return machine, differences
    disturbed = was_disturbed(kept.contention, waiting)
    return replace(machine, measured=kept), (CONTENTION,) if disturbed else ()
