"""What is no model is said by its first bytes, with what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidSourceError, ModelFileEmptyError, ModelFileGarbageError
from stoker.models.gguf.first_bytes import check_first_bytes, check_no_archive


@pytest.mark.parametrize(
    ("start", "words", "hint"),
    [
        (b"PK\x03\x04abc", "is an archive", "unpack it"),
        (b"\x1f\x8b\x08", "is an archive", "unpack it"),
        (bytes(257) + b"ustar\x00", "is an archive", "unpack it"),
        (b"\n <!DOCTYPE html>", "is a web page", "downloads the file itself"),
        (b'{"error": "x"}', "is a JSON document", "downloads the file itself"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer of git-lfs", "git lfs pull"),
        (b"ggml", "begins with b'ggml'", "fetch it again"),
    ],
)
def test_what_it_is_instead_is_said(start: bytes, words: str, hint: str) -> None:
    with pytest.raises(ModelFileGarbageError, match=words) as caught:
        check_first_bytes("m.gguf", start)
    assert hint in caught.value.hint


def test_a_model_passes_and_nothing_is_empty() -> None:
    check_first_bytes("m.gguf", b"GGUF\x03\x00")
    with pytest.raises(ModelFileEmptyError):
        check_first_bytes("m.gguf", b"")


@given(st.binary(min_size=1, max_size=300))
def test_nothing_else_passes(start: bytes) -> None:
    if not start.startswith(b"GGUF"):
        with pytest.raises(ModelFileGarbageError):
            check_first_bytes("m.gguf", start)


def test_a_name_tells_an_archive_too() -> None:
    check_no_archive("m.gguf")
    with pytest.raises(InvalidSourceError):
        check_no_archive("M.TAR.GZ")
