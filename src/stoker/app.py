"""The composition root of the service: the only module that knows every part.

`run_service` holds the order of a service's life: lock, listen, announce, serve, drain.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import os
import resource
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from stoker.core.clock import Clock, SystemClock
from stoker.core.disk_errors import disk_errors
from stoker.core.errors import (
    HomeError,
    OpenToNetworkError,
    PortInUseError,
    ServiceError,
    StokerError,
)
from stoker.core.model import ModelRef
from stoker.core.plan import Plan
from stoker.core.request import ColdStart
from stoker.core.speed import Speed
from stoker.engines.base import Engine
from stoker.engines.registry import engine_version, find_engine
from stoker.gateway import server as public
from stoker.gateway.admin import server as admin
from stoker.gateway.protocol import CONNECTIONS_MAX, HEADERS_S, capped
from stoker.gateway.service import DoorPolicy, Service
from stoker.machine.facts import read_machine
from stoker.machine.measured.conditions import mark_here
from stoker.models.pinning import Pin, PinnedFiles
from stoker.models.storing.store import Store
from stoker.planning.defaults import refuse_if_too_large
from stoker.scheduling.loop import Capacity, Scheduler
from stoker.state.home import Home
from stoker.state.measurements import MeasurementLog
from stoker.state.service_lock import ServiceLock
from stoker.workers.limits import WorkerLimits
from stoker.workers.runtime_dir import sweep
from stoker.workers.worker import Worker

LOG = logging.getLogger("stoker.service")
# Connections of clients, as many to workers, and what a process has open anyway.
FILES_WANTED = 2 * CONNECTIONS_MAX + 256

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DRAIN_S = 30.0
WRITE_S = 60.0
STDERR_LINES_LOGGED = 5
READ_BUFFER_BYTES = 1 << 16
# The kernel's `sun_path` has 108 bytes, the last one for its end.
SOCKET_PATH_BYTES_MAX = 107


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """How to serve: where to listen, what to answer for, and how long to wait for what.

    `write_s` is how long a client may take nothing of a stream before it is let go. `engines` is
    where the engine that a plan names is found. `predicted` is kept beside what is measured. Of
    `pins` none may have other bytes when its model is loaded.
    """

    plans: Sequence[Plan]
    host: str = "127.0.0.1"
    port: int = 8707
    key: str | None = field(default=None, repr=False)
    allowed_hosts: frozenset[str] = frozenset()
    queue_max: int = 64
    queue_wait_s: float = 120.0
    preload: bool = False
    drain_s: float = DRAIN_S
    write_s: float = WRITE_S
    limits: WorkerLimits = field(default_factory=WorkerLimits)
    engines: Callable[[str], Engine] = find_engine
    predicted: Mapping[ModelRef, Speed] = field(default_factory=dict)
    pins: Mapping[ModelRef, Sequence[Pin]] = field(default_factory=dict)


class WorkerStarter:
    """Starts the process behind a model when scheduling asks for it."""

    def __init__(
        self, plans: Mapping[ModelRef, Plan], home: Home, settings: ServiceSettings, clock: Clock
    ) -> None:
        self._plans = plans
        self._folder: Path = home.workers
        self._store = Store(home.models)
        self._limits = settings.limits
        self._engines = settings.engines
        self._pinned = PinnedFiles(settings.pins, clock, settings.limits.load_s)
        self._clock = clock
        self._recorder = MeasurementLog(
            home.measurements,
            settings.predicted,
            conditions=lambda: mark_here(engine_version()),
        )
        self._watches: set[asyncio.Task[None]] = set()

    async def start(self, model: ModelRef) -> Worker:
        """A worker that has answered.

        Raises:
            StokerError: the file is broken, the memory too small, or the process failed.
        """
        plan = self._plans[model]
        refuse_if_too_large(plan.model, read_machine())
        worker = Worker(
            plan,
            self._engines(plan.engine),
            directory=self._folder,
            clock=self._clock,
            limits=self._limits,
            keep=self._store.hold_path(plan.model.path),
            recorder=self._recorder,
        )
        try:
            cold = await self._bring_up(worker, model)
        except StokerError as error:
            LOG.error("%s did not load: %s", model, error.message)  # noqa: TRY400 - no defect
            raise
        LOG.info("loaded %s in %.3f s, process %s", model, cold.total_s, worker.statistics().pid)
        watch = asyncio.ensure_future(_log_end(worker, model))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        return worker

    async def _bring_up(self, worker: Worker, model: ModelRef) -> ColdStart:
        """Start `worker` if its files are those that were pinned, and still are afterwards."""
        await self._pinned.check(model)
        cold = await worker.start()
        try:
            await self._pinned.check(model)
        except BaseException:
            await worker.stop(drain_s=0)
            raise
        return cold


def run(settings: ServiceSettings, home: Home, announce: Callable[[str], None]) -> None:
    """`run_service` on a loop of its own, the fast one where the platform has it."""
    _allow_files()
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        asyncio.run(run_service(settings, home, announce))
    else:
        uvloop.run(run_service(settings, home, announce))


def _allow_files() -> None:
    """Each connection is a file, and many systems allow 1024 to a process that does not ask."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES_WANTED if hard == resource.RLIM_INFINITY else min(FILES_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _log_end(worker: Worker, model: ModelRef) -> None:
    error = await worker.wait_ended()
    if error is None:
        LOG.info("unloaded %s", model)
        return
    LOG.error("lost %s: %s", model, error.message)
    for line in worker.statistics().stderr_tail[-STDERR_LINES_LOGGED:]:
        LOG.error("%s said: %s", model, line)


