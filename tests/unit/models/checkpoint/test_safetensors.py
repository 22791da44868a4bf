"""The header of a safetensors file is checked before it is used, near and far alike."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.core.errors import (
    ModelFileEmptyError,
    ModelFileError,
    ModelFileGarbageError,
    ModelFileMissingError,
    ModelFileTruncatedError,
)
from stoker.models.checkpoint import safetensors
from stoker.models.checkpoint.safetensors import Entry, Parser, fetch_header, read_header
from stoker.models.prefix import MoreNeeded
from stoker.testing.checkpoints import safetensors_bytes

FUZZ = settings(max_examples=200, deadline=None)
TENSORS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.zeros((), np.float16),
    "c": np.zeros((0, 4), np.uint16),
    "d": np.arange(5, dtype=np.int64),
}
VALID = safetensors_bytes(TENSORS)
HEAD_BYTES = 8 + int.from_bytes(VALID[:8], "little")
DATA_BYTES = len(VALID) - HEAD_BYTES


def parsed(data: bytes) -> safetensors.Header:
    return Parser("m.safetensors", len(data)).read(data)


def made(head: Any, data: bytes = b"") -> bytes:
    text = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + data


def one(**changes: Any) -> bytes:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes
    return made({"a": {key: value for key, value in entry.items() if value is not None}}, bytes(8))


def test_a_valid_header_is_read() -> None:
    header = parsed(VALID)
    assert header.data_at == HEAD_BYTES
    assert header.file_bytes == len(VALID)
    assert header.tensors == {
        "a.weight": Entry("F32", (2, 3), 0, 24),
        "b": Entry("F16", (), 24, 26),
        "c": Entry("BF16", (0, 4), 26, 26),
        "d": Entry("I64", (5,), 26, 66),
    }
    assert header.tensors["a.weight"].elements == 6


def test_halves_of_bytes_are_counted_in_bits() -> None:
    entry = {"dtype": "F4", "shape": [4, 4], "data_offsets": [0, 8]}
    assert parsed(made({"a": entry}, bytes(8))).tensors["a"].bytes == 8


@pytest.mark.parametrize("length", range(len(VALID)))
def test_every_cut_is_refused_as_a_cut(tmp_path: Path, length: int) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(VALID[:length])
    with pytest.raises((ModelFileTruncatedError, ModelFileEmptyError)):
        read_header(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff" * 16, "announces a header of 18446744073709551615 bytes"),
        (made(b"[]"), "not a JSON object"),
        (made(b" {}"), "not a JSON object"),
        (made(b'{"a":'), "not JSON"),
        (made(b"{" * 5000), "not JSON"),
        (made(b'{"a":{},"a":{}}'), "not JSON"),
        (made('{"a":{}}'.encode("utf-16")), "not JSON"),
        (made({"a": []}), "does not say what tensor 'a' is"),
        (one(dtype=None), "does not say"),
        (one(dtype=7), "does not say"),
        (one(shape=[2.0]), "does not say"),
        (one(shape=[True]), "does not say"),
        (one(data_offsets=[0]), "does not say"),
        (one(data_offsets=[0, 8, 9]), "does not say"),
        (one(dtype="Q9"), "unknown type 'Q9'"),
        (one(shape=[1 << 62, 1 << 62]), "impossible shape"),
        (one(shape=[-2]), "impossible shape"),
        (one(shape=[-1, -2]), "impossible shape"),
        (one(shape=[1] * 9), "impossible shape"),
        (one(shape=[3]), "8 bytes for 3 F32"),
        (one(data_offsets=[8, 0]), "-8 bytes for 2 F32"),
        (one(data_offsets=[-8, 0]), "8 bytes for 2 F32"),
        (one(data_offsets=[8, 16]), "at 8, expected 0"),
        (made({"": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]}}, bytes(4)), "0 letters"),
        (VALID + b"x", "1 bytes that are no tensor's"),
        (
            made(
                {
                    "a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]},
                    "b": {"dtype": "U8", "shape": [4], "data_offsets": [2, 6]},
                },
                bytes(6),
            ),
            "'b' at 2, expected 4",
        ),
    ],
)
def test_what_cannot_be_is_named(data: bytes, words: str) -> None:
    with pytest.raises(ModelFileGarbageError) as caught:
        parsed(data)
    assert words in caught.value.message
    assert caught.value.message.startswith("m.safetensors: not a valid safetensors file: it ")
    assert "\n" not in caught.value.message
    assert "GGUF" not in caught.value.hint


def test_more_tensors_than_anybody_has_are_refused_before_they_are_made() -> None:
    entry = b'"%d":{"dtype":"U8","shape":[],"data_offsets":[0,1]}'
    many = b"{" + b",".join(entry % number for number in range(70_000)) + b"}"
    tracemalloc.start()
    with pytest.raises(ModelFileGarbageError, match="more than 65536 tensors"):
        parsed(made(many))
    assert tracemalloc.get_traced_memory()[1] < 4 * len(many)
    tracemalloc.stop()


def test_a_missing_file_and_a_folder_are_said_so(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.safetensors", tmp_path):
        with pytest.raises(ModelFileMissingError):
            read_header(path)


async def far(data: bytes, size: int | None = None) -> tuple[Any, list[tuple[int, int]]]:
    asked: list[tuple[int, int]] = []

    async def read(offset: int, length: int) -> bytes:
        asked.append((offset, length))
        return data[offset : offset + length]

    try:
        return await fetch_header("m.safetensors", size or len(data), read), asked
    except ModelFileError as error:
        return (type(error), error.message), asked


def near(data: bytes, path: Path) -> Any:
    path.write_bytes(data)
    try:
        return read_header(path)
    except ModelFileError as error:
        return (type(error), error.message)


async def test_a_far_file_is_asked_for_its_first_bytes_only() -> None:
    big = {"w": np.zeros((1 << 20,), np.float32)}
    header, asked = await far(safetensors_bytes(big))
    assert header.tensors["w"].elements == 1 << 20
    assert asked == [(0, 1 << 20)]


@pytest.mark.slow
async def test_a_long_header_is_asked_for_twice() -> None:
    many = {f"tensor.number.{at:06}": np.zeros((1,), np.uint8) for at in range(30_000)}
    data = safetensors_bytes(many)
    header, asked = await far(data)
    assert len(header.tensors) == 30_000
    assert len(asked) == 2


async def test_a_far_file_that_ends_early_is_cut() -> None:
    found, _ = await far(VALID, size=len(VALID) + (2 << 20))
    assert found[0] is ModelFileTruncatedError


def answer(data: bytes) -> Any:
    """What the parser says to the whole file: the header, or the error's class and words."""
    try:
        return parsed(data)
    except MoreNeeded:
        return "it asks for more than the file has"
    except ModelFileError as error:
        return (type(error), error.message)


