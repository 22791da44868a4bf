"""`stoker machine`: what this machine has and does, or what another is said to have."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from stoker.cli.completing import MachineName
from stoker.cli.options import json_option, print_json
from stoker.cli.storing import show_table
from stoker.core.machine import Gpu, Machine, Measured
from stoker.core.units import GIB, format_bytes, format_seconds

if TYPE_CHECKING:
    from stoker.machine.presets import Preset

_STEPS = {
    "memory": "reading memory",
    "matmul": "multiplying through the engine",
    "disk": "reading the disk",
}
_LABELS = {
    "read_one": "memory, one thread",
    "read_all": "memory, all threads",
    "disk_read": "disk",
}


@click.command("machine", short_help="Show what this machine has, and measure it once.")
@click.argument("other", type=MachineName(), required=False, metavar="[FILE|PRESET]")
@click.option("--fresh", is_flag=True, help="Measure again, whatever is kept.")
@click.option("--list-presets", is_flag=True, help="List the named machines.")
@json_option
def command(*, fresh: bool, other: str | None, list_presets: bool, as_json: bool) -> None:
    """Show what this machine has, and measure it once.

    Measuring takes less than 10 s: how fast memory is read, how fast the engine multiplies, how
    fast the disk is read. The figures are kept and hold until the processor, its limits, the
    kernel or the engine change. What --json prints is a file for --machine elsewhere. Power meters
    that can be read are named; `stoker calibrate` reads them.

    FILE|PRESET shows another machine instead, in the words that --machine takes elsewhere: a
    preset's name, with another amount of memory in GiB after a colon if need be, or a file's path.

    \b
    Examples:
      stoker machine
      stoker machine --json > server.json
      stoker machine m2-max:96
    """
    if fresh and (other is not None or list_presets):
        raise click.UsageError("--fresh measures this machine: leave it or the other one out.")
    if list_presets:
        _list(as_json=as_json)
    elif other is not None:
        _show_other(other, as_json=as_json)
    else:
        _show_this(fresh=fresh, as_json=as_json)


def _show_this(*, fresh: bool, as_json: bool) -> None:
    from stoker.library.machine import measured_machine  # noqa: PLC0415 - help stays light
    from stoker.state.home import Home  # noqa: PLC0415 - the same

    begun = time.monotonic()
    steps: list[str] = []
    machine = measured_machine(
        Home.find(),
        fresh=fresh,
        on_step=_announcer(steps),
        on_note=lambda note: click.echo(f"note: {note}", err=True),
    )
    if steps:
        click.echo(f"measured in {format_seconds(time.monotonic() - begun)}", err=True)
    _warn(machine)
    _print(machine, as_json=as_json)


def _announcer(steps: list[str]) -> Callable[[str], None]:
    """Says what is being measured, where a person looks on; keeps it in `steps`."""

    def announce(step: str) -> None:
        steps.append(step)
        if sys.stderr.isatty():
            click.echo(f"{_STEPS[step]} ...", err=True)

    return announce


def _warn(machine: Machine) -> None:
    from stoker.machine.measured.conditions import BUSY  # noqa: PLC0415 - help stays light

    for reason in machine.unread:
        click.echo(f"warning: a GPU cannot be read: {reason}", err=True)
    contention = machine.measured.contention
    if contention is not None and contention >= BUSY:
        click.echo(
            f"warning: programs waited for a processor {contention:.0%} of the time of measuring;"
            " the figures may be too low",
            err=True,
        )
        click.echo("hint: measure again on a calm machine, with --fresh", err=True)


def _show_other(words: str, *, as_json: bool) -> None:
    from stoker.machine.document import load_machine  # noqa: PLC0415 - help stays light
    from stoker.machine.presets import find_preset  # noqa: PLC0415 - the same

    machine = load_machine(words)
    _print(machine, as_json=as_json)
    if not as_json and machine.name == words.lower():
        found = find_preset(words)
        click.echo(f"source      {found.source}")
        if found.assumed:
            click.echo(f"assumed     {found.assumed}")


def _list(*, as_json: bool) -> None:
    from stoker.machine.presets import presets  # noqa: PLC0415 - help stays light

    if as_json:
        print_json([describe_preset(one) for one in presets()])
        return
    show_table(("NAME", "MACHINE", "MEMORY", "GPU", "BANDWIDTH"), [_row(one) for one in presets()])


def describe_preset(preset: Preset) -> dict[str, object]:
    """What `--list-presets --json` keeps stable; sizes in bytes, rates in bytes a second."""
    machine = preset.machine
    return {
        "name": preset.name,
        "title": preset.title,
        "cores": machine.cores,
        "memory_bytes": machine.memory_total_bytes,
        "memory_peak_bytes_s": machine.memory_peak_bytes_s,
        "gpus": [gpu.name for gpu in machine.gpus],
        "gpu_bandwidth_bytes_s": _fastest(machine) if machine.gpus else None,
        "source": preset.source,
        "assumed": preset.assumed,
    }


def _row(preset: Preset) -> tuple[str, ...]:
    machine = preset.machine
    own = [gpu for gpu in machine.gpus if not gpu.integrated]
    return (
        preset.name,
        preset.title,
        f"{machine.memory_total_bytes // GIB} GiB",
        " + ".join(f"{gpu.memory_total_bytes // GIB} GiB" for gpu in own)
        or ("shared" if machine.gpus else "-"),
        _rate(_fastest(machine)),
    )


def _fastest(machine: Machine) -> float:
    """The bandwidth of what would run a model: of the GPUs, else of the memory."""
    rates = [gpu.bandwidth_bytes_s or 0.0 for gpu in machine.gpus]
    return max(rates, default=machine.memory_peak_bytes_s or 0.0)


def _print(machine: Machine, *, as_json: bool) -> None:
    if as_json:
        from stoker.machine.document import document_of  # noqa: PLC0415 - help stays light

        print_json(document_of(machine))
        return
    for name, value in rows(machine):
        click.echo(f"{name.ljust(10)}  {value}")


def rows(machine: Machine) -> Iterator[tuple[str, str]]:
    """What the page shows, as names (empty where the row goes on) and values."""
    yield from _read(machine)
    yield from _measured(machine.measured)


def _read(machine: Machine) -> Iterator[tuple[str, str]]:
    """What the machine has, as rows."""
    yield "machine", machine.name or "-"
    yield "processor", machine.cpu or "-"
    yield "cores", _cores(machine)
    yield "features", " ".join(machine.features) or "-"
    yield "memory", _memory(machine)
    yield "swap", _swap(machine)
    if machine.disk_free_bytes is not None:
        yield "disk", f"{format_bytes(machine.disk_free_bytes)} free for models"
    for place, gpu in enumerate(machine.gpus):
        yield f"gpu {place}", _gpu(gpu)
    if not machine.gpus:
        yield "gpu", "none found"
    yield from _power(machine)


def _cores(machine: Machine) -> str:
    usable = f"{machine.cores} usable"
    if machine.efficiency_cores:
        usable += (
            f" ({machine.performance_cores} performance, {machine.efficiency_cores} efficiency)"
        )
    parts = [usable, f"{machine.threads} threads"]
    if machine.quota_cores is not None:
        parts.append(f"limited to {machine.quota_cores:g} by the control group")
    if machine.numa_nodes > 1:
        parts.append(f"{machine.numa_nodes} NUMA nodes")
    return ", ".join(parts)


def _memory(machine: Machine) -> str:
    available, total = machine.memory_available_bytes, machine.memory_total_bytes
    parts = [f"{format_bytes(available)} available of {format_bytes(total)}"]
    if machine.memory_limit_bytes is not None:
        limit = format_bytes(machine.memory_limit_bytes)
        parts.append(f"the control group's limit is {limit}")
    if machine.memory_pressure:
        parts.append(f"somebody waited for it {machine.memory_pressure:.0%} of the time")
    if machine.memory_peak_bytes_s is not None:
        parts.append(f"peak {_rate(machine.memory_peak_bytes_s)}")
    return ", ".join(parts)


def _swap(machine: Machine) -> str:
    if not machine.swap_total_bytes:
        return "none"
    free, total = machine.swap_free_bytes, machine.swap_total_bytes
    return f"{format_bytes(free)} free of {format_bytes(total)}"


def _gpu(gpu: Gpu) -> str:
    free, total = format_bytes(gpu.memory_free_bytes), format_bytes(gpu.memory_total_bytes)
    parts = [gpu.name, f"{free} free of {total}"]
    if gpu.integrated:
        parts.append("the machine's own memory")
    if gpu.others_bytes:
        parts.append(f"others use {format_bytes(gpu.others_bytes)}")
    if gpu.compute_capability:
        parts.append(f"{gpu.backend} {gpu.compute_capability}")
    if gpu.driver:
        parts.append(f"driver {gpu.driver}")
    if gpu.bandwidth_bytes_s:
        parts.append(f"peak {_rate(gpu.bandwidth_bytes_s)}")
    return ", ".join(parts)


def _power(machine: Machine) -> Iterator[tuple[str, str]]:
    """What tells the machine's power, and what cannot; nothing where nobody looked."""
    if machine.power_meters:
        meters = ", ".join(machine.power_meters)
        yield "power", f"can be read of {meters}: less than the whole machine draws"
    for at, reason in enumerate(machine.power_unread):
        name = "" if machine.power_meters or at else "power"
        yield name, f"cannot be read: {reason}"


