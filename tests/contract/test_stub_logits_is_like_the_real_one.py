"""One suite that the stub of the logits' process and the real one both pass."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from stoker.comparing import forcing
from stoker.comparing.forcing import ForcedText, forced
from stoker.core.errors import StokerError
from stoker.models.catalogue import starter
from stoker.testing.stub_logits import launch_stub

TEXT = "You can return any unused item within 30 days of delivery for a full refund. " * 4


@pytest.fixture(
    params=[
        pytest.param("stub", marks=pytest.mark.slow),
        pytest.param("llamacpp", marks=[pytest.mark.slow, pytest.mark.engine]),
    ]
)
def is_stub(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "stub":
        monkeypatch.setattr(forcing, "launch_logits", lambda *_, **__: launch_stub())
    return request.param == "stub"


@pytest.fixture
async def reading(is_stub: bool, tmp_path: Path) -> AsyncIterator[ForcedText]:
    how = {"threads": 1, "tokens_max": 200, "directory": tmp_path}
    async with forced(starter().path, TEXT, **how) as made:
        yield made


async def test_the_header_tells_what_comes(reading: ForcedText) -> None:
    header = await reading.header()
    assert header.digest.startswith("sha256:")
    assert sum(header.counts) == len(header.targets) > 0
    assert header.text_tokens >= len(header.targets)
    assert all(0 <= one < header.vocabulary for one in header.targets)


async def test_there_is_a_finite_row_for_each_target(reading: ForcedText) -> None:
    header = await reading.header()
    blocks = [block async for block in reading.blocks(header)]
    rows = np.concatenate([rows for rows, _ in blocks])
    assert rows.shape == (len(header.targets), header.vocabulary)
    assert rows.dtype == np.float32
    assert np.isfinite(rows).all()
    assert [int(one) for _, targets in blocks for one in targets] == list(header.targets)


async def test_an_error_comes_in_place_of_the_header(is_stub: bool, tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF")
    with pytest.MonkeyPatch.context() as patch:
        if is_stub:
            error = {"kind": "load", "error": "no model"}
            patch.setattr(forcing, "launch_logits", lambda *_, **__: launch_stub(error=error))
        how = {"threads": 1, "tokens_max": 200, "directory": tmp_path / "w"}
        async with forced(broken, TEXT, **how) as reading:
            with pytest.raises(StokerError):
                await reading.header()
