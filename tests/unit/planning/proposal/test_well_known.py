"""The facts of a well-known model give the memory that was published of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from stoker.core.model import AttentionKind
from stoker.planning.proposal.counting import count_plainly, uncounted
from stoker.planning.proposal.proposing import draft
from support.planning import ENTRIES, ask

NAMES = sorted(ENTRIES)


@pytest.mark.parametrize("name", NAMES)
def test_the_kv_cache_is_what_was_published(name: str) -> None:
    """Windowed layers hold a step beyond the window too, which the published figure leaves out."""
    plan = replace(draft(ask(name, "server")), context=8192, slots=1)
    published = ENTRIES[name].shape.kv_bytes(8192)
    assert published <= count_plainly(plan).kv_bytes <= 1.3 * published


@pytest.mark.parametrize("name", NAMES)
def test_the_header_would_lack_nothing(name: str) -> None:
    plan = draft(ask(name, "server"))
    assert uncounted(plan) == ()
    need = count_plainly(plan)
    assert need.source == "formula"
    assert need.weights_bytes == ENTRIES[name].weights_bytes


def test_windowed_models_have_as_many_whole_layers_as_published() -> None:
    kinds = Counter(ask("Gemma-3-27B").model.facts.attention)
    assert kinds == {AttentionKind.WINDOWED: 52, AttentionKind.GROUPED: 10}


@pytest.mark.parametrize(
    ("name", "architecture"),
    [
        ("Qwen3-30B-A3B", "qwen3moe"),
        ("Qwen3-4B", "qwen3"),
        ("Phi-4", "phi3"),
        ("Mistral-7B", "llama"),
        ("DeepSeek-V3", "deepseek2"),
        ("gpt-oss-20b", "gpt-oss"),
    ],
)
def test_what_the_engine_calls_them(name: str, architecture: str) -> None:
    assert ask(name).model.facts.architecture == architecture


def test_a_header_without_what_is_needed_is_named_and_counted_by_its_size() -> None:
    question = ask("Llama-3.1-8B", "server")
    facts = replace(question.model.facts, head_length_k=0)
    plan = draft(replace(question, model=replace(question.model, facts=facts)))
    need = count_plainly(plan)
    assert need.source == "file size"
    assert need.weights_bytes == facts.file_bytes
    assert need.kv_bytes == 0
    assert "llama.attention.key_length" in uncounted(plan)[0]
