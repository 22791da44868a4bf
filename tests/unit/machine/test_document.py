"""Machines as files: what is written is read back, and what is no machine is refused in words."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import FileMissingError, InvalidMachineError, NotFoundError
from stoker.core.machine import Backend, Gpu, Machine, Measured
from stoker.machine.document import (
    FILE_BYTES_MAX,
    document_of,
    load_machine,
    machine_of,
    measured_document_of,
    measured_of,
    parse_machine,
)
from stoker.machine.presets import find_preset

SIZES = st.integers(1, 1 << 50)
RATES = st.none() | st.floats(0, 1e18)
TEXTS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), max_size=30)
PAIRS = st.dictionaries(TEXTS, st.floats(0, 1e18), max_size=4).map(lambda one: tuple(one.items()))
WORDS = st.dictionaries(TEXTS, TEXTS, max_size=4).map(lambda one: tuple(one.items()))
MEASURED = st.builds(
    Measured,
    read_bytes_s_one=RATES,
    read_bytes_s_all=RATES,
    matmul_ops_s=PAIRS,
    disk_read_bytes_s=RATES,
    taken_unix_s=st.integers(0, 1 << 40),
    conditions=WORDS,
    spread=PAIRS,
    missing=WORDS,
    contention=RATES,
)


@st.composite
def gpus(draw: st.DrawFn) -> Gpu:
    total = draw(SIZES)
    return Gpu(
        name=draw(TEXTS),
        backend=draw(st.sampled_from(Backend)),
        memory_total_bytes=total,
        memory_free_bytes=draw(st.integers(0, total)),
        others_bytes=draw(st.none() | SIZES),
        driver=draw(TEXTS),
        compute_capability=draw(TEXTS),
        integrated=draw(st.booleans()),
        bandwidth_bytes_s=draw(RATES),
    )


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    total = draw(SIZES)
    return Machine(
        cores=draw(st.integers(1, 512)),
        memory_total_bytes=total,
        memory_available_bytes=draw(st.integers(0, total)),
        name=draw(TEXTS),
        cpu=draw(TEXTS),
        threads=draw(st.integers(0, 1024)),
        quota_cores=draw(RATES),
        features=tuple(draw(st.lists(TEXTS, max_size=4))),
        numa_nodes=draw(st.integers(1, 8)),
        memory_limit_bytes=draw(st.none() | SIZES),
        swap_total_bytes=draw(SIZES),
        swap_free_bytes=draw(SIZES),
        memory_pressure=draw(RATES),
        memory_peak_bytes_s=draw(RATES),
        disk_free_bytes=draw(st.none() | SIZES),
        gpus=tuple(draw(st.lists(gpus(), max_size=3))),
        unread=tuple(draw(st.lists(TEXTS, max_size=2))),
        power_meters=tuple(draw(st.lists(TEXTS, max_size=2))),
        power_unread=tuple(draw(st.lists(TEXTS, max_size=2))),
        measured=draw(MEASURED),
    )


@pytest.mark.slow
@given(machines())
def test_what_is_written_is_read_back(machine: Machine) -> None:
    assert parse_machine(json.dumps(document_of(machine)).encode()) == machine


@pytest.mark.slow
@given(MEASURED)
def test_so_are_measurements_alone(measured: Measured) -> None:
    assert measured_of(json.loads(json.dumps(measured_document_of(measured)))) == measured


def test_a_few_lines_by_hand_are_a_machine() -> None:
    text = b"""{"stoker_machine": 1, "cores": 8, "memory_total_bytes": 100,
        "memory_available_bytes": 90,
        "gpus": [{"name": "X", "backend": "cuda", "memory_total_bytes": 50}]}"""
    machine = parse_machine(text)
    assert (machine.cores, machine.memory_available_bytes) == (8, 90)
    assert machine.gpus == (Gpu("X", Backend.CUDA, 50, 50),)


def edited(change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    document = document_of(find_preset("rtx-4090").machine)
    change(document)
    return document


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one.pop("cores"), "cores is missing"),
        (lambda one: one.pop("stoker_machine"), "stoker_machine is missing"),
        (lambda one: one.update(stoker_machine=2), "is not 1"),
        (lambda one: one.update(cores=0), "whole number of 1"),
        (lambda one: one.update(cores=True), "whole number"),
        (lambda one: one.update(cores=2.5), "whole number"),
        (lambda one: one.update(memory_total_bytes=1 << 70), "whole number"),
        (lambda one: one.update(memory_total_bytes=1), "is more than memory_total_bytes"),
        (lambda one: one.update(memory_pressure=-1), "number of 0 or more"),
        (lambda one: one.update(quota_cores="2"), "not a number"),
        (lambda one: one.update(name="x" * 1001), "at most 1000"),
        (lambda one: one.update(name="\x1b[31m"), "not a text"),
        (lambda one: one.update(features="avx2"), "not a list"),
        (lambda one: one.update(features=[1]), "not a text"),
        (lambda one: one.update(gpus=[[]]), r"gpus\[0\] is not an object"),
        (lambda one: one.update(gpus=[{}] * 513), "at most 512"),
        (lambda one: one["gpus"][0].update(backend="opencl"), "none of cuda, rocm, metal"),
        (lambda one: one["gpus"][0].update(integrated=1), "neither true nor false"),
        (lambda one: one["gpus"][0].update(memory_free_bytes=1 << 50), "is more than"),
        (lambda one: one["gpus"][0].update(extra=1), "has no field 'extra'"),
        (lambda one: one["measured"].update(matmul_ops_s=[1]), "not an object"),
        (lambda one: one["measured"].update(matmul_ops_s={"Q4_0": None}), "not a number"),
        (lambda one: one["measured"].update(read_one=1), "has no field 'read_one'"),
    ],
)
def test_what_is_off_is_named(change: Callable[[dict[str, Any]], Any], words: str) -> None:
    with pytest.raises(InvalidMachineError, match=words):
        machine_of(edited(change))


def test_a_misspelt_field_is_helped() -> None:
    with pytest.raises(InvalidMachineError) as caught:
        machine_of(edited(lambda one: one.update(core=1)))
    assert caught.value.hint == "did you mean cores?"


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b"NaN", b'{"cores": NaN}', b"[" * 100_000, b"\xff"]
)
def test_what_is_no_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidMachineError):
        parse_machine(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.slow
@given(JSON, st.sampled_from(sorted(document_of(Machine(1, 1, 1)))))
def test_any_value_anywhere_is_taken_or_refused_in_words(value: Any, name: str) -> None:
    document = document_of(Machine(1, 1 << 30, 1 << 29)) | {name: value}
    for one in (value, document):
        with contextlib.suppress(InvalidMachineError):
            assert isinstance(machine_of(one), Machine)


def test_a_word_is_a_preset_and_a_path_a_file(tmp_path: Path) -> None:
    machine = find_preset("rtx-4090").machine
    path = tmp_path / "there.json"
    path.write_text(json.dumps(document_of(machine)))
    assert load_machine("rtx-4090") == load_machine(str(path)) == machine
    with pytest.raises(NotFoundError):
        load_machine("nowhere")
    for name in (str(tmp_path / "none.json"), "none.json"):
        with pytest.raises(FileMissingError):
            load_machine(name)
    for name in (str(tmp_path), "nul\0/x"):
        with pytest.raises(InvalidMachineError):
            load_machine(name)


def test_a_file_without_end_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * (FILE_BYTES_MAX + 1))
    with pytest.raises(InvalidMachineError, match="larger"):
        load_machine(str(path))
