"""What can pass and what cannot: which answers are worth another try, and after how long.

Owns the two signals within the room: `TransientError` asks for another try, `ChangedError` for a
new start. Neither reaches a person; `Patience` makes an error of ours when tries are used up.
"""

from __future__ import annotations

from collections.abc import Callable

from stoker.core.errors import (
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    StokerError,
)
from stoker.core.units import format_seconds
from stoker.models.download.answers import http_date
from stoker.models.download.events import Retrying, Told
from stoker.models.download.limits import DownloadLimits, Timing

_BUSY = frozenset({429, 503})
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_PASSING_ABOVE = 520  # what proxies say of a server behind them


class TransientError(Exception):
    """Worth another try. `busy`: the source wants less of us. `reason` holds no secret."""

    def __init__(
        self, reason: str, *, retry_after_s: float | None = None, busy: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.busy = busy


class ChangedError(Exception):
    """What has come so far does not belong to what comes now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def refusal(
    status: int, where: str, *, retry_after: str | None, now_unix_s: float
) -> StokerError | TransientError:
    """What an answer with the HTTP `status` means, which is none that was asked for."""
    if status in _PASSING or status >= _PASSING_ABOVE:
        pause_s = retry_after_s(retry_after, now_unix_s)
        return TransientError(
            f"{where} answered {status}", retry_after_s=pause_s, busy=status in _BUSY
        )
    if status in {401, 403}:
        return SourceDeniedError(f"{where} answered {status}: we may not have it")
    if status in {404, 410}:
        return SourceMissingError(f"{where} answered {status}: there is nothing there")
    return SourceError(f"{where} answered {status}")


def retry_after_s(text: str | None, now_unix_s: float) -> float | None:
    """The seconds that `Retry-After` asks for, written as such or as a date (RFC 9110, 10.2.3)."""
    if not text:
        return None
    if text.strip().isascii() and text.strip().isdigit():
        return float(text.strip()[:12])
    when_unix_s = http_date(text)
    return None if when_unix_s is None else max(0.0, when_unix_s - now_unix_s)


def backoff_s(failures: int, limits: DownloadLimits, random: Callable[[], float]) -> float:
    """How long to wait after `failures` in a row: twice as long each time, with full jitter."""
    longest = min(limits.backoff_max_s, limits.backoff_s * 2.0 ** (failures - 1))
    return random() * longest


class Patience:
    """Waits before another try, until tries are used up; one for each thing that is fetched."""

    def __init__(self, where: str, limits: DownloadLimits, timing: Timing, told: Told) -> None:
        self._where = where
        self._limits = limits
        self._timing = timing
        self._told = told
        self._fruitless = self._all = 0

    async def wait(self, failure: TransientError, moved_bytes: int = 0) -> None:
        """Return when it is time for another try; the last one brought `moved_bytes`.

        Raises:
            SourceUnreachableError: tries are used up, or the source asks for too long a wait.
        """
        fruitful = moved_bytes >= self._limits.fruit_bytes_min
        self._fruitless = 1 if fruitful else self._fruitless + 1
        self._all += 1
        if self._fruitless >= self._limits.tries or self._all >= self._limits.tries_in_all:
            tried = f"tried {self._all} times" if self._all > 1 else "tried once"
            raise SourceUnreachableError(f"{failure.reason}; {tried}") from failure
        pause_s = self._pause_s(failure)
        self._told(Retrying(failure.reason, pause_s))
        await self._timing.clock.sleep(pause_s)

    def _pause_s(self, failure: TransientError) -> float:
        own_s = backoff_s(self._fruitless, self._limits, self._timing.random)
        asked_s = failure.retry_after_s
        if asked_s is None:
            return own_s
        if asked_s > self._limits.retry_after_max_s:
            raise SourceUnreachableError(
                f"{self._where} asks us to come back in {format_seconds(asked_s)}",
                hint="try again then",
            ) from failure
        return max(asked_s, own_s)
