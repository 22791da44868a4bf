"""The table of what a machine can run has every model in its usual forms, each judged."""

from __future__ import annotations

from stoker.core.plan import DeviceKind, Verdict
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.listing import SHOWN, Row, list_models, too_short
from stoker.published.figures import load_losses
from support.planning import CATALOGUE, ENTRIES, ask


def rows_on(machine: str, *, gpus: bool = False) -> list[Row]:
    question = ask("Qwen2.5-0.5B", machine, gpus=gpus, wishes=Wishes(slots=1))
    return list_models(question, CATALOGUE, load_losses())


def test_every_model_is_there_from_its_widest_form_to_its_narrowest() -> None:
    rows = rows_on("laptop")
    assert {row.name for row in rows} == set(ENTRIES)
    forms = [row.quantization for row in rows if row.name == "Llama-3.1-8B"]
    assert forms == list(SHOWN)
    sizes = [row.weights_bytes for row in rows if row.name == "Llama-3.1-8B"]
    assert sizes == sorted(sizes, reverse=True)


def test_the_verdicts_follow_the_machine() -> None:
    small, large = rows_on("board"), rows_on("server")
    assert sum(row.verdict.usable for row in small) < sum(row.verdict.usable for row in large)
    never = {row.name for row in small if row.verdict is Verdict.CAN_NEVER_FIT}
    assert "Llama-3.1-70B" in never


def test_a_gpu_runs_what_it_holds() -> None:
    rows = rows_on("gaming", gpus=True)
    devices = {(row.name, row.quantization): row.device.kind for row in rows}
    assert devices["Llama-3.1-8B", "Q4_K_M"] is DeviceKind.GPU
    assert devices["Llama-3.1-70B", "Q4_K_M"] is DeviceKind.SPLIT


def test_speeds_are_unknown_where_nothing_was_measured() -> None:
    assert all(row.decode_tok_s is None for row in rows_on("unmeasured"))
    assert all(row.decode_tok_s is not None for row in rows_on("laptop"))


def test_models_that_were_trained_for_less_context_are_no_rows() -> None:
    wishes = Wishes(context=100_000, slots=1)
    question = ask("Qwen2.5-0.5B", "server", wishes=wishes)
    names = {row.name for row in list_models(question, CATALOGUE, load_losses())}
    short = dict(too_short(question.asked, CATALOGUE))
    assert short["Phi-4"] == 16_384
    assert names | set(short) == set(ENTRIES)
    assert not names & set(short)
    assert "Llama-3.1-8B" in names


def test_a_row_never_has_more_context_than_its_model_was_trained_for() -> None:
    rows = rows_on("server")
    assert all(row.context <= ENTRIES[row.name].shape.context_length for row in rows)


def test_a_model_that_was_trained_in_four_bits_has_one_row() -> None:
    rows = rows_on("server")
    for name in ("gpt-oss-20b", "gpt-oss-120b"):
        assert [row.quantization for row in rows if row.name == name] == ["MXFP4"]


def test_small_models_take_what_files_of_their_shape_take() -> None:
    """Half a billion weights of eight bits and a half; two bits are not two where rows are odd."""
    sizes = {(row.name, row.quantization): row.weights_bytes for row in rows_on("server")}
    assert 500e6 < sizes["Qwen2.5-0.5B", "Q8_0"] < 540e6
    assert sizes["Gemma-3-1B", "Q8_0"] < 1.1e9
    assert sizes["Qwen2.5-0.5B", "Q2_K"] > 300e6
