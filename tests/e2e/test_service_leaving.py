"""A client that leaves while the real engine decodes: its slot is free at once."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from stoker.testing.running import RunningService

pytestmark = [pytest.mark.engine, pytest.mark.slow]
LEFT = re.compile('.*"status": 499.*')


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_while_it_decodes_frees_its_slot_within_250_ms(
    start_service: Callable[..., RunningService], tiny_model: Path, *, stream: bool
) -> None:
    service = start_service(str(tiny_model))
    asked = {"model": "tiny", "prompt": "ka", "temperature": 0, "stream": stream}
    warm = {**asked, "stream": False, "max_tokens": 1}
    assert service.request("POST", "/v1/completions", warm)[0] == 200
    body = json.dumps({**asked, "max_tokens": 2000}).encode()
    head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n"
    client = socket.create_connection(("127.0.0.1", service.port))
    client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    service.wait_models(lambda row: row["slots_busy"] == 1)
    client.close()
    assert service.wait_models(lambda row: row["slots_busy"] == 0) < 0.25
    service.wait_line(LEFT)
