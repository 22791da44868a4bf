"""That one home has one service, and where that service listens.

A lock is held for the service's whole life: when the process dies, however it dies, the lock is
free, so a file left behind is never mistaken for a living service.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass
from typing import IO

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import AlreadyRunningError
from stoker.files.locks import try_lock
from stoker.state.home import Home

_PROBE_S = 2.0


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """Who the running service is: its process and the address that clients use."""

    pid: int
    url: str


class ServiceLock:
    """The right to be the service of `home`."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Become the one service.

        Raises:
            AlreadyRunningError: another process is.
            HomeError: the lock file cannot be written.
        """
        with disk_errors(self._home.service_lock):
            handle = try_lock(self._home.service_lock)
        if handle is None:
            raise AlreadyRunningError(_already(find_service(self._home)))
        self._file = os.fdopen(handle, "r+")

    def announce(self, url: str) -> None:
        """Write down where the service listens; `acquire` came first."""
        if self._file is None:
            raise RuntimeError("announce before acquire")
        with disk_errors(self._home.service_lock):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(json.dumps(asdict(ServiceAddress(os.getpid(), url))))
            self._file.flush()

    def release(self) -> None:
        """Stop being the service; safe to call twice."""
        if self._file is not None:
            self._file.truncate(0)
            self._file.close()
            self._file = None


def find_service(home: Home) -> ServiceAddress | None:
    """The service that runs in `home`; None when none does.

    Running means that it takes connections: a file or a socket left behind does not count.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE_S)
            probe.connect(str(home.admin_socket))
        return ServiceAddress(**json.loads(home.service_lock.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _already(service: ServiceAddress | None) -> str | None:
    if service is None:
        return None
    return f"A service already runs in this home: process {service.pid}, {service.url}"
