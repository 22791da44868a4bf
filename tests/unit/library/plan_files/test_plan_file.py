"""A plan's file reads back as it was written, and what is no plan is refused with a near name."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import InvalidPlanError
from stoker.core.plan import Device, DeviceKind, Verdict
from stoker.core.proposal import Proposal, Resident
from stoker.library.plan_files.plan_file import (
    FILE_BYTES_MAX,
    ModelTable,
    PlanFile,
    parse_plan,
    plan_file_of,
    read_plan,
    to_toml,
)
from stoker.testing.machines import MACHINES
from support.planning import answer, ask

DIGEST = "sha256:" + "a" * 64


def pinned(name: str = "Llama-3.1-8B") -> Proposal:
    proposal = answer(ask(name))
    facts = replace(proposal.plan.model.facts, digest=DIGEST)
    model = replace(proposal.plan.model, facts=facts)
    return replace(proposal, plan=replace(proposal.plan, model=model))


def written(*proposals: Proposal) -> PlanFile:
    return plan_file_of(Resident(proposals, 0, 0, Verdict.FITS), MACHINES["laptop"])


def test_a_plan_reads_back_as_it_was_written() -> None:
    plan = written(pinned(), pinned("Qwen2.5-0.5B"))
    assert parse_plan(to_toml(plan).encode()) == plan


def test_it_pins_the_digest_and_holds_every_setting_the_predictions_and_the_machine() -> None:
    proposal = pinned()
    document = tomllib.loads(to_toml(written(proposal)))
    model, plan = document["model"][0], proposal.plan
    assert model["digest"] == DIGEST
    settings = "context slots threads batch micro_batch prompt_cache_bytes checkpoints repack"
    for name in (*settings.split(), "kv_type", "engine"):
        assert model[name] == getattr(plan, name)
    assert model["memory"]["total_bytes"] == proposal.need.total_bytes
    assert proposal.speed.decode_tok_s is not None
    told = model["speed"]["decode_tok_s"]["p50"]
    assert told == pytest.approx(proposal.speed.decode_tok_s.p50, rel=1e-3)
    assert document["machine"]["name"] == "laptop"


def test_of_a_split_model_every_file_is_pinned() -> None:
    proposal = pinned()
    digests = (DIGEST, "sha256:" + "b" * 64)
    model = proposal.plan.model
    split = replace(model, facts=replace(model.facts, parts=2), digests=digests)
    proposal = replace(proposal, plan=replace(proposal.plan, model=split))
    assert parse_plan(to_toml(written(proposal)).encode()).model[0].parts == list(digests)
    assert "parts" not in to_toml(written(pinned()))
    unknown = replace(split, digests=())
    with pytest.raises(InvalidPlanError, match="2 files"):
        written(replace(proposal, plan=replace(proposal.plan, model=unknown)))


def test_memory_that_was_divided_for_a_gpu_is_nobodys_count() -> None:
    proposal = pinned()
    need = replace(proposal.need, source="engine")
    gpu = replace(proposal, need=need, device=Device(DeviceKind.GPU, 32, 0, 32, "GPU"))
    for one, source in ((replace(proposal, need=need), "engine"), (gpu, "estimate")):
        memory = written(one).model[0].memory
        assert memory is not None
        assert memory.source == source


def test_a_model_without_a_digest_is_not_written() -> None:
    with pytest.raises(InvalidPlanError, match="digest"):
        written(answer(ask()))


def change(old: str, new: str) -> bytes:
    text = to_toml(written(pinned()))
    assert old in text
    return text.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("context =", "contxt =", "did you mean context?"),
        ("[machine]", "[machin]", "did you mean machine?"),
        ("[model.memory]", "[model.memry]", "did you mean memory?"),
        ("kv_bytes =", "kv_byte =", "did you mean kv_bytes?"),
        ("version = 1", "version = 2", "make it again"),
    ],
)
def test_what_is_not_known_is_refused_with_the_nearest_name(old: str, new: str, hint: str) -> None:
    with pytest.raises(InvalidPlanError) as caught:
        parse_plan(change(old, new))
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("context = 4096", "context = 0"),
        ("context = 4096", 'context = "4096"'),
        ("slots = 4", "slots = 257"),
        ("slots = 4", "slots = true"),
        ('kv_type = "f16"', 'kv_type = "q3_k"'),
        ('engine = "llamacpp"', 'engine = "other"'),
        (DIGEST, "sha256:abc"),
        ("[[model]]", "[model]"),
    ],
)
def test_values_out_of_bounds_are_refused(old: str, new: str) -> None:
    with pytest.raises(InvalidPlanError):
        parse_plan(change(old, new))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_plan_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidPlanError):
        parse_plan(data)


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60))
def test_any_source_survives_being_written(source: str) -> None:
    plan = written(replace(pinned(), source=source))
    assert parse_plan(to_toml(plan).encode()).model[0].source == source


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidPlanError):
        read_plan(tmp_path / "none.toml")
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    with pytest.raises(InvalidPlanError, match="larger"):
        read_plan(large)


def test_every_field_of_a_model_is_bounded() -> None:
    assert set(ModelTable.model_fields) >= {"name", "source", "digest"}
    with pytest.raises(InvalidPlanError):
        parse_plan(change('source = "Llama-3.1-8B"', 'source = ""'))


def test_what_a_pattern_asks_for_is_said_in_words_and_the_model_by_its_name() -> None:
    for old, new, hint in (
        ('kv_type = "f16"', 'kv_type = "q3"', "q8_0"),
        (DIGEST, "sha256:abc", "64 hexadecimal"),
    ):
        with pytest.raises(InvalidPlanError) as raised:
            parse_plan(change(old, new))
        assert raised.value.message.startswith("Llama-3.1-8B: "), raised.value.message
        assert "^" not in raised.value.message
        assert hint in (raised.value.hint or "")
    with pytest.raises(InvalidPlanError, match="model 1"):
        parse_plan(b"version = 1\nmodel = [3]\n")


def test_two_models_of_one_name_are_not_written() -> None:
    """`serve --plan` could not tell them apart."""
    with pytest.raises(InvalidPlanError, match="two models are called") as raised:
        written(pinned(), pinned())
    assert "NAME=PATH" in (raised.value.hint or "")
