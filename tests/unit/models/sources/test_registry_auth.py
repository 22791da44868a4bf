"""Where credentials may go is decided by what a challenge says, and by nothing that it hides."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import SourceDeniedError, SourceUnsafeError
from stoker.models.sources.docker_config import CONFIG_BYTES_MAX, credentials_for
from stoker.models.sources.hosts import host_of, is_inside, is_loopback
from stoker.models.sources.registry_auth import Challenge, read_challenge, token_url

HOST = "registry.example"


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        (
            'Bearer realm="https://a.example/t",service="s",scope="repository:n:pull"',
            Challenge("bearer", "https://a.example/t", "s", "repository:n:pull"),
        ),
        ("bearer realm=https://a.example/t", Challenge("bearer", "https://a.example/t")),
        ('Bearer realm="r", error="invalid_token" , service="s"', Challenge("bearer", "r", "s")),
        ('Basic realm="x", Bearer realm="r",service="s"', Challenge("bearer", "r", "s")),
        ('Bearer realm="r",service="s", Basic realm="x"', Challenge("bearer", "r", "s")),
        ('Bearer realm="first",realm="second"', Challenge("bearer", "first")),
        ('BASIC realm="x"', Challenge("basic")),
        ("Negotiate", None),
        ("", None),
        (None, None),
    ],
)
def test_a_challenge_is_read_as_it_is_meant(header: str | None, meant: Challenge | None) -> None:
    assert read_challenge(header) == meant


@given(st.text(max_size=300))
def test_any_challenge_is_read_or_is_none(header: str) -> None:
    found = read_challenge(f"Bearer {header}")
    assert found is not None
    assert found.scheme == "bearer"


def test_a_token_is_asked_for_with_what_the_challenge_says() -> None:
    challenge = Challenge("bearer", "https://a.example/t?account=x#part", "s&x=1", "")
    assert token_url(challenge, HOST, "n/m") == (
        "https://a.example/t?account=x&service=s%26x%3D1&scope=repository%3An%2Fm%3Apull"
    )


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        (HOST, "http://a.example/t"),
        (HOST, "http://127.0.0.1/t"),
        (HOST, "https://127.0.0.1/t"),
        (HOST, "https://localhost/t"),
        (HOST, "https://10.0.0.1/t"),
        (HOST, "https://169.254.169.254/latest"),
        (HOST, "https://[::1]/t"),
        (HOST, "https://[fe80::1]/t"),
        ("localhost:5000", "http://a.example/t"),
        ("127.0.0.1", "http://10.0.0.1/t"),
    ],
)
def test_no_token_is_fetched_in_the_clear_or_from_inside_at_the_word_of_the_outside(
    host: str, realm: str
) -> None:
    with pytest.raises(SourceUnsafeError):
        token_url(Challenge("bearer", realm), host, "n")


@pytest.mark.parametrize(
    ("host", "realm"),
    [
        ("localhost:5000", "http://127.0.0.1:5001/t"),
        ("[::1]:5000", "http://[::1]/t"),
        ("10.0.0.1", "https://10.0.0.2/t"),
    ],
)
def test_inside_may_name_inside(host: str, realm: str) -> None:
    assert token_url(Challenge("bearer", realm), host, "n").startswith(realm)


@pytest.mark.parametrize(
    ("host", "loopback", "inside"),
    [
        ("localhost", True, True),
        ("127.9.9.9", True, True),
        ("::1", True, True),
        ("192.168.1.1", False, True),
        ("100.64.0.1", False, True),
        ("8.8.8.8", False, False),
        ("localhost.example", False, False),
        ("127.0.0.1.example", False, False),
        ("", False, False),
    ],
)
def test_which_hosts_are_this_machine_or_network(host: str, loopback: bool, inside: bool) -> None:
    assert (is_loopback(host), is_inside(host)) == (loopback, inside)


@pytest.mark.parametrize(
    ("netloc", "host"),
    [("LOCALHOST:80", "localhost"), ("[::1]:5", "::1"), ("a", "a"), ("[half", ""), ("", "")],
)
def test_a_port_is_no_part_of_a_host(netloc: str, host: str) -> None:
    assert host_of(netloc) == host


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path / "config.json"


def test_without_a_file_there_are_no_credentials(config: Path) -> None:
    assert credentials_for(HOST).basic is None


@pytest.mark.parametrize("key", [HOST, f"https://{HOST}", f"https://{HOST}/v1/"])
def test_the_login_of_a_registry_is_found_under_each_of_its_names(config: Path, key: str) -> None:
    kept = base64.b64encode(b"me:word").decode()
    config.write_text(json.dumps({"auths": {key: {"auth": kept}}, "credHelpers": {HOST: "x"}}))
    found = credentials_for(HOST)
    assert found.basic == f"Basic {kept}"
    assert found.helper
    assert kept not in repr(found)
    assert credentials_for("another.example").basic is None


def test_docker_hubs_login_has_a_name_of_its_own(config: Path) -> None:
    entry = {"username": "me", "password": "wörd"}
    config.write_text(json.dumps({"auths": {"https://index.docker.io/v1/": entry}}))
    expected = base64.b64encode("me:wörd".encode()).decode()
    assert credentials_for("registry-1.docker.io").basic == f"Basic {expected}"


def test_an_empty_entry_is_no_login(config: Path) -> None:
    config.write_text(json.dumps({"auths": {HOST: {}}, "credsStore": "desktop"}))
    found = credentials_for(HOST)
    assert found.basic is None
    assert found.helper


def test_a_file_that_is_too_large_is_not_read_to_its_end(config: Path) -> None:
    config.write_text("{}" + " " * CONFIG_BYTES_MAX)
    with pytest.raises(SourceDeniedError):
        credentials_for(HOST)
