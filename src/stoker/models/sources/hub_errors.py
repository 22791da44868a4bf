"""What `huggingface_hub` raises, in Stoker's words.

Its own texts are left out: they are long, and some quote the headers that were sent.
"""

from __future__ import annotations

import os
import socket

import httpx
from huggingface_hub import constants
from huggingface_hub import errors as failures

from stoker.core.errors import (
    InvalidSourceError,
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    SourceUnsafeError,
    StokerError,
)
from stoker.models.download.failures import TransientError

PASSING = frozenset({500, 502, 503, 504})
_CAUSES_MAX = 8
_NOT_A_DESCRIPTION = (ValueError, TypeError, KeyError, AttributeError, RecursionError)


class Translator:
    """Says what went wrong with one revision of one repository."""

    def __init__(self, repository: str, revision: str | None) -> None:
        self._what = f"hf:{repository}"
        self._page = f"{constants.ENDPOINT}/{repository}"
        self._revision = revision or "main"

    def translated(self, error: Exception) -> StokerError | TransientError:
        """The error that a person gets for `error`, or the signal that it may pass."""
        if isinstance(error, failures.HFValidationError):
            return InvalidSourceError(f"{self._what} is not a name that Hugging Face has")
        if isinstance(error, failures.HfHubHTTPError):
            return self._refused(error)
        if isinstance(error, (httpx.HTTPError, OSError)):
            return self._unreachable(error)
        if isinstance(error, _NOT_A_DESCRIPTION):
            return SourceUnsafeError(f"{self._what}: the hub's answer is no description")
        return SourceError(f"{self._what}: huggingface_hub failed ({type(error).__name__})")

    def _unreachable(self, error: Exception) -> StokerError:
        if isinstance(error, failures.OfflineModeIsEnabled):
            return SourceUnreachableError(
                "HF_HUB_OFFLINE is set, so Hugging Face is not asked",
                hint="unset HF_HUB_OFFLINE (and TRANSFORMERS_OFFLINE)",
            )
        if isinstance(error, httpx.TimeoutException):
            return SourceUnreachableError(f"{self._what}: the hub did not answer in time")
        return SourceUnreachableError(
            f"{self._what}: the hub cannot be reached: {_reason(error)}",
            hint="look at the network, the proxy's variables and HF_ENDPOINT",
        )

    def _refused(self, error: failures.HfHubHTTPError) -> StokerError | TransientError:
        match error:
            case failures.GatedRepoError():
                return SourceDeniedError(
                    f"{self._what} is only for those who accepted its terms",
                    hint=f"accept them at {self._page} and set HF_TOKEN to a token of yours",
                )
            case failures.DisabledRepoError():
                return SourceDeniedError(f"{self._what} is disabled", hint=f"see {self._page}")
            case failures.RevisionNotFoundError():
                return SourceMissingError(f"{self._what} has no revision {self._revision}")
            case failures.RepositoryNotFoundError():
                return SourceMissingError(
                    f"{self._what} does not exist, or is private",
                    hint="check its name; for a private one set HF_TOKEN to a token that may read",
                )
        return self._by_status(error.response.status_code)

    def _by_status(self, status: int) -> StokerError | TransientError:
        if status in PASSING:
            return TransientError(f"{self._what}: the hub answers with status {status}")
        if status in {401, 403}:
            return SourceDeniedError(
                f"{self._what}: the hub does not accept the token ({status})",
                hint="check HF_TOKEN, or the token that `hf auth login` has kept",
            )
        if status == 404:
            return SourceMissingError(f"{self._what} does not exist")
        if status == 429:
            return SourceError(
                f"{self._what}: the hub wants fewer requests (429)",
                hint="wait some minutes; with HF_TOKEN set more are allowed",
            )
        return SourceError(f"{self._what}: the hub answers with status {status}")


def _reason(error: BaseException) -> str:
    """Why there is no connection, in the system's words where it has some."""
    cause: BaseException | None = error
    for _ in range(_CAUSES_MAX):
        if isinstance(cause, socket.gaierror):
            return "there is no such host"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
        cause = cause and (cause.__cause__ or cause.__context__)
    return "no connection" if isinstance(error, httpx.ConnectError) else "the connection broke"
