"""What `stoker quantize` prints."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from stoker.cli.quantize import command
from stoker.core.errors import UnsupportedModelError


def test_json_says_what_was_made(tmp_path: Path) -> None:
    out = tmp_path / "small.gguf"
    result = CliRunner().invoke(
        command, ["starter", "--to", "q8_0", "--out", str(out), "--json"], catch_exceptions=False
    )
    document = json.loads(result.stdout)
    assert document["bytes_out"] == out.stat().st_size < document["bytes_in"]
    assert 8.5 <= document["bits_per_weight"] < 9
    assert set(document["bytes_by_type"]) == {"F32", "Q8_0"}
    assert document["peak_memory_bytes"] > 0


def test_a_type_that_needs_a_native_program_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["starter", "--to", "q4_k_m"])
    assert isinstance(result.exception, UnsupportedModelError)