@FUZZ
@given(st.binary(max_size=300))
def test_random_bytes_behind_a_length_give_our_error_only(tail: bytes) -> None:
    found = answer(len(tail).to_bytes(8, "little") + tail)
    assert isinstance(found, tuple | safetensors.Header)


@FUZZ
@given(st.integers(0, HEAD_BYTES - 1), st.binary(min_size=1, max_size=6))
def test_a_mutated_header_is_read_or_refused(at: int, patch: bytes) -> None:
    data = VALID[:at] + patch + VALID[at + len(patch) :]
    found = answer(data)
    assert isinstance(found, tuple | safetensors.Header)
    if isinstance(found, safetensors.Header):
        assert sum(entry.bytes for entry in found.tensors.values()) == len(data) - found.data_at


_NUMBERS = st.one_of(
    st.integers(-3, 40),
    st.sampled_from([1 << 31, 1 << 63, -(1 << 63), 1 << 64, 10**30]),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
    st.text(max_size=3),
)
_ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "dtype": st.one_of(st.sampled_from([*safetensors.DTYPE_BITS, "Q8"]), _NUMBERS),
        "shape": st.one_of(st.lists(_NUMBERS, max_size=10), _NUMBERS),
        "data_offsets": st.one_of(st.lists(_NUMBERS, max_size=3), _NUMBERS),
        "more": _NUMBERS,
    },
)


@pytest.mark.slow
@FUZZ
@given(
    st.dictionaries(st.text(max_size=8), st.one_of(_ENTRIES, _NUMBERS), max_size=4),
    st.integers(0, 64),
)
def test_hostile_entries_never_describe_bytes_that_are_not_there(
    head: dict[str, Any], size: int
) -> None:
    data = made(head, bytes(size))
    found = answer(data)
    assert isinstance(found, tuple | safetensors.Header)
    if isinstance(found, safetensors.Header):
        assert all(0 <= entry.begin <= entry.end <= size for entry in found.tensors.values())


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(VALID) - 1), st.binary(min_size=1, max_size=6), st.integers(0, 4))
def test_near_and_far_say_the_same(tmp_path: Path, at: int, patch: bytes, cut: int) -> None:
    data = VALID[:at] + patch + VALID[at + len(patch) : len(VALID) - cut]
    found, _ = asyncio.run(far(data))
    assert found == near(data, tmp_path / "m.safetensors")
