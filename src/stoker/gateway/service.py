"""What the gateway is handed by the composition root: the only names it knows of the inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from aiohttp import web

from stoker.core.model import LocalModel, ModelRef
from stoker.scheduling.loop import Scheduler
from stoker.workers.worker import Worker

BODY_BYTES_MAX = 16 << 20


@dataclass(frozen=True, slots=True)
class DoorPolicy:
    """Who may come in, how much they may bring, and how long they may take.

    `key` is the API key that every request must carry; None asks for none (loopback only).
    `hosts` are the names that a Host header may give, without port.
    """

    hosts: frozenset[str]
    key: str | None = field(default=None, repr=False)
    body_bytes_max: int = BODY_BYTES_MAX
    body_s: float = 30.0
    write_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """The service as its HTTP handlers see it."""

    scheduler: Scheduler[Worker]
    models: Mapping[ModelRef, LocalModel]
    policy: DoorPolicy
    started_unix_s: int


SERVICE = web.AppKey("service", Service)
