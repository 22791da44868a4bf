"""What Docker's configuration file knows of a registry: the credentials that `docker login` kept.

Reads `auths` of `config.json` in DOCKER_CONFIG or ~/.docker. Programs that it names to keep
credentials (`credsStore`, `credHelpers`) are not run; that they are named is said.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stoker.core.errors import SourceDeniedError

CONFIG_BYTES_MAX = 1 << 20
_DOCKER_HUB = ("https://index.docker.io/v1/", "docker.io", "index.docker.io")


@dataclass(frozen=True, slots=True)
class Credentials:
    """What to send to whom a registry trusts: `basic`, a value of Authorization, or None.

    `helper` says that a program was named that may know more.
    """

    basic: str | None = field(default=None, repr=False)
    helper: bool = False


def credentials_for(host: str) -> Credentials:
    """What `docker login` kept for the registry `host` (with its port).

    Raises:
        SourceDeniedError: the file cannot be read, or is not of its form.
    """
    path = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker") / "config.json"
    document = _document(path)
    helper = bool(document.get("credsStore")) or host in _object(document, "credHelpers", path)
    auths = _object(document, "auths", path)
    for key in _keys(host):
        if isinstance(entry := auths.get(key), dict) and (basic := _basic(entry, path)):
            return Credentials(basic, helper)
    return Credentials(None, helper)


def _keys(host: str) -> tuple[str, ...]:
    """Under which names the file may have `host`, the usual one first."""
    known = _DOCKER_HUB if host == "registry-1.docker.io" else ()
    return (*known, host, f"https://{host}", f"https://{host}/v1/", f"https://{host}/v2/")


def _document(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            data = file.read(CONFIG_BYTES_MAX + 1)
        document = json.loads(data) if len(data) <= CONFIG_BYTES_MAX else None
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise _unusable(path)
    return document


def _object(document: dict[str, Any], key: str, path: Path) -> dict[str, Any]:
    found = document.get(key) or {}
    if not isinstance(found, dict):
        raise _unusable(path)
    return found


def _basic(entry: dict[str, Any], path: Path) -> str | None:
    """The value of Authorization that `entry` stands for; None where it is empty."""
    auth = entry.get("auth")
    if not auth:
        user, password = entry.get("username"), entry.get("password")
        if not (isinstance(user, str) and isinstance(password, str) and user):
            return None
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    try:
        pair = base64.b64decode(auth, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise _unusable(path) from None
    if b":" not in pair:
        raise _unusable(path)
    return f"Basic {base64.b64encode(pair).decode()}"


def _unusable(path: Path) -> SourceDeniedError:
    return SourceDeniedError(
        f"{path} is not what Docker writes, so it gives no credentials",
        hint="mend it, or log in again: docker login REGISTRY",
    )
