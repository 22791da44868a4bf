"""The adapter's translations: plan to spec, request to wire, words to errors, lines to reports."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stoker.core.errors import (
    CannotEmbedError,
    ContextOverflowError,
    EngineError,
    InvalidRequestError,
    LoadFailedError,
    NotEnoughMemoryError,
    StokerError,
    UnsupportedParameterError,
)
from stoker.core.model import LocalModel, ModelFacts, ModelRef, Task
from stoker.core.plan import Plan
from stoker.core.request import Kind, Message, Request, Role, Sampling
from stoker.engines.llamacpp import child
from stoker.engines.llamacpp.adapter import LlamaCppEngine
from stoker.engines.llamacpp.failures import explain_load, explain_refusal
from stoker.engines.llamacpp.reports import read_report, write_report
from stoker.engines.llamacpp.spec import child_spec
from stoker.engines.llamacpp.translate import translate

FACTS = ModelFacts("llama", 1, "Q8_0", 1, 2048, 2, 256, 1024, Task.GENERATE, chat_template=True)
MODEL = LocalModel(ModelRef("m"), Path("m.gguf"), FACTS)
PLAN = Plan(MODEL, "llamacpp", context=1024, slots=3, threads=2, prompt_cache_bytes=5 << 20)
EMBED = replace(PLAN, model=replace(MODEL, facts=replace(FACTS, task=Task.EMBED)))


def test_the_engine_gets_every_slots_context_and_spare_http_threads() -> None:
    spec = child_spec(PLAN, Path("e.sock"))
    assert (spec["n_ctx"], spec["n_parallel"], spec["n_threads_http"]) == (3072, 3, 35)
    assert (spec["n_batch"], spec["n_ubatch"], spec["cache_ram_mib"]) == (2048, 512, 5)
    assert json.loads(json.dumps(spec)) == spec


def test_a_plan_stays_on_the_processor_whatever_the_engine_was_built_with() -> None:
    """The engine's own default is to put every layer on a GPU, where it finds one."""
    params = SimpleNamespace(n_gpu_layers=-1, no_kv_offload=False, no_op_offload=False)
    child._set_device(params, child_spec(PLAN, Path("e.sock"))["n_gpu_layers"])
    assert params.n_gpu_layers == 0
    assert params.no_kv_offload
    assert params.no_op_offload


def test_an_encoder_reads_a_whole_text_in_one_step() -> None:
    spec = child_spec(EMBED, Path("e.sock"))
    assert spec["embedding"]
    assert spec["n_batch"] == spec["n_ubatch"] >= EMBED.context
    assert spec["n_batch"] % EMBED.slots == 0, "the engine aborts where it does not divide"


def test_the_kv_cache_has_the_planned_format_and_only_one_that_there_is() -> None:
    assert child_spec(PLAN, Path("e.sock"))["kv_type"] == 1
    assert child_spec(replace(PLAN, kv_type="q8_0"), Path("e.sock"))["kv_type"] == 8
    with pytest.raises(InvalidRequestError, match="q3_k"):
        child_spec(replace(PLAN, kv_type="q3_k"), Path("e.sock"))


@pytest.mark.parametrize("word", ["context", "slots", "threads", "batch", "micro_batch"])
def test_a_count_below_one_is_refused(word: str) -> None:
    with pytest.raises(InvalidRequestError, match=word):
        child_spec(replace(PLAN, **{word: 0}), Path("e.sock"))


def test_the_launch_lets_the_child_read_the_model_and_no_more() -> None:
    launch = LlamaCppEngine().launch(PLAN, Path("e.sock"))
    assert launch.readable == (Path("m.gguf"),)
    assert launch.environment["GGML_NO_BACKTRACE"] == "1"


def body_of(request: Request) -> dict[str, Any]:
    return json.loads(translate(request).body)


CHAT = Request("1", ModelRef("m"), Kind.CHAT, messages=(Message(Role.USER, "hé"),))


def test_what_is_left_open_is_not_asked_for() -> None:
    assert body_of(CHAT) == {
        "messages": [{"role": "user", "content": "hé"}],
        "model": "m",
        "stream": True,
        "return_progress": True,
        "cache_prompt": True,
    }