async def run_service(
    settings: ServiceSettings, home: Home, announce: Callable[[str], None]
) -> None:
    """Serve until SIGTERM, SIGINT or an order to stop; then drain.

    `announce` is called with the address once connections are taken.

    Raises:
        OpenToNetworkError, PortInUseError, AlreadyRunningError, HomeError.
    """
    refuse_open_door(settings)
    home.prepare()
    async with AsyncExitStack() as stack:
        lock = ServiceLock(home)
        lock.acquire()
        stack.callback(lock.release)
        sweep(home.workers)
        stop = _stop_on_signals(stack)
        url = await _open_doors(settings, home, stop, stack)
        lock.announce(url)
        announce(url)
        await stop.wait()
        LOG.info("draining")


def refuse_open_door(settings: ServiceSettings) -> None:
    """Nothing is open to the network without a key.

    Raises:
        OpenToNetworkError: the address is not loopback and there is no key.
    """
    _check_address(settings.host)
    if settings.host not in LOOPBACK and not settings.key:
        raise OpenToNetworkError(f"{settings.host} is open to the network and there is no API key")


def _check_address(host: str) -> None:
    if host == "localhost":
        return
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise ServiceError(
            f"{host} is not an address", hint="use an IP address of this machine, or localhost"
        ) from None


async def _open_doors(
    settings: ServiceSettings, home: Home, stop: asyncio.Event, stack: AsyncExitStack
) -> str:
    """Take connections, public and the owner's; when `stack` unwinds, drain first, then close."""
    scheduler = make_scheduler(settings, home, SystemClock())
    service = Service(
        scheduler=scheduler,
        models={plan.model.ref: plan.model for plan in settings.plans},
        policy=_door_policy(settings),
        started_unix_s=int(time.time()),
    )
    listener = listen_tcp(settings.host, settings.port)
    url = _url(settings.host, listener.getsockname()[1])
    await stack.enter_async_context(_site(public.build(service), listener))
    await stack.enter_async_context(_site(admin.build(service, stop), listen_owner(home)))
    stack.push_async_callback(scheduler.drain, settings.drain_s)
    if settings.preload:
        scheduler.warm(service.models)
    return url


def make_scheduler(settings: ServiceSettings, home: Home, clock: Clock) -> Scheduler[Worker]:
    """The scheduler over the settings' plans."""
    plans = {plan.model.ref: plan for plan in settings.plans}
    capacities = {
        ref: Capacity(plan.slots, settings.queue_max, settings.queue_wait_s)
        for ref, plan in plans.items()
    }
    return Scheduler(capacities, WorkerStarter(plans, home, settings, clock), clock)


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        PortInUseError: somebody else listens there. ServiceError: not an address of ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(f"Port {port} on {host} is in use") from error
        raise ServiceError(
            f"Cannot listen on {host}:{port}: {error.strerror}",
            hint="use an address of this machine, and a port that you may use",
        ) from error
    return listener


def listen_owner(home: Home) -> socket.socket:
    """The owner's socket, readable by nobody else; one that was left behind is replaced.

    The service lock is held, so nobody listens there.
    """
    path = home.admin_socket
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        raise HomeError(
            f"{path} is too long for a socket ({SOCKET_PATH_BYTES_MAX} bytes at most)",
            hint="set STOKER_HOME to a shorter path",
        )
    with disk_errors(path):
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(16)
    return listener


@asynccontextmanager
async def _site(app: web.Application, listener: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(
        app,
        handler_cancellation=True,
        access_log=None,
        keepalive_timeout=HEADERS_S,
        read_bufsize=READ_BUFFER_BYTES,
        auto_decompress=False,
        lingering_time=2.0,
        shutdown_timeout=2.0,
    )
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - setup made it
    factory = capped(runner.server, CONNECTIONS_MAX)
    server = await asyncio.get_running_loop().create_server(factory, sock=listener)
    try:
        yield
    finally:
        server.close()
        await runner.cleanup()
        await server.wait_closed()


def _door_policy(settings: ServiceSettings) -> DoorPolicy:
    own = LOOPBACK | {settings.host, socket.gethostname().lower()}
    return DoorPolicy(
        hosts=frozenset(own | settings.allowed_hosts), key=settings.key, write_s=settings.write_s
    )


def _stop_on_signals(stack: AsyncExitStack) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
        stack.callback(loop.remove_signal_handler, number)
    return stop


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
