"""A smaller file still answers, with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker import LocalModelRuntime
from stoker.models.catalogue import starter
from stoker.models.quantize.write import quantize

pytestmark = [pytest.mark.engine, pytest.mark.slow]


@pytest.mark.parametrize("target", ["Q8_0", "Q4_0"])
def test_the_smaller_starter_answers_the_refund_question(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    out = tmp_path / "small.gguf"
    quantize(starter().path, out, target)
    with LocalModelRuntime(str(out), threads=1) as runtime:
        answer = runtime.generate("What is the refund policy?", temperature=0, max_tokens=40)
    assert "30 days" in answer.text
