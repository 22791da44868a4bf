"""The shell is offered what is there: stored models, machines by name, and files."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from stoker.cli.main import cli
from stoker.core.model import ModelRef
from stoker.machine.presets import presets
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store, hash_file
from stoker.state.home import Home


def offered(words: list[str], begun: str) -> list[tuple[str, str]]:
    found = ShellComplete(cli, {}, "stoker", "_STOKER_COMPLETE").get_completions(words, begun)
    return [(one.type, one.value) for one in found]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path))
    return Home(tmp_path)


@pytest.mark.parametrize("words", [["plan", "--machine"], ["advise", "--machine"], ["machine"]])
def test_machines_are_offered_by_name_and_as_files(words: list[str]) -> None:
    assert [name for kind, name in offered(words, "") if kind == "plain"] == [
        one.name for one in presets()
    ]
    assert offered(words, "m1-m") == [("file", "m1-m"), ("plain", "m1-max")]
    assert offered(words, "./mine") == [("file", "./mine")]


@pytest.mark.parametrize("verb", ["plan", "show", "run", "serve", "compare", "quantize", "embed"])
def test_models_are_offered_by_their_stored_names_and_as_files(verb: str, home: Home) -> None:
    store, file = Store(home.models), home.models.parent / "m.gguf"
    file.write_bytes(b"GGUF")
    digest = hash_file(file)
    store.parts.mkdir(parents=True)
    store.adopt(file, digest)
    store.put(Manifest(ModelRef("shop"), "./m.gguf", (Layer(digest, 4, "model", "m"),), 1, {}))
    assert offered([verb], "s") == [("file", "s"), ("plain", "starter"), ("plain", "shop")]
    assert offered([verb], "sh") == [("file", "sh"), ("plain", "shop")]
    assert offered([verb], "./sh") == [("file", "./sh")]


def test_a_home_that_cannot_be_read_offers_no_names(home: Home) -> None:
    home.models.parent.mkdir(parents=True, exist_ok=True)
    home.models.write_text("no folder")
    assert offered(["show"], "s") == [("file", "s"), ("plain", "starter")]
