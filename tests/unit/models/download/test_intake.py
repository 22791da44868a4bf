"""What an answer means depends on what was asked, by whichever connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import pytest

from stoker.models.download.answers import Validators
from stoker.models.download.events import told_nobody
from stoker.models.download.failures import ChangedError
from stoker.models.download.hashing import PrefixHasher
from stoker.models.download.intake import Intake
from stoker.models.download.part import Part
from stoker.models.download.ranges import Piece
from stoker.models.download.reply import Reply
from stoker.models.download.target import Wanted
from support.downloading import LIMITS


@dataclass
class Whole:
    """The whole file, as of the state that is here, from a server that knows no If-Range."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"ETag": '"one"'})
    where: str = "here"


async def test_every_connection_that_asked_with_if_range_may_ask_without(part: Part) -> None:
    """Two have asked before either is answered; only one that asked without it has no way left."""
    part.begin(30, Validators('"one"'), resumable=True)
    part.write(0, b"0123456789")
    hasher = PrefixHasher(part.handle)
    intake = Intake(Wanted("m", "here"), part, hasher, limits=LIMITS, told=told_nobody)
    pieces = [Piece(10, 20), Piece(20, 30)]
    asked = [intake.asking(piece) for piece in pieces]
    assert all("If-Range" in headers for headers in asked)
    whole = cast("Reply", Whole())
    for piece, headers in zip(pieces, asked, strict=True):
        assert not await intake.take(whole, piece, headers)
    again = intake.asking(pieces[0])
    assert ("If-Range" in again, "Range" in again) == (False, True)
    with pytest.raises(ChangedError, match="cannot go on"):
        await intake.take(whole, pieces[0], again)
    hasher.close()
