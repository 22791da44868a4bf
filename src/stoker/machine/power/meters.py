"""All power meters of this machine together: opened, read at an instant, named.

Owns which kinds are asked. How each is read is its own module's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from stoker.machine.power.counting import Reading
from stoker.machine.power.nvidia import nvidia_meters
from stoker.machine.power.rapl import read_rapl
from stoker.machine.system_files import HERE, Roots

ReadMeters = Callable[[], Reading]


@contextmanager
def open_meters(roots: Roots = HERE, nvml: Any = None) -> Iterator[ReadMeters]:
    """What reads all meters, while it is open; it takes no more than a few milliseconds."""
    with nvidia_meters(nvml) as read_nvidia:

        def read() -> Reading:
            (own, unread), (gpus, lost) = read_rapl(roots), read_nvidia()
            return Reading(time.monotonic(), own + gpus, unread + lost)

        yield read


def meters_now(roots: Roots = HERE, nvml: Any = None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The meters that can be read, each with what it sees, and why others cannot be."""
    with open_meters(roots, nvml) as read:
        found = read()
    return tuple(_named(one.meter.sees, one.meter.name) for one in found.counts), found.unread


def _named(sees: str, name: str) -> str:
    return name if name.startswith(sees) else f"{sees} ({name})"
