"""Broken headers by name: each is refused with its class and its words, near and far alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.core.errors import (
    ModelFileEmptyError,
    ModelFileError,
    ModelFileGarbageError,
    ModelFileTruncatedError,
    VocabularyOnlyError,
)
from stoker.models.facts import facts_of, read_facts
from stoker.models.gguf.header import Header, fetch_header, read_header
from stoker.testing.gguf_bytes import ARRAY, BOOL, F32, I32, STRING, U8, U64, GgufBytes

EMPTY, CUT, GARBAGE = ModelFileEmptyError, ModelFileTruncatedError, ModelFileGarbageError
G = GgufBytes()
BIG = GgufBytes(">")
Q8_0 = 8


def pair(kind: int, value: bytes) -> bytes:
    return G.header((G.pair("x", kind, value),))


def tensor(
    sides: tuple[int, ...], kind: int = 0, offset: int = 0, name: str | bytes = "a"
) -> bytes:
    return G.header((), (G.tensor(name, sides, kind, offset),))


def deep(depth: int) -> bytes:
    return G.array(ARRAY, 1) * depth + G.array(U8, 1, b"x")


# name: the file's bytes, the error's class, and words of its message
BROKEN: dict[str, tuple[bytes, type[ModelFileError], str]] = {
    "nothing": (b"", EMPTY, "is empty (0 bytes)"),
    "wrong magic": (G.header(magic=b"GGML"), GARBAGE, "begins with b'GGML'"),
    "an older container": (b"ggjt" + bytes(64), GARBAGE, "begins with b'ggjt'"),
    "a zip file": (b"PK\x03\x04" + bytes(64), GARBAGE, "begins with b'PK"),
    "a page": (b"<!DOCTYPE html><html>", GARBAGE, "begins with b'<!DO'"),
    "a pointer to a large file": (b"version https://git-lfs", GARBAGE, "begins with b'vers'"),
    "half a magic": (b"GG", CUT, "ends at byte 2"),
    "magic alone": (b"GGUF", CUT, "ends at byte 4"),
    "no counts": (G.header()[:8], CUT, "ends at byte 8"),
    "version 0": (GgufBytes(version=0).header(), GARBAGE, "is of version 0"),
    "version 1": (GgufBytes(version=1).header(), GARBAGE, "is of version 1"),
    "version 4": (GgufBytes(version=4).header(), GARBAGE, "is of version 4"),
    "version 99 the other way round": (
        GgufBytes(">", version=99).header(),
        GARBAGE,
        "is of version 1660944384",
    ),
    "2^62 tensors": (G.header(tensor_count=1 << 62), GARBAGE, f"announces {1 << 62} tensors"),
    "2^64-1 tensors": (G.header(tensor_count=(1 << 64) - 1), GARBAGE, "the limit is 65536"),
    "65537 tensors": (G.header(tensor_count=65537), GARBAGE, "announces 65537 tensors"),
    "65536 tensors in 32 bytes": (G.header(tensor_count=65536), CUT, "but ends at byte 32"),
    "2^63 keys": (G.header(pair_count=1 << 63), GARBAGE, f"announces {1 << 63} keys"),
    "4097 keys": (G.header(pair_count=4097), GARBAGE, "the limit is 4096"),
    "4096 keys in 32 bytes": (G.header(pair_count=4096), CUT, "announces 4096 keys, but ends"),
    "a key that is missing": (
        G.header((G.number("a", 1),), pair_count=2)[:41],
        CUT,
        "announces 2 keys, but ends at byte 41",
    ),
    "an endless key": (
        G.header((G.string("a", length=(1 << 64) - 1) + bytes(32),)),
        GARBAGE,
        "'a key' has 18446744073709551615 bytes; the limit is 1024",
    ),
    "a key of 1025 bytes": (G.header((G.number("a" * 1025, 1),)), GARBAGE, "the limit is 1024"),
    "a key beyond the end": (G.header((G.string("a", length=99) + bytes(13),)), CUT, "inside its"),
    "one key twice": (
        G.header((G.number("a", 1), G.number("a", 2))),
        GARBAGE,
        "has the key 'a' twice",
    ),
    "one key twice, once as an array": (
        G.header((G.number("a", 1), G.pair("a", ARRAY, G.array(U8, 0)))),
        GARBAGE,
        "has the key 'a' twice",
    ),
    "two keys that are no UTF-8": (
        G.header((G.pair(b"\xff", U8, b"1"), G.pair(b"\xfe", U8, b"1"))),
        GARBAGE,
        "twice",
    ),
    "an unknown type of value": (pair(13, b""), GARBAGE, "unknown type 13"),
    "a type of value with all bits": (pair((1 << 32) - 1, b""), GARBAGE, "unknown type 4294967295"),
    "an endless text": (
        pair(STRING, G.string("", length=1 << 63)),
        GARBAGE,
        "'x' has 9223372036854775808 bytes; the limit is 1048576",
    ),
    "a text beyond the end": (pair(STRING, G.string("", length=500)), CUT, "inside its header"),
    "2^64-1 elements": (pair(ARRAY, G.array(U8, (1 << 64) - 1)), GARBAGE, "array elements; the"),
    "more elements than bytes": (pair(ARRAY, G.array(U8, 100)), CUT, "array elements, but ends"),
    "elements of 8 bytes beyond the end": (pair(ARRAY, G.array(U64, 5)), CUT, "inside its header"),
    "texts beyond the end": (pair(ARRAY, G.array(STRING, 9)), CUT, "ends at byte"),
    "an endless text in an array": (
        pair(ARRAY, G.array(STRING, 2, G.string("", length=(1 << 64) - 8) + G.string("b"))),
        CUT,
        "inside its header",
    ),
    "elements of an unknown type": (pair(ARRAY, G.array(14, 1, b"1")), GARBAGE, "unknown type 14"),
    "arrays in arrays in arrays in arrays": (pair(ARRAY, deep(4)), GARBAGE, "nests arrays too"),
    "a million arrays in an array": (
        pair(ARRAY, G.array(ARRAY, 5000, G.array(U8, 0) * 5000)),
        GARBAGE,
        "nests more than 4096 arrays",
    ),
    "alignment 0": (
        G.header((G.number("general.alignment", 0),)),
        GARBAGE,
        "has the alignment 0",
    ),
    "alignment 48": (
        G.header((G.number("general.alignment", 48),)),
        GARBAGE,
        "alignment 48, not a power of two",
    ),
    "alignment 2^31": (
        G.header((G.number("general.alignment", 1 << 31),)),
        GARBAGE,
        "has the alignment 2147483648",
    ),
    "alignment below nothing": (
        G.header((G.number("general.alignment", -32, I32),)),
        GARBAGE,
        "has the alignment -32",
    ),
    "alignment as a fraction": (
        G.header((G.number("general.alignment", 32.0, F32),)),
        GARBAGE,
        "has the alignment 32.0",
    ),
    "alignment as yes": (
        G.header((G.number("general.alignment", 1, BOOL),)),
        GARBAGE,
        "has the alignment True",
    ),
    "alignment as text": (
        G.header((G.text("general.alignment", "32"),)),
        GARBAGE,
        "has the alignment '32'",
    ),
    "no dimensions": (tensor(()), GARBAGE, "gives tensor 'a' 0 dimensions"),
    "five dimensions": (tensor((1,) * 5), GARBAGE, "gives tensor 'a' 5 dimensions"),
    "a side of nothing": (tensor((0, 8)), GARBAGE, "the impossible shape [0, 8]"),
    "sides that overflow 64 bits": (
        tensor((1 << 32, 1 << 32)),
        GARBAGE,
        "the impossible shape [4294967296, 4294967296]",
    ),
    "sides whose product is 0 in 64 bits": (tensor((1 << 63, 2)), GARBAGE, "impossible shape"),
    "a side with all bits": (tensor(((1 << 64) - 1,)), GARBAGE, "impossible shape"),
    "an unknown tensor type": (tensor((8,), 4), GARBAGE, "the unknown type 4"),
    "a tensor type that was removed": (tensor((32,), 36), GARBAGE, "the unknown type 36"),
    "rows that end within a block": (tensor((33,), Q8_0), GARBAGE, "rows of 33, not in 32s"),
    "an endless name of a tensor": (
        G.header((), (G.string("a", length=1 << 60) + bytes(32),)),
        GARBAGE,
        'says that "a tensor\'s name" has',
    ),
    "data beyond the end": (tensor((1 << 20,)), CUT, "bytes for tensor 'a', has 64"),
    "data that are not there": (tensor((8,)), CUT, "needs 96 bytes for tensor 'a', has 64"),
    "an offset past the end": (tensor((8,), offset=1 << 40), GARBAGE, "at 1099511627776, expected"),
    "an offset with all bits": (tensor((8,), offset=(1 << 64) - 1), GARBAGE, "expected 0"),
    "an offset that is not aligned": (
        G.header((), (G.tensor("a", (8,), 0, 0), G.tensor("b", (5,), 0, 33))) + bytes(96),
        GARBAGE,
        "puts tensor 'b' at 33, expected 32",
    ),
    "two tensors in one place": (
        G.header((), (G.tensor("a", (8,), 0, 0), G.tensor("b", (8,), 0, 0))) + bytes(96),
        GARBAGE,
        "puts tensor 'b' at 0, expected 32",
    ),
    "a hole between tensors": (
        G.header((), (G.tensor("a", (8,), 0, 0), G.tensor("b", (8,), 0, 64))) + bytes(128),
        GARBAGE,
        "puts tensor 'b' at 64, expected 32",
    ),
    "one tensor's name twice": (
        G.header((), (G.tensor("a", (8,), 0, 0), G.tensor("a", (8,), 0, 32))) + bytes(64),
        GARBAGE,
        "has the tensor 'a' twice",
    ),
    "a big-endian file with an endless key": (
        BIG.header((BIG.string("a", length=1 << 40) + bytes(32),)),
        GARBAGE,
        "the limit is 1024",
    ),
}


def read(data: bytes, path: Path) -> Header | tuple[type[ModelFileError], str]:
    path.write_bytes(data)
    try:
        return read_header(path)
    except ModelFileError as error:
        return type(error), error.message


@pytest.mark.parametrize(("data", "kind", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_header_is_refused_by_its_own_name(
    tmp_path: Path, data: bytes, kind: type[ModelFileError], words: str
) -> None:
    found = read(data, tmp_path / "bad.gguf")
    assert isinstance(found, tuple), "it was read"
    assert found[0] is kind
    assert words in found[1]
    assert found[1].startswith("bad.gguf: ")
    assert "\n" not in found[1]


@pytest.mark.parametrize("name", BROKEN)
async def test_from_afar_the_same_is_said(tmp_path: Path, name: str) -> None:
    data = BROKEN[name][0]

    async def ranges(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    with pytest.raises(ModelFileError) as caught:
        await fetch_header("bad.gguf", len(data), ranges)
    assert (type(caught.value), caught.value.message) == read(data, tmp_path / "bad.gguf")


@pytest.mark.parametrize("form", [G, BIG, GgufBytes(version=2), GgufBytes(">", 2)])
def test_each_form_of_a_whole_file_is_read(tmp_path: Path, form: GgufBytes) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(form.model())
    facts = read_facts(path)
    assert (facts.layers, facts.context_length, facts.kv_heads) == (2, 128, (2, 1))
    assert (facts.vocabulary, facts.parameters) == (2, 165)
    assert facts.big_endian == (form.mark == ">")


def test_what_is_no_utf8_in_a_value_is_no_harm(tmp_path: Path) -> None:
    found = read(G.header((G.text("x", b"a\xffb"),)), tmp_path / "m.gguf")
    assert isinstance(found, Header)
    assert found.values == {"x": "a\ufffdb"}


@pytest.mark.parametrize(
    ("pairs", "kind", "words"),
    [
        ((), GARBAGE, "names no architecture"),
        ((G.number("general.architecture", 7),), GARBAGE, "names no architecture"),
        ((G.text("general.architecture", "llama"),), GARBAGE, "states no llama.context_length"),
        (
            (G.text("general.architecture", "a"), G.number("a.context_length", 0)),
            GARBAGE,
            "states no a.context_length",
        ),
        (
            (
                G.text("general.architecture", "a"),
                G.number("a.context_length", 1),
                G.number("a.embedding_length", 1),
                G.number("a.block_count", 1 << 31),
            ),
            GARBAGE,
            "more than 4096 layers",
        ),
        (
            (G.text("general.architecture", "a"), G.text("general.type", "vocab")),
            VocabularyOnlyError,
            "a vocabulary and no weights",
        ),
    ],
)
def test_a_header_without_a_model_is_refused_by_name(
    tmp_path: Path, pairs: tuple[bytes, ...], kind: type[ModelFileError], words: str
) -> None:
    data = G.header(pairs, (G.tensor("a", (8,), 0, 0),)) + bytes(32)
    found = read(data, tmp_path / "m.gguf")
    assert isinstance(found, Header)
    with pytest.raises(kind, match=words):
        facts_of("m.gguf", found)
