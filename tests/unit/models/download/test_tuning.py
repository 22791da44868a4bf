"""A transport reads more at once where it can be told to; nothing breaks where it cannot."""

from __future__ import annotations

import asyncio
import ctypes
from types import SimpleNamespace

import pytest

from stoker.models.download.tuning import keep_freed_memory, read_much_at_once


async def test_asyncios_transport_can_be_told() -> None:
    """This holds what is not promised: `max_size` is what its reads are bounded by."""
    server = await asyncio.start_server(lambda _r, writer: writer.close(), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    assert getattr(writer.transport, "max_size") == 256 << 10  # noqa: B009 - not of its type
    read_much_at_once(writer.transport)
    assert getattr(writer.transport, "max_size") == 1 << 20  # noqa: B009
    writer.close()
    server.close()


def test_another_transport_stays_as_it_is() -> None:
    transport = SimpleNamespace()
    read_much_at_once(transport)
    assert vars(transport) == {}
    read_much_at_once(None)


def test_a_library_without_the_call_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace())
    keep_freed_memory()