def _measured(measured: Measured) -> Iterator[tuple[str, str]]:
    """What was measured, as rows: the best pass, and how far the median lay below it."""
    if not measured.taken_unix_s:
        return
    taken = time.strftime("%Y-%m-%d %H:%M", time.localtime(measured.taken_unix_s))
    yield "measured", f"{taken}; the best pass, and how far the median lay below it"
    rates: dict[str, float | None] = {
        "read_one": measured.read_bytes_s_one,
        "read_all": measured.read_bytes_s_all,
        **{f"matmul_{kind}": rate for kind, rate in measured.matmul_ops_s},
        "disk_read": measured.disk_read_bytes_s,
    }
    spread = dict(measured.spread)
    for name, rate in rates.items():
        if rate is not None:
            text = f"{rate / 1e9:.4g} Gop/s" if name.startswith("matmul_") else _rate(rate)
            yield "", f"{_label(name).ljust(20)}  {text.ljust(12)}  {spread.get(name, 0.0):4.0%}"
    for name, reason in measured.missing:
        yield "", f"{_label(name).ljust(20)}  not measured: {reason}"


def _label(name: str) -> str:
    return _LABELS.get(name) or f"products, {name.removeprefix('matmul_')}"


def _rate(bytes_s: float) -> str:
    """In the unit of data sheets: 10^9 bytes a second."""
    return f"{bytes_s / 1e9:.3g} GB/s" if bytes_s < 999.5e9 else f"{bytes_s / 1e9:.0f} GB/s"
