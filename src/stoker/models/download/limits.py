"""Every bound and every pace of a download, in one place."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stoker.core.clock import Clock, SystemClock
from stoker.core.units import GIB, KIB, MIB


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What a download may take.

    A connection is `fast` when another one beside it would not help. A wait counts as a stall when
    fewer than `stall_bytes_min` came within `stall_s`. A try is fruitless when it brought less
    than `fruit_bytes_min`; `tries` bounds those in a row, `tries_in_all` all of them. `small_tries`
    and `small_s` are for what is no file.
    """

    connections: int = 6
    piece_bytes_min: int = 8 * MIB
    piece_bytes_max: int = 64 * MIB
    fast_bytes_per_s: int = 100_000_000
    ramp_s: float = 1.0
    redirects: int = 5
    head_s: float = 30.0
    small_s: float = 120.0
    stall_s: float = 30.0
    stall_bytes_min: int = KIB
    tries: int = 8
    small_tries: int = 4
    tries_in_all: int = 200
    fruit_bytes_min: int = MIB
    restarts: int = 3
    backoff_s: float = 0.5
    backoff_max_s: float = 30.0
    retry_after_max_s: float = 120.0
    unknown_bytes_max: int = 256 * GIB
    spare_bytes: int = 256 * MIB
    save_every_s: float = 2.0
    lock_poll_s: float = 0.25
    lock_wait_s: float = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and chance, so that a test can hold both: `wall` is in seconds since 1970."""

    clock: Clock = field(default_factory=SystemClock)
    random: Callable[[], float] = random.random
    wall: Callable[[], float] = time.time


DEFAULT_LIMITS = DownloadLimits()
