"""Whatever a client sends: an answer of 4xx in the OpenAI shape, and a log without its words."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stoker.testing.running import STUB_SERVICE, RunningService

pytestmark = pytest.mark.slow
MARK = "secretmarker"
CHAT = "/v1/chat/completions"
MIB = 1 << 20


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    home = tmp_path_factory.mktemp("door")
    running = RunningService([*STUB_SERVICE, "{}"], home)
    yield running
    running.end()


def chat(**fields: Any) -> bytes:
    body = {"model": "stub", "messages": [{"role": "user", "content": MARK}], **fields}
    return json.dumps(body).encode()


def saying(content: str) -> bytes:
    """A chat whose content is `content` as it stands in JSON."""
    return b'{"model":"stub","messages":[{"role":"user","content":"%s"}]}' % content.encode()


BODIES: dict[str, bytes] = {
    "malformed": b'{"model": "stub", "messages": [' + MARK.encode(),
    "empty": b"",
    "not_an_object": json.dumps([MARK]).encode(),
    "a_string": json.dumps(MARK).encode(),
    "no_messages": json.dumps({"model": "stub", "user": MARK}).encode(),
    "empty_messages": chat(messages=[]),
    "wrong_type": chat(temperature=MARK),
    "wrong_type_of_stream": chat(stream="yes"),
    "number_as_text": chat(max_tokens="5"),
    "out_of_range": chat(temperature=99),
    "negative_tokens": chat(max_tokens=-1),
    "not_a_number": chat().replace(b'"model"', b'"temperature": NaN, "model"'),
    "infinity": chat().replace(b'"model"', b'"top_p": Infinity, "model"'),
    "huge_number": chat().replace(b'"model"', b'"temperature": 1e999, "model"'),
    "huge_integer": chat().replace(b'"model"', b'"seed": ' + b"9" * 5000 + b', "model"'),
    "unknown_field": chat(temprature=1),
    "unknown_field_that_tells": chat(**{MARK: 1}),
    "unknown_field_deep": chat(messages=[{"role": "user", "content": MARK, "x" + MARK: 1}]),
    "unsupported_field": chat(tools=[]),
    "unknown_role": chat(messages=[{"role": MARK, "content": "a"}]),
    "picture": chat(messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
    "stream_options_alone": chat(stream_options={"include_usage": True}),
    "invalid_utf8": saying("@").replace(b"@", b"\xff\xfe" + MARK.encode()),
    "raw_nul": saying(MARK + "\x00"),
    "escaped_nul": saying(MARK + "\\u0000"),
    "nul_in_stop": chat(stop=["\x00" + MARK]),
    "lone_high_surrogate": saying(MARK + "\\ud800"),
    "lone_low_surrogate": saying(MARK + "\\udc00x"),
    "surrogate_in_the_name": chat(model="@").replace(b"@", b"\\ud800" + MARK.encode()),
    "deeply_nested": b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deeply_nested_unknown": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "name_climbs": chat(model=f"../{MARK}"),
    "name_is_absolute": chat(model=f"/etc/{MARK}"),
    "name_is_encoded": chat(model=f"%2e%2e%2f{MARK}"),
    "name_with_backslashes": chat(model=f"..\\{MARK}"),
    "name_with_nul": chat(model=f"stub\x00{MARK}"),
    "name_with_newline": chat(model=f"stub\n{MARK}"),
    "name_endless": chat(model=MARK * 1000),
    "name_empty": chat(model=""),
    "name_is_a_number": chat(model=5),
    "name_unknown": chat(model="other"),
}


def assert_openai_error(status: int, answer: Any) -> dict[str, Any]:
    assert 400 <= status < 500
    error = answer["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert all(isinstance(error[key], str) and error[key] for key in ("message", "type", "code"))
    return error


def test_the_body_that_all_others_spoil_is_good(door: RunningService) -> None:
    assert door.request("POST", CHAT, chat())[0] == 200


@pytest.mark.parametrize("kind", BODIES)
def test_a_bad_body_is_answered_in_shape_and_logged_without_its_words(
    door: RunningService, kind: str
) -> None:
    status, answer = door.request("POST", CHAT, BODIES[kind])
    assert_openai_error(status, answer)
    assert door.request("GET", "/healthz")[0] == 200
    assert MARK not in door.log
    assert "Traceback" not in door.log


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("temprature", 1, "did you mean temperature?"),
        ("max_completion_token", 1, "did you mean max_completion_tokens?"),
        ("tools", [], "not supported yet"),
        ("logprobs", True, "not supported yet"),
    ],
)
def test_a_field_that_is_not_taken_is_named(
    door: RunningService, field: str, value: Any, said: str
) -> None:
    status, answer = door.request("POST", CHAT, chat(**{field: value}))
    error = assert_openai_error(status, answer)
    assert error["param"] == field
    assert said in error["message"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/v1/{MARK}", 404),
        ("POST", f"/{MARK}", 404),
        ("GET", CHAT, 405),
        ("DELETE", "/v1/models", 405),
        ("BREW", "/v1/models", 400),
        ("GET", f"/v1/models/{MARK}", 404),
        ("GET", f"/v1/models/..%2f{MARK}", 400),
        ("GET", f"/v1/models/%2e%2e%2f{MARK}", 400),
        ("GET", f"/v1/models/%2fetc%2f{MARK}", 400),
        ("GET", f"/v1/models/%252e%252e%252f{MARK}", 400),
        ("GET", f"/v1/models/stub%00{MARK}", 400),
        ("GET", f"/v1/models/../../{MARK}", 404),
    ],
)
def test_a_path_that_leads_nowhere_is_answered_in_shape(
    door: RunningService, method: str, path: str, status: int
) -> None:
    answer = door.request(method, path)
    assert_openai_error(*answer)
    assert answer[0] == status
    assert MARK not in door.log


@pytest.mark.parametrize(
    "raw",
    [
        f"{MARK} what\r\n\r\n",
        f"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n{MARK}",
        f"GET /healthz HTTP/1.1\r\nHost: localhost\r\nbad header {MARK}\r\n\r\n",
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MARK}\r\n\r\n",
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n{MARK}",
        f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nz{MARK}\r\n",
        f"GET /{'a' * 70_000}{MARK} HTTP/1.1\r\nHost: localhost\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: localhost\r\nX: {'a' * 70_000}{MARK}\r\n\r\n",
    ],
    ids=["line", "version", "header", "length", "negative", "chunk", "long_path", "long_header"],
)
def test_what_is_not_http_is_answered_in_shape(door: RunningService, raw: str) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as client:
        client.sendall(raw.encode())
        response = http.client.HTTPResponse(client)
        response.begin()
        assert_openai_error(response.status, json.loads(response.read()))
    assert door.request("GET", "/healthz")[0] == 200
    assert MARK not in door.log
    assert "Traceback" not in door.log


def peak_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_a_body_of_100_mb_that_is_announced_is_refused_by_its_length(door: RunningService) -> None:
    before = peak_bytes(door.process.pid)
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=10)
    connection.putrequest("POST", CHAT)
    connection.putheader("Content-Length", str(100 * MIB))
    connection.endheaders()
    response = connection.getresponse()
    assert_openai_error(response.status, json.loads(response.read()))
    assert response.status == 413
    connection.close()
    assert peak_bytes(door.process.pid) - before < 8 * MIB


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_sends_100_mb_whole_can_read_the_refusal(
    door: RunningService, chunked: bool
) -> None:
    before = peak_bytes(door.process.pid)
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=30)
    pieces = (bytes(MIB) for _ in range(100))
    headers = {} if chunked else {"Content-Length": str(100 * MIB)}
    # It may hang up on us while we talk; what it said can still be read.
    with contextlib.suppress(ConnectionError):
        connection.request("POST", CHAT, pieces, headers, encode_chunked=chunked)
    response = connection.getresponse()
    assert_openai_error(response.status, json.loads(response.read()))
    assert response.status == 413
    connection.close()
    assert peak_bytes(door.process.pid) - before < 64 * MIB  # four times the limit of 16 MiB


def test_a_host_that_is_not_ours_is_refused(door: RunningService) -> None:
    for host in ("evil.example", "evil.example:80", "localhost.evil.example", "", "[::2]:1"):
        status, answer = door.request("GET", "/v1/models", headers={"Host": host})
        assert (status, answer["error"]["code"]) == (403, "host_not_allowed")
    for host in ("localhost", "LOCALHOST:1", "127.0.0.1:99", "[::1]:80"):
        assert door.request("GET", "/v1/models", headers={"Host": host})[0] == 200


def test_a_service_with_a_key_answers_nobody_without_it(start_stub_service: Any) -> None:
    service = start_stub_service(settings={"key": "right"})
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer "}):
        status, answer = service.request("GET", "/v1/models", headers=headers)
        assert (status, answer["error"]["code"]) == (401, "invalid_api_key")
    given = {"Authorization": "Bearer right"}
    assert service.request("GET", "/v1/models", headers=given)[0] == 200
    assert service.request("GET", "/healthz")[0] == 200
    assert "right" not in service.log
