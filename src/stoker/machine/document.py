"""A machine as JSON, for files and for `--machine`: written, and read back strictly.

The fields are those of `stoker.core.machine.Machine`, with a version that changes when a reader
of the old form would misread the new one. `load_machine` is the one way in for a person's word: a
file's path, or a preset's name.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from stoker.core.errors import FileMissingError, InvalidMachineError
from stoker.core.machine import Backend, Gpu, Machine, Measured
from stoker.files.disk import expanded, read_within
from stoker.machine.fields import Fields, number, rate, text
from stoker.machine.presets import find_preset

VERSION = 1
MARK = "stoker_machine"
FILE_BYTES_MAX = 256 * 1024
CORES_MAX = 1 << 16
UNIX_S_MAX = 253_402_214_400  # the last day of the year 9999, wherever one is
_PAIRS = ("matmul_ops_s", "conditions", "spread", "missing")


def load_machine(words: str) -> Machine:
    """The machine of the file that `words` names, else of the preset (`rtx-4090`, `m2-max:96`).

    A word with a slash or the end `.json` is always a file's.

    Raises:
        NotFoundError: no preset has that name.
        InvalidMachineError: the file cannot be read, or is no machine.
    """
    path = expanded(Path(words))
    if "/" in words or path.suffix == ".json" or _is_file(path):
        return read_machine_file(path)
    return find_preset(words).machine


def _is_file(path: Path) -> bool:
    """Whether there is such a file; a word that no file system takes is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long, or with a NUL
        return False


def read_machine_file(path: Path) -> Machine:
    """The machine that a file holds.

    Raises:
        FileMissingError: there is no such file.
        InvalidMachineError: the file cannot be read, is too large, or is no machine.
    """
    try:
        data = read_within(path, FILE_BYTES_MAX)
    except FileNotFoundError:
        raise FileMissingError(f"There is no file {path}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise InvalidMachineError(f"{path} cannot be read: {reason}") from error
    if data is None:
        raise InvalidMachineError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return parse_machine(data)


def parse_machine(data: bytes) -> Machine:
    """The machine that a JSON text holds.

    Raises:
        InvalidMachineError: it is not JSON, or not a machine.
    """
    return machine_of(parse_json(data))


def parse_json(data: bytes) -> Any:
    """The value that a JSON text holds; numbers that JSON does not have are refused.

    Raises:
        InvalidMachineError: it is not JSON.
    """
    try:
        return json.loads(data, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise InvalidMachineError(f"The machine is not JSON: {error}") from None


def document_of(machine: Machine) -> dict[str, Any]:
    """What `machine_of` reads back."""
    return {
        MARK: VERSION,
        **asdict(machine),
        "features": list(machine.features),
        "gpus": [{**asdict(gpu), "backend": str(gpu.backend)} for gpu in machine.gpus],
        "unread": list(machine.unread),
        "power_meters": list(machine.power_meters),
        "power_unread": list(machine.power_unread),
        "measured": measured_document_of(machine.measured),
    }


def measured_document_of(measured: Measured) -> dict[str, Any]:
    """What `measured_of` reads back."""
    fields = asdict(measured)
    return {**fields, **{name: dict(fields[name]) for name in _PAIRS}}


def machine_of(value: Any) -> Machine:
    """The machine that a JSON value describes.

    Raises:
        InvalidMachineError: a field is missing, unknown, of another kind or out of its bounds.
    """
    fields = Fields(value, "The machine")
    if fields.count(MARK) != VERSION:
        raise fields.fail(MARK, f"is not {VERSION}, the version that this Stoker reads")
    machine = Machine(
        cores=fields.count("cores", least=1, most=CORES_MAX),
        memory_total_bytes=fields.count("memory_total_bytes", least=1),
        memory_available_bytes=fields.count("memory_available_bytes"),
        name=fields.text("name", ""),
        cpu=fields.text("cpu", ""),
        threads=fields.count("threads", 0, most=CORES_MAX),
        efficiency_cores=fields.count("efficiency_cores", 0, most=CORES_MAX),
        quota_cores=fields.number("quota_cores"),
        features=fields.texts("features"),
        numa_nodes=fields.count("numa_nodes", 1, least=1),
        memory_limit_bytes=fields.count_or_none("memory_limit_bytes"),
        swap_total_bytes=fields.count("swap_total_bytes", 0),
        swap_free_bytes=fields.count("swap_free_bytes", 0),
        memory_pressure=fields.number("memory_pressure"),
        memory_peak_bytes_s=fields.rate("memory_peak_bytes_s"),
        disk_free_bytes=fields.count_or_none("disk_free_bytes"),
        gpus=tuple(_gpu(one, where) for where, one in fields.items("gpus")),
        unread=fields.texts("unread"),
        power_meters=fields.texts("power_meters"),
        power_unread=fields.texts("power_unread"),
        measured=measured_of(value["measured"]) if fields.has("measured") else Measured(),
    )
    fields.end()
    if machine.efficiency_cores >= machine.cores:
        raise fields.fail("efficiency_cores", "leaves no other core")
    if machine.memory_available_bytes > machine.memory_total_bytes:
        raise fields.fail("memory_available_bytes", "is more than memory_total_bytes")
    return machine


def measured_of(value: Any) -> Measured:
    """The measurements that a JSON value describes.

    Raises:
        InvalidMachineError: a field is unknown, of another kind or out of its bounds.
    """
    fields = Fields(value, "measured")
    measured = Measured(
        read_bytes_s_one=fields.rate("read_bytes_s_one"),
        read_bytes_s_all=fields.rate("read_bytes_s_all"),
        matmul_ops_s=fields.pairs("matmul_ops_s", rate),
        disk_read_bytes_s=fields.rate("disk_read_bytes_s"),
        taken_unix_s=fields.count("taken_unix_s", 0, most=UNIX_S_MAX),
        conditions=fields.pairs("conditions", text),
        spread=fields.pairs("spread", number),
        missing=fields.pairs("missing", text),
        contention=fields.number("contention"),
    )
    fields.end()
    return measured


def _gpu(value: Any, where: str) -> Gpu:
    fields = Fields(value, where)
    total = fields.count("memory_total_bytes", least=1)
    gpu = Gpu(
        name=fields.text("name"),
        backend=_backend(fields),
        memory_total_bytes=total,
        memory_free_bytes=fields.count("memory_free_bytes", total),
        others_bytes=fields.count_or_none("others_bytes"),
        driver=fields.text("driver", ""),
        compute_capability=fields.text("compute_capability", ""),
        integrated=fields.flag("integrated", default=False),
        bandwidth_bytes_s=fields.rate("bandwidth_bytes_s"),
    )
    fields.end()
    if gpu.memory_free_bytes > total:
        raise fields.fail("memory_free_bytes", "is more than memory_total_bytes")
    return gpu


def _backend(fields: Fields) -> Backend:
    name = fields.text("backend")
    if name not in set(Backend):
        raise fields.fail("backend", f"is none of {', '.join(Backend)}")
    return Backend(name)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number in JSON")
