"""Comparisons that were run here are found again for plans, and for advice on the same tasks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core.errors import FileMissingError, InvalidRequestError
from stoker.core.model import LocalModel
from stoker.library.judging.compared import compare_command, losses_here, tried_here
from stoker.library.judging.subjects import near_subject
from stoker.models.storing.known_digests import Identity, KnownDigests
from stoker.models.storing.store import Store, hash_file
from stoker.planning.advice.tried import Tried
from stoker.state.comparisons import keep_comparison
from stoker.state.home import Home
from stoker.testing.synthetic import write_model
from support.compared import TASKS, kept, model


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").prepare()


@pytest.fixture
def tiny(tmp_path: Path, home: Home) -> LocalModel:
    """A file of no known digest."""
    write_model(tmp_path / "tiny.gguf")
    return near_subject(str(tmp_path / "tiny.gguf"), Store(home.models)).model


def test_where_nothing_was_compared_nothing_is_known(home: Home, tiny: LocalModel) -> None:
    assert losses_here(home, tiny, "Q8_0") == ()


def test_a_file_is_known_by_the_digest_that_compare_took_of_it(
    home: Home, tiny: LocalModel
) -> None:
    digest = hash_file(tiny.path)
    keep_comparison(home.comparisons, kept(model("F16", "a", digest=digest), model("Q4_0", "b")))
    assert losses_here(home, tiny, "F16") == ()
    KnownDigests(home.digests).remember(Identity.of(tiny.path), digest)
    (found,) = losses_here(home, tiny, "F16")
    assert found.certain
    assert found.engine == "xllamacpp 1"  # not what is installed
    write_model(tiny.path, "tiny_embed")  # its bytes change
    assert losses_here(home, tiny, "F16") == ()


def test_a_model_that_lies_elsewhere_is_known_by_the_digest_that_its_source_states(
    home: Home, tiny: LocalModel, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    keep_comparison(home.comparisons, kept())
    facts = replace(tiny.facts, digest=kept().models[1].digest)
    assert losses_here(home, replace(tiny, path=Path("tiny.gguf"), facts=facts), "Q4_0")
    assert losses_here(home, replace(tiny, path=Path("tiny.gguf")), "Q4_0") == ()


def written(tmp_path: Path) -> Path:
    path = tmp_path / "my tasks.jsonl"
    path.write_text('{"prompt": "2 + 2?", "expected": "4"}\n')
    return path


def tried_after(home: Home, path: Path) -> tuple[Tried, ...]:
    tasks = replace(TASKS, digest=hash_file(path))
    keep_comparison(home.comparisons, kept(tasks=tasks))
    return tried_here(home, str(path))


def test_models_are_known_that_were_compared_on_the_same_file_of_tasks(
    home: Home, tmp_path: Path
) -> None:
    path = written(tmp_path)
    assert tried_here(home, str(path)) == ()
    assert [one.model.quantization for one in tried_after(home, path)] == ["F16", "Q4_0"]
    path.write_text(path.read_text() * 2)
    assert tried_here(home, str(path)) == ()


def test_tasks_that_cannot_be_read_are_refused(home: Home, tmp_path: Path) -> None:
    with pytest.raises(FileMissingError):
        tried_here(home, str(tmp_path / "none.jsonl"))
    with pytest.raises(InvalidRequestError, match="no file of tasks"):
        tried_here(home, str(tmp_path))
    large = tmp_path / "large.jsonl"
    with large.open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(InvalidRequestError, match="larger than 1 GiB"):
        tried_here(home, str(large))


def test_the_command_names_what_is_stored_and_the_tasks(home: Home, tmp_path: Path) -> None:
    path = str(written(tmp_path))
    assert compare_command(home, path) == f"stoker compare MODEL... --tasks '{path}'"
