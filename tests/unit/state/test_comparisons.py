"""What comparisons found: whole, private, bounded, readable, and never an error when it is read."""

from __future__ import annotations

import json
import multiprocessing
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import HomeError
from stoker.files.locks import held, try_lock
from stoker.state import comparisons
from stoker.state.comparisons import (
    COMPARISONS_MAX,
    from_json,
    keep_comparison,
    read_comparisons,
    to_json,
    with_newest,
)
from support.compared import digest, kept, model


def other(number: int) -> Any:
    """A comparison that tells nothing of what another number's tells."""
    return kept(model("F16", "a"), model("Q4_0", "b", digest=f"sha256:{number:064}"))


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    one = kept()
    bare = replace(other(1), tasks=None, text=None, best=None, cheapest=None)
    for each in (one, bare):
        keep_comparison(tmp_path / "c.json", each)
    assert read_comparisons(tmp_path / "c.json") == (one, bare)


def test_the_file_is_its_owners_alone_and_a_person_can_read_it(tmp_path: Path) -> None:
    keep_comparison(tmp_path / "c.json", kept())
    assert stat.S_IMODE((tmp_path / "c.json").stat().st_mode) == 0o600
    lines = (tmp_path / "c.json").read_text().splitlines()
    assert '   "date": "2026-11-26 17:35 UTC",' in lines
    assert not [path for path in tmp_path.iterdir() if "aside" in path.name]


def test_where_nothing_was_kept_there_is_nothing(tmp_path: Path) -> None:
    assert read_comparisons(tmp_path / "none.json") == ()
    (tmp_path / "link.json").symlink_to(tmp_path / "c.json")
    keep_comparison(tmp_path / "c.json", kept())
    assert read_comparisons(tmp_path / "link.json") == ()


def test_a_comparison_that_is_done_again_takes_the_older_ones_place() -> None:
    later = kept(date="2027-01-01 00:00 UTC")
    assert with_newest((kept(), other(1)), later) == (other(1), later)


def test_the_oldest_go_when_there_are_too_many() -> None:
    found: tuple[Any, ...] = ()
    for number in range(COMPARISONS_MAX + 3):
        found = with_newest(found, other(number))
    assert len(found) == COMPARISONS_MAX
    assert found[0] == other(3)


def test_the_oldest_go_when_they_take_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    all_of_them = [other(number) for number in range(5)]
    monkeypatch.setattr(comparisons, "BYTES_MAX", len(to_json(all_of_them[:2])))
    assert from_json(to_json(all_of_them)) == tuple(all_of_them[-2:])


def entry(**more: Any) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(to_json([kept()]))["comparisons"][0]
    return {**document, **more}


def in_model(**more: Any) -> dict[str, Any]:
    document = entry()
    document["models"][1] |= more
    return document


@pytest.mark.parametrize(
    "broken",
    [
        entry(date="yesterday"),
        entry(models=[]),
        entry(best=7),
        entry(cheapest=-1),
        entry(more=1),
        entry(engine="x" * 600),
        entry(engine="two\nlines"),
        entry(stoker=None),
        entry(tasks={"name": "t"}),
        in_model(file_bytes=-1),
        in_model(file_bytes=1.5),
        in_model(made=1),
        in_model(text={"scored_tokens": 1, "perplexity": float("nan")}),
        in_model(tasks={**entry()["models"][1]["tasks"], "right": 201}),
        in_model(run={**entry()["models"][1]["run"], "context": "many"}),
        {key: value for key, value in entry().items() if key != "engine"},
        [],
        None,
        "text",
    ],
)
def test_an_entry_that_cannot_be_right_is_passed_over(broken: Any) -> None:
    document = {"version": 1, "comparisons": [broken, entry()]}
    assert from_json(json.dumps(document).encode()) == (kept(),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"version": 2, "comparisons": []}',
        b'{"version": 1}',
        b'{"version": 1, "comparisons": 3}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_document_of_another_kind_holds_nothing_and_is_written_anew(
    data: bytes, tmp_path: Path
) -> None:
    (tmp_path / "c.json").write_bytes(data)
    assert from_json(data) == ()
    keep_comparison(tmp_path / "c.json", kept())
    assert read_comparisons(tmp_path / "c.json") == (kept(),)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=12,
    ),
    st.sampled_from(sorted(entry())),
)
def test_no_value_in_any_place_makes_reading_fail(value: Any, name: str) -> None:
    document = {"version": 1, "comparisons": [entry(**{name: value}), value]}
    assert len(from_json(json.dumps(document).encode())) <= 1


def test_a_home_that_cannot_be_written_is_an_error_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(HomeError):
        keep_comparison(tmp_path / "file" / "c.json", kept())
    monkeypatch.setattr(comparisons, "LOCK_WAIT_S", 0.0)
    lock = try_lock(tmp_path / "c.lock")
    assert lock is not None
    with held(lock), pytest.raises(HomeError, match="another process"):
        keep_comparison(tmp_path / "c.json", kept())


def _keep_many(path: Path, first: int) -> None:
    for number in range(first, first + 10):
        keep_comparison(path, other(number))


@pytest.mark.slow
def test_several_processes_may_keep_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_keep_many, args=(tmp_path / "c.json", 100 * at)) for at in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    found = {one.models[1].digest for one in read_comparisons(tmp_path / "c.json")}
    assert found == {f"sha256:{100 * at + more:064}" for at in range(3) for more in range(10)}
    assert digest("b") not in found
