"""What each answer means for an unfinished file, and how its bytes get there.

Owns the judgement: whether an answer goes on with what is here, belongs to another state of the
file, or is unsafe; and which pieces are still to be asked for. Who asks, and when again, is
`transfer`'s.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from stoker.core.errors import ModelFileEmptyError, SourceError, SourceUnsafeError
from stoker.core.units import format_bytes
from stoker.models.download.answers import (
    ContentRange,
    Validators,
    check_not_encoded,
    content_length,
    content_range,
    unsatisfied_size,
    validators,
)
from stoker.models.download.events import Moved, Told
from stoker.models.download.failures import ChangedError, TransientError
from stoker.models.download.hashing import PrefixHasher
from stoker.models.download.limits import DownloadLimits
from stoker.models.download.part import Part, check_space
from stoker.models.download.ranges import Piece, Span, piece_bytes, pieces
from stoker.models.download.reply import Reply
from stoker.models.download.target import Wanted

START_BYTES = 4096
_CHANGED = "it changed at its source"


class Intake:
    """Takes answers for `wanted` into `part`, and tells `hasher` how far the file is whole.

    `todo` are the pieces that nobody fetches yet. `answered` is set once one answer was good.
    """

    def __init__(
        self,
        wanted: Wanted,
        part: Part,
        hasher: PrefixHasher,
        *,
        limits: DownloadLimits,
        told: Told,
    ) -> None:
        self._wanted = wanted
        self.part = part
        self._hasher = hasher
        self._limits = limits
        self._told = told
        self.todo: list[Piece] = []
        self.answered = asyncio.Event()
        self._in_ranges = True  # until the source shows that it cannot
        self._if_range = True
        self._start_seen = False
        self._is_current = wanted.digest is not None  # else an answer tells

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, and what is here is what the source has now."""
        return self._is_current and self.part.size is not None and not self._gaps()

    def plan(self) -> None:
        """Make `todo` what is missing; the first answer may change it."""
        self.answered.clear()
        size = self.part.size
        if size is None:
            self.todo = [self._first()]
        else:  # where all is here, its last byte tells whether it is still the same
            gaps = self._gaps() or [(size - 1, size)]
            self.todo = pieces(gaps, piece_bytes(size, self._limits))
        self.moved()

    def asking(self, piece: Piece) -> dict[str, str]:
        """The headers that ask for `piece`, in the state of the file that is here."""
        headers = {"Accept-Encoding": "identity"}
        if self._in_ranges and piece.end is not None:
            headers["Range"] = f"bytes={piece.at}-{piece.end - 1}"
            if self._if_range and self.part.validators.if_range and self.part.ranges.covered:
                headers["If-Range"] = self.part.validators.if_range
        return headers

    async def take(self, reply: Reply, piece: Piece, asked: Mapping[str, str]) -> bool:
        """Take in the answer to `asked`; `piece` then tells what of it is missing.

        False where the source has to be asked in another way, which `asking` knows by then.

        Raises:
            ChangedError: it does not belong to what is here.
            TransientError: it did not come whole.
            StokerError: it is a refusal, unsafe, or there is no room.
        """
        if reply.status == 206:
            if "Range" not in asked:
                raise SourceUnsafeError(f"{reply.where} sends a part of the file, unasked")
            accepted = self._accept_range(reply, piece)
        elif reply.status == 200:
            accepted = self._accept_stream(reply, piece, asked)
        elif reply.status in {412, 416}:
            raise self._unsatisfied(reply)
        else:
            reply.check()
            raise SourceError(f"{reply.where} answered {reply.status}, which is no file")
        if accepted:
            self._believe()
            await self._pour(reply, piece)
        return accepted

    def rewind(self, piece: Piece) -> bool:
        """Whether `piece` begins anew: what broke cannot be gone on with."""
        if self.part.resumable:
            return False
        self.forget()
        first = self._first()
        piece.at, piece.end = first.at, first.end
        return True

    def forget(self) -> None:
        """Begin anew."""
        self._hasher.restart()
        self.part.start_over()
        self._start_seen = False

    def moved(self) -> None:
        """Tell everybody how far it is."""
        prefix = self.part.ranges.prefix
        self._hasher.advance(prefix)
        self._told(Moved(self.part.ranges.covered, self.part.size))
        if prefix >= START_BYTES:
            self._see_start()

    def _gaps(self) -> list[Span]:
        return list(self.part.ranges.gaps(self.part.size or 0))

    def _first(self) -> Piece:
        return Piece(0, self._limits.piece_bytes_min if self._in_ranges else None)

    def _accept_range(self, reply: Reply, piece: Piece) -> bool:
        """False where the source has to be asked in another way."""
        check_not_encoded(reply.headers, reply.where)
        found, state = content_range(reply.headers, reply.where), validators(reply.headers)
        if found.size is None or not self._can_be_pieced(found, state):
            self._in_ranges, piece.end = False, None
            return False
        end = min(piece.end or 0, found.size)
        if (found.start, found.end) != (piece.at, end):
            raise SourceUnsafeError(f"{reply.where} sends other bytes than it was asked for")
        if self.part.size is None:
            self._learn(reply, found.size, state, resumable=self._is_told_apart(state))
            piece.end = end
            rest = [(end, found.size)] if end < found.size else []
            self.todo = pieces(rest, piece_bytes(found.size, self._limits))
        elif self.part.size != found.size or self.part.validators.contradict(state):
            raise ChangedError(_CHANGED)
        return True

    def _can_be_pieced(self, found: ContentRange, state: Validators) -> bool:
        return self._is_told_apart(state) or found.end - found.start == found.size

    def _is_told_apart(self, state: Validators) -> bool:
        """Whether it would be noticed that two answers belong to two states of the file."""
        return self._wanted.digest is not None or bool(state.if_range)

    def _accept_stream(self, reply: Reply, piece: Piece, asked: Mapping[str, str]) -> bool:
        check_not_encoded(reply.headers, reply.where)
        state = validators(reply.headers)
        if self.part.ranges.covered:
            return self._ask_otherwise(state, asked)
        told = content_length(reply.headers, reply.where)
        size = self._wanted.size_bytes if told is None else told
        self._learn(reply, size, state, resumable=False)
        self.todo = []
        piece.at, piece.end = 0, size
        return True

    def _ask_otherwise(self, state: Validators, asked: Mapping[str, str]) -> bool:
        """The whole file came, where more of the same was asked for: some know no If-Range."""
        if self.part.validators.contradict(state):
            raise ChangedError(_CHANGED)
        if "If-Range" not in asked:
            self._in_ranges = False
            raise ChangedError("its source cannot go on")
        self._if_range = False
        return False

    def _learn(self, reply: Reply, size: int | None, state: Validators, *, resumable: bool) -> None:
        announced = self._wanted.size_bytes
        if size == 0:
            raise self._empty()
        if size is not None and announced is not None and size != announced:
            raise SourceUnsafeError(
                f"{reply.where} has {size} bytes; {announced} were announced for it"
            )
        self.part.begin(size, state, resumable=resumable)

    def _believe(self) -> None:
        """The answer is good; the first one tells whether there is room for all."""
        self._is_current = True
        if not self.answered.is_set():
            missing = (self.part.size or 0) - self.part.ranges.covered
            check_space(self.part.path.parent, missing, self._limits.spare_bytes)
        self.answered.set()

    def _unsatisfied(self, reply: Reply) -> Exception:
        if unsatisfied_size(reply.headers) == 0:
            return self._empty()
        if self.part.ranges.covered:
            return ChangedError(_CHANGED)
        return SourceError(f"{reply.where} answered {reply.status}: it has no such bytes")

    def _empty(self) -> ModelFileEmptyError:
        return ModelFileEmptyError(f"{self._wanted.name}: the file is empty (0 bytes)")

    async def _pour(self, reply: Reply, piece: Piece) -> None:
        most = self._limits.unknown_bytes_max if piece.end is None else piece.end
        while data := await reply.read():
            if piece.at + len(data) > most:
                raise SourceUnsafeError(f"{reply.where} sends more than {format_bytes(most)}")
            self.part.write(piece.at, data)
            piece.at += len(data)
            self.moved()
        if piece.end is None:
            self._learn(reply, piece.at, self.part.validators, resumable=False)
            piece.end = piece.at
        elif piece.at < piece.end:
            raise TransientError(f"{reply.where} ended before it was whole")
        self._see_start()

    def _see_start(self) -> None:
        if not self._start_seen and self.part.ranges.prefix:
            self._start_seen = True
            self._wanted.check_start(self.part.read(0, START_BYTES))
