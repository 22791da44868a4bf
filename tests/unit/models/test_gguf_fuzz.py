"""Whatever a header says, reading it ends: with facts or with one of our errors.

Never another exception, never more memory or steps than a few times the file's own bytes, and the
same from afar as from near.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import ModelFileError
from stoker.core.model import ModelFacts
from stoker.models.facts import facts_of
from stoker.models.gguf.header import Header, Parser
from stoker.models.gguf.parts import joined_parts, part_names
from stoker.models.prefix import MoreNeeded, read_remote
from stoker.testing.gguf_bytes import ARRAY, FORMS, STRING, GgufBytes

FUZZ = settings(max_examples=250, deadline=None)
# One in so many pieces lies: with more, nearly every file would end at its first.
LIES = st.integers(0, 15).map(lambda number: number == 0)
FORM = st.builds(
    GgufBytes, st.sampled_from("<>"), st.sampled_from([2, *(3 for _ in range(20)), 0, 1 << 31])
)
NAME = "m.gguf"

# Numbers where readers break: around 0, around limits, around powers of two.
HOSTILE = st.one_of(
    st.integers(0, 40),
    st.builds(
        lambda bits, more: max(0, (1 << bits) + more) & ((1 << 64) - 1),
        st.integers(0, 64),
        st.integers(-2, 2),
    ),
    st.sampled_from([1024, 1025, 4096, 4097, 65535, 65536, 65537, 4 << 20]),
)
KINDS = st.one_of(st.integers(0, 14), st.sampled_from([77, (1 << 32) - 1]))
KEYS = st.one_of(
    st.sampled_from(
        [
            "general.alignment",
            "general.architecture",
            "general.type",
            "llama.attention.head_count",
            "llama.attention.head_count_kv",
            "llama.attention.key_length",
            "llama.attention.sliding_window",
            "llama.attention.sliding_window_pattern",
            "llama.block_count",
            "llama.context_length",
            "llama.embedding_length",
            "llama.expert_count",
            "llama.expert_used_count",
            "llama.pooling_type",
            "llama.vocab_size",
            "split.count",
            "split.no",
            "split.tensors.count",
            "tokenizer.chat_template",
            "tokenizer.ggml.model",
            "tokenizer.ggml.tokens",
        ]
    ),
    st.binary(max_size=6),
)


@st.composite
def arrays(draw: st.DrawFn, form: GgufBytes, depth: int = 0) -> bytes:
    """An array, its count mostly that of what follows."""
    kinds = [*FORMS, STRING, STRING] + ([ARRAY] if depth < 2 else [])
    kind = draw(KINDS) if draw(LIES) else draw(st.sampled_from(kinds))
    count = draw(st.integers(0, 4))
    if kind == STRING:
        data = b"".join(draw(strings(form)) for _ in range(count))
    elif kind == ARRAY and depth < 5:
        data = b"".join(draw(arrays(form, depth + 1)) for _ in range(count))
    else:
        size = count * len(form.pack(FORMS.get(kind, "Q"), 0))
        data = draw(st.binary(min_size=size, max_size=size))
    return form.array(kind, draw(HOSTILE) if draw(LIES) else count, data)


@st.composite
def strings(draw: st.DrawFn, form: GgufBytes) -> bytes:
    """A string, its length mostly its own."""
    return form.string(draw(st.binary(max_size=12)), draw(HOSTILE) if draw(LIES) else None)


@st.composite
def pairs(draw: st.DrawFn, form: GgufBytes) -> bytes:
    key = draw(KEYS)
    kind = draw(KINDS) if draw(LIES) else draw(st.sampled_from([*FORMS, STRING, ARRAY]))
    if kind == STRING:
        return form.pair(key, kind, draw(strings(form)))
    if kind == ARRAY:
        return form.pair(key, kind, draw(arrays(form)))
    if kind in FORMS and FORMS[kind] in "BHIQ":
        limit = (1 << 8 * len(form.pack(FORMS[kind], 0))) - 1
        return form.number(key, min(draw(HOSTILE), limit), kind)
    size = len(form.pack(FORMS.get(kind, "Q"), 0))
    return form.pair(key, kind, draw(st.binary(min_size=size, max_size=size)))


@st.composite
def tensors(draw: st.DrawFn, form: GgufBytes) -> tuple[bytes, ...]:
    """Tensors one after the other, of which some numbers may lie."""
    found, offset = [], 0
    for at in range(draw(st.integers(0, 4))):
        sides = (32, *draw(st.lists(st.integers(1, 3), max_size=3)))
        kind, size = draw(st.sampled_from([(0, 4), (1, 2), (8, 34 / 32)]))
        stated = tuple(draw(st.lists(HOSTILE, max_size=5))) if draw(LIES) else sides
        name = draw(st.binary(max_size=6)) if draw(LIES) else f"blk.{at}.attn_k.weight"
        place = draw(HOSTILE) if draw(LIES) else offset
        found.append(
            form.tensor(name, stated, draw(st.integers(0, 45)) if draw(LIES) else kind, place)
        )
        offset += -(-int(prod(sides) * size) // 32) * 32
    return tuple(found)


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A header that is put together as one should be, from pieces of which some lie."""
    form = draw(FORM)
    head = (
        form.text("general.architecture", "llama"),
        form.number("llama.block_count", draw(st.sampled_from([1, 2, 4096, 4097]))),
        form.number("llama.context_length", 64),
        form.number("llama.embedding_length", 64),
    )
    data = form.header(
        head + tuple(draw(st.lists(pairs(form), max_size=5))),
        draw(tensors(form)),
        pair_count=draw(HOSTILE) if draw(LIES) else None,
        tensor_count=draw(HOSTILE) if draw(LIES) else None,
    )
    return data + bytes(draw(st.sampled_from([16384, 16384, 512, 32, 31, 0])))


