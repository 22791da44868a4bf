"""Which hosts one pull may connect to, and at which addresses: looked up once, checked, kept.

Owns the look-up and what came of it. The rule itself is in `addresses`. The first host that is
admitted is the one that the person named, so a guard serves one pull.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from stoker.core.errors import SourceUnreachableError
from stoker.models.download.addresses import Classify, Nearness, checked, nearness
from stoker.models.download.failures import TransientError

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
_AGAIN = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL})


class Guard:
    """Admits hosts; `lookup` finds a name's addresses, `classify` says how near each is."""

    def __init__(self, lookup: Lookup | None = None, classify: Classify = nearness) -> None:
        self._lookup = lookup or look_up
        self._classify = classify
        self._nearest: Nearness | None = None
        self._pinned: dict[str, tuple[str, ...]] = {}
        self._one_at_a_time = asyncio.Lock()

    async def admit(self, host: str, port: int) -> None:
        """Let `host` be connected to, at the addresses that it has now.

        Raises:
            SourceUnsafeError: an address breaks the rule.
            SourceUnreachableError: there is no such name.
            TransientError: the look-up failed for the time being.
        """
        key = _key(host)
        async with self._one_at_a_time:
            if key in self._pinned:
                return
            addresses = tuple(await self._lookup(key, port))
            farthest = checked(host, addresses, self._nearest, self._classify)
            if self._nearest is None:
                self._nearest = farthest
            self._pinned[key] = addresses

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses at which `host` was admitted; none if it was not."""
        return self._pinned.get(_key(host), ())


async def look_up(host: str, port: int) -> list[str]:
    """The addresses that the system knows for `host`, which may be an address itself.

    Raises:
        SourceUnreachableError: there is no such name.
        TransientError: the look-up failed for the time being.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in _AGAIN:
            raise TransientError(f"the name {host} cannot be looked up now") from error
        raise SourceUnreachableError(f"There is no host {host}") from error
    except (UnicodeError, OSError) as error:
        raise SourceUnreachableError(f"The name {host} cannot be looked up") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _key(host: str) -> str:
    return host.lower().rstrip(".")