def test_what_is_asked_for_is_passed_on() -> None:
    sampling = Sampling(temperature=0.0, seed=0, max_tokens=5, stop=("a",))
    body = body_of(replace(CHAT, sampling=sampling, include_usage=True, json_object=True))
    assert (body["temperature"], body["seed"], body["max_tokens"]) == (0.0, 0, 5)
    assert body["stop"] == ["a"]
    assert body["stream_options"] == {"include_usage": True}
    assert body["response_format"] == {"type": "json_object"}


def test_each_kind_has_its_path() -> None:
    assert translate(CHAT).path == "/v1/chat/completions"
    assert translate(replace(CHAT, kind=Kind.COMPLETION, inputs=("a",))).path == "/v1/completions"
    wire = translate(replace(CHAT, kind=Kind.EMBEDDING, inputs=("a", "b")))
    assert wire.path == "/v1/embeddings"
    assert json.loads(wire.body)["input"] == ["a", "b"]


def test_several_prompts_are_refused() -> None:
    with pytest.raises(UnsupportedParameterError):
        translate(replace(CHAT, kind=Kind.COMPLETION, inputs=("a", "b")))


def test_half_a_character_does_not_break_the_wire() -> None:
    assert body_of(replace(CHAT, messages=(Message(Role.USER, "\ud800"),)))


@pytest.mark.parametrize("stage", ["started", "imported", "loading", "listening"])
def test_a_report_is_read_as_it_was_written(stage: str) -> None:
    report = read_report(write_report(stage))
    assert report is not None
    assert report.stage == stage


@pytest.mark.parametrize(
    "line",
    [
        "",
        "talk",
        "stoker:",
        "stoker:[]",
        'stoker:{"stage":"x"}',
        'stoker:{"stage":[]}',
        "stoker:" + "[" * 5000,
    ],
)
def test_mere_talk_is_not_a_report(line: str) -> None:
    assert read_report(line) is None


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("0.01 E ggml_backend_cpu_buffer_type_alloc_buffer: failed to allocate buffer of size 9",
         NotEnoughMemoryError),
        ("terminate called after throwing an instance of 'std::bad_alloc'", NotEnoughMemoryError),
        ("0.00.006 E srv start: couldn't bind HTTP server socket, hostname: e.sock",
         LoadFailedError),
    ],
)  # fmt: skip
def test_known_words_have_their_error(line: str, error: type[StokerError]) -> None:
    tail = [line, "0.00.006.381 E srv    load_model: failed to load model, 'm.gguf'"]
    assert type(explain_load(Path("m.gguf"), tail)) is error


def test_unknown_words_are_passed_on_and_warnings_are_not() -> None:
    tail = ["0.1 E llama: the moon is full", "0.2 W srv init: no API key is set"]
    assert "the moon is full" in explain_load(Path("m.gguf"), tail).message
    assert "without a word" in explain_load(Path("m.gguf"), tail[1:]).message


def refusal(status: int, **error: Any) -> StokerError:
    return explain_refusal(status, json.dumps({"error": {"code": status, **error}}).encode())


def test_an_overflow_is_told_with_its_numbers() -> None:
    error = refusal(400, type="exceed_context_size_error", n_prompt_tokens=18001, n_ctx=1024)
    assert type(error) is ContextOverflowError
    assert "18001" in error.message
    assert "1024" in error.message


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (" increase the physical batch size (current batch size: 512)", "; the model reads 512"),
        ("", "A text has 3002 tokens"),
    ],
)
def test_a_text_too_long_to_embed_is_an_overflow_with_its_numbers(words: str, told: str) -> None:
    message = f"input (3002 tokens) is too large to process.{words}"
    error = refusal(500, type="server_error", message=message)
    assert type(error) is ContextOverflowError
    assert "3002 tokens" in error.message
    assert told in error.message


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "Field 'temperature': type must be number", InvalidRequestError),
        (501, "This server does not support embeddings.", CannotEmbedError),
        (500, "boom", EngineError),
    ],
)
def test_a_refusal_keeps_the_engines_words(
    status: int, message: str, error: type[StokerError]
) -> None:
    got = refusal(status, message=message, type="x")
    assert type(got) is error
    assert error is CannotEmbedError or message in got.message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error":3}', b"\xff"])
def test_a_refusal_without_words_is_an_engine_error(body: bytes) -> None:
    assert type(explain_refusal(503, body)) is EngineError
