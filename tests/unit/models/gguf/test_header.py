"""The header reader: what a file says is checked before it is used, and work is bounded."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.core.errors import (
    ModelFileEmptyError,
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
    StokerError,
)
from stoker.models.gguf import header as gguf
from stoker.models.gguf.header import read_header
from stoker.testing.broken import write_broken

Reader = Callable[[bytes], gguf.Header]
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return string(key) + struct.pack("<I", kind) + value


def tensor(name: str, sides: tuple[int, ...], kind: int, offset: int) -> bytes:
    shape = struct.pack(f"<I{len(sides)}Q", len(sides), *sides)
    return string(name) + shape + struct.pack("<IQ", kind, offset)


def header(pairs: tuple[bytes, ...] = (), tensors: tuple[bytes, ...] = ()) -> bytes:
    counts = struct.pack("<IQQ", 3, len(tensors), len(pairs))
    data = b"GGUF" + counts + b"".join(pairs) + b"".join(tensors)
    return data + bytes(-len(data) % 32)


NESTED = struct.pack("<IQ", 9, 2) + (struct.pack("<IQ", 0, 3) + b"abc") * 2
VALID = header(
    (
        pair("general.architecture", 8, string("llama")),
        pair("llama.block_count", 4, struct.pack("<I", 2)),
        pair("words", 9, struct.pack("<IQ", 8, 2) + string("a") + string("bc")),
        pair("nested", 9, NESTED),
        pair("numbers", 9, struct.pack("<IQ", 4, 3) + bytes(12)),
    ),
    (tensor("a", (32, 2), 8, 0), tensor("b", (5,), 0, 96)),
) + bytes(96 + 32)


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reader(data: bytes) -> gguf.Header:
        path = tmp_path / "model.gguf"
        path.write_bytes(data)
        return read_header(path)

    return reader


def test_a_valid_header_is_read_and_arrays_are_counted(read: Reader) -> None:
    got = read(VALID)
    assert got.values == {"general.architecture": "llama", "llama.block_count": 2}
    assert got.array_lengths == {"words": 2, "nested": 2, "numbers": 3}
    assert (got.tensors, got.parameters) == (2, 64 + 5)
    assert got.weight_bytes == {"Q8_0": 68, "F32": 20}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("missing", ModelFileMissingError),
        ("empty", ModelFileEmptyError),
        ("garbage", ModelFileGarbageError),
        ("truncated_header", ModelFileTruncatedError),
        ("unknown_version", ModelFileGarbageError),
        ("too_many_tensors", ModelFileGarbageError),
        ("too_many_keys", ModelFileGarbageError),
        ("endless_string", ModelFileGarbageError),
    ],
)
def test_a_broken_file_is_named_in_one_line(
    tmp_path: Path, kind: str, error: type[StokerError]
) -> None:
    with pytest.raises(StokerError) as caught:
        read_header(write_broken(tmp_path / "bad.gguf", kind))
    assert type(caught.value) is error
    assert caught.value.message.startswith("bad.gguf: ")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("length", range(len(VALID)))
def test_every_cut_of_a_valid_file_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(VALID[:length])
    if length >= len(VALID) - (32 - 20):
        assert read_header(path).tensors == 2  # only the padding behind the last tensor is gone
    else:
        with pytest.raises((ModelFileTruncatedError, ModelFileEmptyError)):
            read_header(path)


BAD = {
    "alignment": header((pair("general.alignment", 4, struct.pack("<I", 3)),)),
    "negative alignment": header((pair("general.alignment", 5, struct.pack("<i", -8)),)),
    "text alignment": header((pair("general.alignment", 8, string("32")),)),
    "unknown value type": header((pair("x", 77, b""),)),
    "key twice": header((pair("x", 0, b"a"), pair("x", 0, b"a"))),
    "overflow": header((), (tensor("a", (1 << 62, 1 << 62), 0, 0),)),
    "no elements": header((), (tensor("a", (0,), 0, 0),)),
    "dimensions": header((), (tensor("a", (1,) * 5, 0, 0),)),
    "tensor type": header((), (tensor("a", (32,), 4, 0),)),
    "row not in blocks": header((), (tensor("a", (33,), 8, 0),)),
    "offset": header((), (tensor("a", (8,), 0, 64),)) + bytes(128),
    "overlap": header((), (tensor("a", (8,), 0, 0), tensor("b", (8,), 0, 0))) + bytes(64),
    "deep nesting": header((pair("x", 9, struct.pack("<IQ", 9, 1) * 9),)),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_is_garbage(read: Reader, data: bytes) -> None:
    with pytest.raises(ModelFileGarbageError):
        read(data + bytes(64))


@FUZZ
@given(st.binary(max_size=400))
def test_random_bytes_behind_the_magic_raise_our_error_only(read: Reader, data: bytes) -> None:
    with pytest.raises(ModelFileError):
        read(b"GGUF\x03\0\0\0" + data[:16].ljust(16, b"\1") + data)


@FUZZ
@given(st.integers(4, len(VALID) - 1), st.binary(min_size=1, max_size=8))
def test_a_mutated_header_is_read_or_refused_and_nothing_else(
    read: Reader, at: int, patch: bytes
) -> None:
    try:
        header = read(VALID[:at] + patch + VALID[at + len(patch) :])
    except ModelFileError:
        return
    assert header.parameters >= 0
    assert header.file_bytes >= len(VALID)


@FUZZ
@given(st.integers(0, 2**64 - 1), st.sampled_from([8, 16]))
def test_a_huge_count_never_makes_work(read: Reader, count: int, at: int) -> None:
    data = bytearray(VALID)
    data[at : at + 8] = struct.pack("<Q", count)
    try:
        header = read(bytes(data))
    except ModelFileError:
        return
    assert header.file_bytes == len(data)


def test_a_header_beyond_the_limit_is_refused(
    read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gguf, "HEADER_BYTES_MAX", 64)
    with pytest.raises(ModelFileGarbageError, match="more than 64 bytes"):
        read(VALID)


def test_a_directory_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileMissingError):
        read_header(tmp_path)


def test_a_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gguf")
    with pytest.raises(ModelFileMissingError, match="not a regular file"):
        read_header(tmp_path / "pipe.gguf")
