"""Keeping what a comparison found: what was seen of each file, and one record at the end.

Owns that files are hashed, so that their figures are found again by their digests, and that a home
that cannot be written costs no more than what would be kept. The record's making is `recording`'s,
its place `state.comparisons`'s.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from stoker.comparing.order import Order
from stoker.comparing.plan import Candidate
from stoker.comparing.recording import Seen, record_of
from stoker.comparing.report import Report
from stoker.core.comparison import KeptComparison
from stoker.core.errors import HomeError
from stoker.core.model import ModelFacts
from stoker.core.plan import Plan
from stoker.engines.registry import engine_version
from stoker.models.facts import read_facts
from stoker.models.storing.known_digests import Identity, KnownDigests
from stoker.models.storing.store import hash_file
from stoker.state.comparisons import keep_comparison
from stoker.state.home import Home


class Keeper:
    """Hears what is seen of the candidates of one comparison, and keeps it at its end."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._seen: dict[str, Seen] = {}

    async def note(self, candidate: Candidate, path: Path) -> ModelFacts:
        """The facts of the candidate's file at `path`, with its digest.

        Raises:
            ModelFileError: it cannot be read.
        """
        facts = read_facts(path)
        digest = None if candidate.make else candidate.model.facts.digest
        if digest is None:  # a file that is made for the occasion is not worth remembering
            known = None if candidate.make else KnownDigests(self._home.digests)
            digest = await digest_of(path, known)
        facts = replace(facts, digest=digest)
        self._seen[candidate.name] = Seen(facts)
        return facts

    def ran(self, candidate: Candidate, plan: Plan) -> None:
        """The candidate's file was run under `plan`."""
        if candidate.name in self._seen:
            self._seen[candidate.name] = replace(self._seen[candidate.name], plan=plan)

    def keep(self, order: Order, report: Report) -> KeptComparison | None:
        """Keep what was found; None where nothing was worth it, or where it could not be.

        In the latter case `report` says so.
        """
        record = record_of(order, report, self._seen, engine_version())
        if record is None:
            return None
        try:
            keep_comparison(self._home.comparisons, record)
        except HomeError as error:
            report.notes.append(f"What was found could not be kept: {error.message}.")
            return None
        return record


class _StoppedError(Exception):
    """Raised in the hashing thread once nobody wants the digest any more."""


async def digest_of(path: Path, known: KnownDigests | None = None) -> str | None:
    """The digest of the file at `path`: remembered, or hashed now; None where it cannot be read.

    Without `known` it is not remembered. Cancelling returns once nobody reads any more.
    """
    if known is not None and (found := known.get(path)) is not None:
        return found
    stopped = threading.Event()

    def tell(_: int) -> None:
        if stopped.is_set():
            raise _StoppedError

    work = asyncio.ensure_future(asyncio.to_thread(_hash, path, known, tell))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait({work})
        work.exception()  # looked at, so that nobody complains that it was not
        raise


def _hash(path: Path, known: KnownDigests | None, tell: Callable[[int], None]) -> str | None:
    try:
        before = Identity.of(path)
        found = hash_file(path, tell)
    except OSError:
        return None
    if known is not None:
        known.remember(before, found)
    return found