Found = Header | tuple[type[ModelFileError], str]


def near(data: bytes, parser: Callable[[str, int], Parser] = Parser) -> Found:
    try:
        return parser(NAME, len(data)).read(data)
    except ModelFileError as error:
        return type(error), error.message


def facts(found: Found) -> ModelFacts | None:
    """The facts, where there are some; another exception than ours is a failure."""
    if not isinstance(found, Header):
        return None
    try:
        return facts_of(NAME, found)
    except ModelFileError:
        return None


def in_steps(data: bytes, step: int) -> Found:
    """As `near`, through a reader that has no more than it asked for, and `step` bytes at first."""
    parser, have = Parser(NAME, len(data)), min(max(step, 4), len(data))
    while True:
        try:
            return parser.read(data[:have])
        except MoreNeeded as need:
            wanted = need.bytes_min
        except ModelFileError as error:
            return type(error), error.message
        assert have < wanted <= len(data), "it asks for what it has, or for too much"
        have = wanted


class Counting(Parser):
    """Counts the steps that it takes."""

    steps = 0

    def _step(self, count: int) -> None:
        Counting.steps += 1
        super()._step(count)


def check(data: bytes) -> None:
    """All that holds for any file at all."""
    Counting.steps = 0
    found = near(data, Counting)
    assert len(data) + 16 >= Counting.steps, "more steps than bytes"
    assert repr(in_steps(data, 1 + len(data) // 3)) == repr(found)  # NaN is not equal to itself
    got = facts(found)
    if isinstance(found, Header):
        assert sum(found.weight_bytes.values()) <= len(data)
    if got is not None:
        assert len(got.attention) == len(got.kv_heads) == got.layers
        assert 0 <= got.parameters_active <= got.parameters


@pytest.mark.slow
@FUZZ
@given(files())
def test_a_header_put_together_from_lies_ends_in_facts_or_our_error(data: bytes) -> None:
    check(data)


@pytest.mark.slow
@FUZZ
@given(FORM, st.data())
def test_a_mutated_model_ends_in_facts_or_our_error(form: GgufBytes, data: Any) -> None:
    whole = form.model(form.number("split.count", 1), form.text("tokenizer.chat_template", "x"))
    at = data.draw(st.integers(0, len(whole) - 1))
    patch = data.draw(st.binary(min_size=1, max_size=9))
    check(whole[:at] + patch + whole[at + len(patch) :])


@pytest.mark.slow
@FUZZ
@given(FORM, st.integers(0, 700), HOSTILE)
def test_any_eight_bytes_may_be_a_hostile_number(form: GgufBytes, at: int, number: int) -> None:
    whole = form.model()
    check(whole[:at] + form.pack("Q", number) + whole[at + 8 :])


@FUZZ
@given(st.sampled_from([b"", b"GGUF", b"GGUF\3\0\0\0", b"GGUF\0\0\0\3"]), st.binary(max_size=300))
def test_random_bytes_end_in_our_error_or_in_nothing(head: bytes, tail: bytes) -> None:
    check(head + tail)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(files())
def test_memory_stays_within_the_files_own_size(data: bytes) -> None:
    tracemalloc.start()
    try:
        facts(near(data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 4096 layers are 4096 entries of a few tuples; all else is of the file's own size.
    assert peak < 64 * len(data) + (512 << 10)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(files(), st.integers(0, 64))
async def test_near_and_far_say_the_same(data: bytes, cut: int) -> None:
    async def read(offset: int, length: int) -> bytes:
        return data[offset : offset + length]

    try:
        found: Found = await read_remote(
            NAME, len(data), read, 1 << 20, lambda size: Parser(NAME, size)
        )
    except ModelFileError as error:
        found = type(error), error.message
    assert found == near(data)


@pytest.mark.slow
@FUZZ
@given(st.text(max_size=40), FORM, HOSTILE, HOSTILE)
def test_the_names_of_parts_are_few_and_plain_or_refused(
    name: str, form: GgufBytes, count: int, number: int
) -> None:
    limit = (1 << 32) - 1
    data = form.model(
        form.number("split.count", min(count, limit)), form.number("split.no", min(number, limit))
    )
    header = near(data)
    if not isinstance(header, Header):
        return
    try:
        names = part_names(name, header)
    except ModelFileError:
        return
    assert 1 <= len(names) <= 1000
    assert name in names


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=4))
def test_parts_that_contradict_each_other_are_refused(said: list[tuple[int, int]]) -> None:
    form = GgufBytes()
    headers = []
    for number, count in said:
        split = (form.number("split.no", number), form.number("split.count", count))
        header = near(form.model(*split))
        assert isinstance(header, Header)
        headers.append(header)
    right = said == [(number, len(said)) for number in range(len(said))]
    try:
        joined_parts(NAME, headers)
    except ModelFileError:
        assert not right
    else:
        assert right
