"""What an offer means for a stored model: by digests, and by sizes where there are none."""

from __future__ import annotations

import pytest

from stoker.core.errors import (
    InvalidSourceError,
    SeveralFilesError,
    SourceDeniedError,
    SourceMissingError,
    SourceUnreachableError,
    StokerError,
)
from stoker.core.model import ModelRef
from stoker.models.pulling.freshness import State, compared, failed, on_this_disk, unknown
from stoker.models.sources.base import Offer, Offered
from stoker.models.storing.manifest import Layer, Manifest

A, B, C = (f"sha256:{letter * 64}" for letter in "abc")
WEB = "https://h.example/m.gguf"


def stored(source: str = WEB, *layers: Layer) -> Manifest:
    kept = layers or (Layer(A, 10, "model", "m.gguf"), Layer(C, 3, "template", "t"))
    return Manifest(ModelRef("shop"), source, kept, 0, {})


def offer(*files: tuple[str, str | None, int | None], source: str = WEB) -> Offer:
    offered = (Offered(kind, size, digest, kind=kind) for kind, digest, size in files)
    return Offer(source, tuple(offered))


def test_the_same_files_are_current_in_any_order() -> None:
    found = compared(stored(), offer(("template", C, 3), ("model", A, 10)))
    assert (found.state, found.reason) == (State.CURRENT, "")
    assert (found.digest, found.size_bytes) == (A, 13)
    assert (found.new_digest, found.new_size_bytes) == (A, 13)


def test_another_model_is_newer_with_both_digests_and_sizes() -> None:
    found = compared(stored(), offer(("model", B, 20), ("template", C, 3)))
    assert (found.state, found.reason) == (State.NEWER, "")
    assert (found.digest, found.new_digest) == (A, B)
    assert (found.size_bytes, found.new_size_bytes) == (13, 23)


@pytest.mark.parametrize(
    "files",
    [
        [("model", A, 10), ("template", B, 3)],
        [("model", A, 10)],
        [("model", A, 10), ("template", C, 3), ("licence", B, 1)],
        [("model", A, None), ("template", B, None), ("licence", None, None)],
    ],
)
def test_another_text_is_newer_and_says_that_the_model_is_the_same(
    files: list[tuple[str, str | None, int | None]],
) -> None:
    found = compared(stored(), offer(*files))
    assert found.state is State.NEWER
    assert found.reason.startswith("only its ")


def test_where_no_digest_is_stated_another_size_is_another_file() -> None:
    old = stored(WEB, Layer(A, 10, "model", "m"))
    assert compared(old, offer(("model", None, 11))).state is State.NEWER


@pytest.mark.parametrize("size", [10, None])
def test_where_no_digest_is_stated_the_same_size_proves_nothing(size: int | None) -> None:
    old = stored(WEB, Layer(A, 10, "model", "m"))
    found = compared(old, offer(("model", None, size)))
    assert (found.state, found.new_size_bytes) == (State.UNKNOWN, size)
    assert "no digest" in found.reason


@pytest.mark.parametrize(
    ("kept", "now", "size", "state"),
    [
        ('"one"', '"one"', 10, State.CURRENT),
        ('"one"', '"two"', 10, State.NEWER),
        ('"one"', '"one"', 11, State.NEWER),
        ('"one"', '"one"', None, State.UNKNOWN),
        ('"one"', "", 10, State.UNKNOWN),
        ("", '"one"', 10, State.UNKNOWN),
        ('"one"', "Mon, 01 Jan 2024 00:00:00 GMT", 10, State.UNKNOWN),
    ],
)
def test_what_the_source_tells_a_file_by_stands_for_its_digest(
    kept: str, now: str, size: int | None, state: State
) -> None:
    old = stored(WEB, Layer(A, 10, "model", "m", kept))
    there = Offer(WEB, (Offered("m", size, None, state=now),))
    assert compared(old, there).state is state


def test_an_address_that_only_looks_pinned_proves_nothing() -> None:
    source = "https://host/sha256/m.gguf"
    old = stored(source, Layer(A, 10, "model", "m"))
    assert compared(old, offer(("model", None, 10), source=source)).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("time", "size", "state"),
    [("mtime_ns=1", 10, State.LOCAL), ("mtime_ns=2", 10, State.NEWER), ("", 11, State.NEWER)],
)
def test_a_file_of_this_disk_is_local_until_it_is_changed(
    time: str, size: int, state: State
) -> None:
    old = stored("/models/m.gguf", Layer(A, 10, "model", "m.gguf", "mtime_ns=1"))
    there = Offer(old.source, (Offered("m.gguf", size, None, state=time),))
    assert on_this_disk(old, there).state is state


def test_the_same_commit_is_the_same_file_even_without_a_digest() -> None:
    source = f"hf:o/r:m.gguf#commit={'0' * 40}"
    old = stored(source, Layer(A, 10, "model", "m"))
    assert compared(old, offer(("model", None, 10), source=source)).state is State.CURRENT


@pytest.mark.parametrize(
    "source",
    [
        "https://host/sha256-builds/m.gguf",
        "https://host/m.gguf?sha256=1",
        "https://host/m.gguf?x=#commit=1",
    ],
)
def test_an_address_is_pinned_by_its_form_and_not_by_a_word_in_it(source: str) -> None:
    old = stored(source, Layer(A, 10, "model", "m"))
    assert compared(old, offer(("model", None, 11), source=source)).state is State.NEWER


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (SourceMissingError("no tag"), State.GONE),
        (InvalidSourceError("no such file"), State.GONE),
        (SeveralFilesError("two"), State.UNKNOWN),
        (SourceDeniedError("private"), State.UNKNOWN),
        (SourceUnreachableError("no network"), State.UNKNOWN),
    ],
)
def test_only_what_is_not_there_is_gone(error: StokerError, state: State) -> None:
    found = failed(stored(), error)
    assert (found.state, found.reason) == (state, error.message)
    assert (found.digest, found.new_digest) == (A, None)


def test_a_model_of_this_machine_is_local_and_one_not_asked_about_unknown() -> None:
    there = Offer("/models/m.gguf", (Offered("m.gguf", 10, None, state="mtime_ns=1"),))
    found = on_this_disk(stored("/models/m.gguf", Layer(A, 10, "model", "m.gguf")), there)
    assert (found.state, "not known" in found.reason) == (State.LOCAL, True)
    assert unknown(stored(), "why").reason == "why"
