"""The port of an HTTP client, as sources use it and `stoker.models.download` fills it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# The longest mark of a file's state that is remembered of a server.
STATE_MAX = 256


class Answer(Protocol):
    """Status and headers of an answer whose body nobody asked for."""

    @property
    def status(self) -> int:
        """The HTTP status."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, whose names have no case."""


class Found(Protocol):
    """What a server says about a file before it is fetched."""

    @property
    def size_bytes(self) -> int | None:
        """Its length, or None when the server does not say."""

    @property
    def state(self) -> str:
        """What tells this state of it from others; empty when the server does not say."""


class Http(Protocol):
    """What sources need of `stoker.models.download`'s client."""

    async def get_json(
        self, url: str, *, headers: Mapping[str, str] = ..., most_bytes: int = ...
    ) -> Any:
        """The JSON document at `url`."""

    async def get_bytes(
        self, url: str, *, headers: Mapping[str, str] = ..., most_bytes: int = ...
    ) -> bytes:
        """The bytes at `url`."""

    async def head(self, url: str, *, headers: Mapping[str, str] = ...) -> Found:
        """What the server says about `url`."""

    async def request(self, method: str, url: str, *, headers: Mapping[str, str] = ...) -> Answer:
        """Status and headers only, also of a refusal."""


Authorize = Callable[[], Awaitable[Mapping[str, str]]]
