"""How the web library is held: it looks nothing up, follows nothing, and its errors are ours.

Owns what of `aiohttp` a request needs. When to ask, and what for, is `client`'s.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator, Mapping

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from stoker.core.errors import InvalidSourceError, SourceUnsafeError
from stoker.models.download.failures import TransientError
from stoker.models.download.guard import Guard
from stoker.models.download.tuning import read_much_at_once


async def ask(
    session: aiohttp.ClientSession, method: str, url: URL, headers: Mapping[str, str]
) -> aiohttp.ClientResponse:
    """The answer to one request, whatever it is; its redirects are not followed."""
    response = await session.request(method, url, headers=headers, allow_redirects=False)
    if response.connection is not None:
        read_much_at_once(response.connection.transport)
    return response


class Admitted(AbstractResolver):
    """Gives the connector the addresses that the guard has checked, and looks nothing up."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The addresses at which `host` was admitted."""
        results = [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._guard.addresses(host)
            if family is socket.AF_UNSPEC or (family is socket.AF_INET6) == (":" in address)
        ]
        if not results:
            raise OSError(None, f"{host} was not admitted")
        return results

    async def close(self) -> None:
        """Nothing is open."""


@contextlib.contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn what the library raises before an answer into words of ours, which hold no secret."""
    try:
        yield
    except aiohttp.InvalidURL:
        raise InvalidSourceError(f"{where} is not an address that can be asked") from None
    except (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError):
        raise SourceUnsafeError(f"{where} cannot prove who it is (its certificate)") from None
    except aiohttp.ClientConnectorError as error:
        number = error.os_error.errno
        reason = os.strerror(number) if number else "no connection"
        raise TransientError(f"{where} cannot be connected to: {reason}") from error
    except aiohttp.ClientResponseError:
        raise TransientError(f"{where} answered something that is not HTTP") from None
    except (aiohttp.ClientError, OSError) as error:
        raise TransientError(f"{where} closed the connection without an answer") from error


def as_url(url: str) -> URL:
    """`url` as it stands where it is written as addresses are: a signed one must not change."""
    return URL(url, encoded=url.isascii() and " " not in url)
