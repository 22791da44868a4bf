"""Talks to a service that already runs, through its owner's socket."""

from __future__ import annotations

import http.client
import json
import socket
from http import HTTPStatus
from typing import Any

from stoker.core.errors import ModelNotFoundError, NotFoundError, NotRunningError, ServiceError
from stoker.state.home import Home
from stoker.state.service_lock import ServiceAddress, find_service

_TIMEOUT_S = 60.0


class ServiceClient:
    """The service of `home`, as its owner commands it."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def address(self) -> ServiceAddress:
        """Where the service is.

        Raises:
            NotRunningError: no service takes connections in this home.
        """
        found = find_service(self._home)
        if found is None:
            raise NotRunningError
        return found

    def models(self) -> list[dict[str, Any]]:
        """Every model with its state, as `stoker ps --json` prints it."""
        rows = self._call("GET", "/models")
        assert isinstance(rows, list)  # noqa: S101 - our own service's answer
        return rows

    def unload(self, model: str) -> bool:
        """Stop `model`'s process; False if it was not loaded.

        Raises:
            ModelNotFoundError: the service does not answer for it.
        """
        try:
            return bool(self._call("POST", f"/models/{model}/unload")["unloaded"])
        except NotFoundError:
            raise ModelNotFoundError(
                f"The service has no model {model}", hint="`stoker ps` lists those it has"
            ) from None

    def stop(self) -> None:
        """Begin to end the service: it drains, and then it is gone."""
        self._call("POST", "/stop")

    def _call(self, method: str, path: str) -> Any:
        connection = _UnixConnection(str(self._home.admin_socket))
        try:
            connection.request(method, path)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except TimeoutError as error:
            raise ServiceError(f"The service did not answer within {_TIMEOUT_S:g} s") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NotRunningError from error
        finally:
            connection.close()
        if response.status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(answer["error"]["message"])
        if response.status != HTTPStatus.OK:
            raise ServiceError(answer["error"]["message"])
        return answer


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, by the standard library: the command starts fast."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)
