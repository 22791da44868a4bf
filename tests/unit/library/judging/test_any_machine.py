"""Every machine that can be read gives a plan and advice, or a refusal in words: no traceback."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from stoker.cli.advise import describe
from stoker.cli.drawing.glyphs import ASCII
from stoker.cli.machine import rows
from stoker.cli.pages.advice_text import WIDTH, explain, render
from stoker.cli.pages.plan_document import describe as describe_plan
from stoker.cli.pages.plan_document import describe_rows
from stoker.cli.pages.plan_table import render_rows
from stoker.cli.pages.plan_text import render as render_plan
from stoker.core.errors import InvalidMachineError, StokerError
from stoker.core.machine import Machine
from stoker.core.proposal import Resident
from stoker.library.judging.advising import suggest_runtime
from stoker.library.judging.planning import Order, what_runs
from stoker.machine.document import MARK, UNIX_S_MAX, VERSION, machine_of, parse_machine
from stoker.planning.proposal.fitting import room_of
from stoker.published.rules import load_rules
from support.planning import ENTRIES, answer, ask

LARGEST = 1 << 60
EDGES = st.sampled_from([1, 2, 1 << 20, 1 << 30, 1 << 34, 1 << 40, LARGEST - 1, LARGEST])
SIZES = EDGES | st.integers(1, LARGEST)
RATES = st.sampled_from([1, 1.5, 1e6, 1e21]) | st.floats(1, 1e21) | st.floats(1e9, 1e12)
NUMBERS = st.sampled_from([0, 1e-300, 0.5, 1, 1e21]) | st.floats(0, 1e21)
CORES = st.sampled_from([1, 2, 8, 512, 1 << 16]) | st.integers(1, 64)


@st.composite
def gpus(draw: st.DrawFn) -> dict[str, Any]:
    total = draw(SIZES)
    return {
        "name": draw(st.sampled_from(["X", "NVIDIA GeForce RTX 4090", ""])),
        "backend": draw(st.sampled_from(["cuda", "rocm", "metal"])),
        "memory_total_bytes": total,
        "memory_free_bytes": draw(st.just(total) | st.integers(0, total)),
        "integrated": draw(st.booleans()),
        "bandwidth_bytes_s": draw(st.none() | RATES),
    }


MEASURED = st.fixed_dictionaries(
    {},
    optional={
        "read_bytes_s_one": RATES,
        "read_bytes_s_all": RATES,
        "disk_read_bytes_s": RATES,
        "taken_unix_s": st.sampled_from([0, 1 << 32, UNIX_S_MAX]),
        "contention": NUMBERS,
        "matmul_ops_s": st.dictionaries(st.sampled_from(["Q4_0", "F16", ""]), RATES, max_size=2),
        "spread": st.dictionaries(st.sampled_from(["read_all", "disk_read"]), NUMBERS, max_size=2),
        "missing": st.just({"disk_read": "no space"}),
    },
)
REST = st.fixed_dictionaries(
    {},
    optional={
        "threads": CORES,
        "quota_cores": NUMBERS,
        "numa_nodes": CORES,
        "memory_limit_bytes": SIZES,
        "swap_total_bytes": SIZES,
        "swap_free_bytes": SIZES,
        "memory_pressure": NUMBERS,
        "memory_peak_bytes_s": RATES,
        "disk_free_bytes": SIZES,
        "gpus": st.lists(gpus(), max_size=3),
        "measured": MEASURED,
    },
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A machine as extreme as it may be; a few of them are none."""
    total, cores = draw(SIZES), draw(CORES)
    return {
        MARK: VERSION,
        "cores": cores,
        "efficiency_cores": draw(st.just(0) | st.integers(0, cores - 1)),
        "memory_total_bytes": total,
        "memory_available_bytes": draw(st.just(total) | st.integers(0, total)),
        **draw(REST),
    }


SLOWEST: dict[str, Any] = {
    MARK: VERSION,
    "cores": 1,
    "memory_total_bytes": 1 << 40,
    "memory_available_bytes": 1 << 40,
    "memory_peak_bytes_s": 1,
    "measured": {"read_bytes_s_all": 1, "matmul_ops_s": {"F16": 1}, "disk_read_bytes_s": 1},
    "gpus": [
        {"name": "X", "backend": "cuda", "memory_total_bytes": 1 << 40, "bandwidth_bytes_s": 1}
    ],
}
lived_through = settings(deadline=None, max_examples=80)


def read(document: dict[str, Any]) -> Machine:
    """The machine, which need not be one: of what is none nothing is claimed here."""
    try:
        return machine_of(document)
    except InvalidMachineError:
        assume(False)  # noqa: FBT003 - the library's own form
        raise


@pytest.mark.slow
@lived_through
@given(documents())
@example(SLOWEST)
def test_it_has_advice(document: dict[str, Any]) -> None:
    machine = read(document)
    for needs in ({}, {"data": "mixed", "requests_per_day": 2000, "costs": {"usd_per_kwh": 0.3}}):
        advice = suggest_runtime(needs, machine=machine)
        json.dumps(describe(advice), allow_nan=False)
        assert [*render(advice), *explain(advice, load_rules())]


@pytest.mark.slow
@lived_through
@given(documents(), st.sampled_from(["Qwen2.5-0.5B", "Llama-3.1-70B", "gpt-oss-20b"]))
@example(SLOWEST, "Llama-3.1-70B")
def test_it_has_a_plan(document: dict[str, Any], name: str) -> None:
    machine = read(document)
    with contextlib.suppress(StokerError):
        for gpus in (False, True):
            proposal = answer(replace(ask(name, gpus=gpus), machine=machine))
            assert proposal.reasons
            shown = Resident(
                (proposal,),
                proposal.need.total_bytes,
                room_of(machine).available_bytes,
                proposal.verdict,
            )
            json.dumps(describe_plan(shown, machine), allow_nan=False)
            assert render_plan(shown, machine, width=WIDTH, glyphs=ASCII)


@pytest.mark.slow
@lived_through
@given(documents())
@example(SLOWEST)
def test_it_can_be_shown(document: dict[str, Any]) -> None:
    assert dict(rows(read(document)))


@pytest.mark.slow
@settings(deadline=None, max_examples=8)
@given(documents())
@example(SLOWEST)
def test_it_has_a_table_of_what_runs(document: dict[str, Any]) -> None:
    found = what_runs(Order(models=(), machine=read(document)))
    json.dumps(describe_rows(found.rows, found.machine), allow_nan=False)
    assert render_rows(found.rows, found.machine, width=WIDTH)


@given(st.sampled_from(sorted(ENTRIES)))
def test_no_words_but_its_own_are_a_machine(name: str) -> None:
    with pytest.raises(InvalidMachineError):
        parse_machine(name.encode())
