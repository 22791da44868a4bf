"""The least that any gateway must do: take TCP connections and copy bytes to and from a socket.

    python benchmarks/splice.py UNIX_SOCKET

Prints the port it listens on. The comparison of `gateway.py`, never part of Stoker.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

import uvloop


class _Out(asyncio.Protocol):
    """The side of the engine: what it sends goes to the client."""

    def __init__(self, client: asyncio.WriteTransport) -> None:
        self._client = client

    def data_received(self, data: bytes) -> None:
        self._client.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        self._client.close()


class _In(asyncio.Protocol):
    """The side of the client: what comes before the engine is connected is held back."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._held = bytearray()
        self._engine: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        client = cast("asyncio.WriteTransport", transport)
        self._task = asyncio.ensure_future(self._connect(client))

    async def _connect(self, client: asyncio.WriteTransport) -> None:
        loop = asyncio.get_running_loop()
        engine, _ = await loop.create_unix_connection(lambda: _Out(client), self._path)
        engine.write(bytes(self._held))
        self._engine = engine

    def data_received(self, data: bytes) -> None:
        if self._engine is None:
            self._held += data
        else:
            self._engine.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's name
        if self._engine is not None:
            self._engine.close()


async def _serve(path: str) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _In(path), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1]))
