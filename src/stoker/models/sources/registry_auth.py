"""How a registry is satisfied that refuses at first: its challenge, and the token that answers it.

Owns to whom credentials may go: to a realm that the registry named, over https, or over http where
both are this machine. A token is asked for once; whoever refuses it is not asked again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

from stoker.core.errors import SourceDeniedError, SourceUnsafeError
from stoker.models.http import Http
from stoker.models.sources.docker_config import Credentials, credentials_for
from stoker.models.sources.hosts import host_of, is_inside, is_loopback
from stoker.models.sources.reference import OLLAMA_HOST

CHALLENGE_MAX = 4096
ANSWER_BYTES_MAX = 64 << 10
TOKEN_MAX = 16 << 10
_SCHEME = re.compile(r"(?:^|,)\s*(bearer|basic)\s+", re.IGNORECASE)
_PARAMETER = re.compile(r'\s*([a-z_]+)\s*=\s*(?:"([^"\\]*)"|([^\s",]+))\s*(?:,|$)', re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registry asks for: `scheme` is `bearer` or `basic`."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def read_challenge(header: str | None) -> Challenge | None:
    """The challenge that a WWW-Authenticate header states; None when it is of no known form."""
    if not header or len(header) > CHALLENGE_MAX:
        return None
    found: dict[str, dict[str, str]] = {}
    for scheme in _SCHEME.finditer(header):
        found.setdefault(scheme[1].lower(), _parameters(header, scheme.end()))
    if "bearer" in found:
        known = {"realm", "service", "scope"}
        given = {key: value for key, value in found["bearer"].items() if key in known}
        return Challenge("bearer", **given)
    return Challenge("basic") if "basic" in found else None


def _parameters(header: str, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    while (match := _PARAMETER.match(header, at)) is not None:
        found.setdefault(match[1].lower(), match[2] if match[2] is not None else match[3])
        at = match.end()
    return found


async def authorization(
    client: Http, header: str | None, host: str, name: str
) -> Mapping[str, str]:
    """The headers that let `client` read the repository `name` of the registry `host`.

    `header` is the WWW-Authenticate of its refusal.

    Raises:
        SourceDeniedError: there are no credentials, or they are not taken.
        SourceUnsafeError: it asks for what is not safe to do, or answers with no token.
    """
    challenge = read_challenge(header)
    if challenge is None:
        raise SourceDeniedError(f"{host} refuses {name}, and does not say how to be let in")
    credentials = credentials_for(host)
    if challenge.scheme == "basic":
        if credentials.basic is None:
            raise denied(host, name, credentials)
        return {"Authorization": credentials.basic}
    return {"Authorization": f"Bearer {await _token(client, challenge, credentials, host, name)}"}


def denied(host: str, name: str, credentials: Credentials) -> SourceDeniedError:
    """The refusal of `name`, with what can be done about it."""
    hint = f"docker login {host}; Stoker reads what that keeps in config.json"
    if host == OLLAMA_HOST:
        hint = "what is private there needs Ollama's own key, which Stoker does not use"
    elif credentials.helper:
        hint = (
            "Docker's configuration names a program that keeps credentials, and Stoker runs none; "
            f"remove credsStore and credHelpers from config.json, then docker login {host}"
        )
    return SourceDeniedError(f"{host} has no {name}, or does not let us read it", hint=hint)


async def _token(
    client: Http, challenge: Challenge, credentials: Credentials, host: str, name: str
) -> str:
    url = token_url(challenge, host, name)
    headers = {"Authorization": credentials.basic} if credentials.basic else {}
    try:
        answer = await client.get_json(url, headers=headers, most_bytes=ANSWER_BYTES_MAX)
    except SourceDeniedError:
        raise denied(host, name, credentials) from None
    return _checked_token(answer, host)


def token_url(challenge: Challenge, host: str, name: str) -> str:
    """Where a token for the repository `name` of the registry `host` is asked for.

    Raises:
        SourceUnsafeError: the challenge names a place that no credentials may go to.
    """
    realm = _checked_realm(challenge.realm, host)
    query = parse_qsl(realm.query, keep_blank_values=True)
    if challenge.service:
        query.append(("service", challenge.service))
    query.append(("scope", challenge.scope or f"repository:{name}:pull"))
    return realm._replace(query=urlencode(query), fragment="").geturl()


def _checked_realm(realm: str, host: str) -> SplitResult:
    try:
        parts = urlsplit(realm)
        _ = parts.port
    except ValueError:
        raise _unsafe_realm(host, "which is no address") from None
    there, here = parts.hostname or "", host_of(host)
    if not there or "@" in parts.netloc or not realm.isprintable():
        raise _unsafe_realm(host, "which is no address")
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(there) and is_loopback(here)
    ):
        raise _unsafe_realm(host, "which is not an https address")
    if is_inside(there) and not is_inside(here):
        raise _unsafe_realm(host, "which is inside this network")
    return parts


def _unsafe_realm(host: str, why: str) -> SourceUnsafeError:
    return SourceUnsafeError(f"{host} wants a token fetched from an address {why}")


def _checked_token(answer: Any, host: str) -> str:
    found = answer if isinstance(answer, dict) else {}
    token = found.get("token") or found.get("access_token")
    if not isinstance(token, str) or len(token) > TOKEN_MAX or _TOKEN.fullmatch(token) is None:
        raise SourceUnsafeError(f"{host} names a place for tokens that gives none")
    return token
