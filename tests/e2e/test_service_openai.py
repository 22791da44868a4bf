"""The official OpenAI client against a real service with the real engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import openai
import pytest

from stoker.testing.running import RunningService
from stoker.testing.synthetic import write_model

pytestmark = [pytest.mark.engine, pytest.mark.slow]
ASKED = [{"role": "user", "content": "What is the refund policy?"}]


@pytest.fixture(scope="module")
def client(service: RunningService) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="-", max_retries=0) as made:
        yield made


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_ok_before_a_model_is_loaded_and_after(
    start_service: Callable[..., RunningService], path: str
) -> None:
    service = start_service("starter")
    assert service.models()[0]["state"] == "cold"
    assert service.request("GET", path)[0] == 200
    body = {"model": "starter", "prompt": "a", "max_tokens": 1}
    assert service.request("POST", "/v1/completions", body)[0] == 200
    assert service.models()[0]["state"] == "ready"
    assert service.request("GET", path)[0] == 200


def test_a_model_is_loaded_on_first_use_and_kept(
    client: openai.OpenAI, service: RunningService
) -> None:
    for _ in range(2):
        client.completions.create(model="starter", prompt="a", max_tokens=1)
    pids = {row["pid"] for row in service.models() if row["model"] == "starter"}
    client.completions.create(model="starter", prompt="b", max_tokens=1)
    assert pids == {row["pid"] for row in service.models() if row["model"] == "starter"} - {None}


def test_a_chat_is_answered_whole_with_its_usage(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="starter", messages=ASKED, temperature=0)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "stop"
    usage = answer.usage
    assert usage is not None
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.completion_tokens > 1


def test_a_streamed_chat_says_what_the_whole_one_says(client: openai.OpenAI) -> None:
    whole = client.chat.completions.create(model="starter", messages=ASKED, temperature=0)
    chunks = list(
        client.chat.completions.create(model="starter", messages=ASKED, temperature=0, stream=True)
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"


def test_usage_comes_in_a_stream_where_it_is_asked_for(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="starter",
            messages=ASKED,
            max_tokens=5,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    counted = [chunk.usage for chunk in chunks if chunk.usage is not None]
    assert len(counted) == 1
    assert counted[0].completion_tokens == 5


def test_usage_does_not_come_in_a_stream_that_did_not_ask(client: openai.OpenAI) -> None:
    chunks = client.chat.completions.create(
        model="starter", messages=ASKED, max_tokens=5, stream=True
    )
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


def test_a_completion_is_the_same_streamed_and_whole(client: openai.OpenAI) -> None:
    how = {"model": "tiny", "prompt": "ka lo", "temperature": 0, "max_tokens": 12}
    whole = client.completions.create(**how)
    text = "".join(c.choices[0].text for c in client.completions.create(**how, stream=True))
    assert whole.choices[0].text == text
    assert text


def test_max_tokens_ends_an_answer_for_its_length(client: openai.OpenAI) -> None:
    how = {"model": "tiny", "messages": ASKED, "temperature": 0}
    for bound in ({"max_tokens": 7}, {"max_completion_tokens": 7}):
        answer = client.chat.completions.create(**how, **bound)
        assert answer.choices[0].finish_reason == "length"
        assert answer.usage.completion_tokens == 7


def test_a_seed_makes_sampling_repeatable(client: openai.OpenAI) -> None:
    def sample(seed: int) -> str:
        how = {"model": "tiny", "prompt": "ka", "temperature": 1.5, "max_tokens": 16}
        return client.completions.create(**how, seed=seed).choices[0].text

    assert sample(1) == sample(1)
    assert len({sample(seed) for seed in range(4)}) > 1


def test_an_answer_ends_before_a_stop_string(client: openai.OpenAI) -> None:
    how = {"model": "starter", "messages": ASKED, "temperature": 0}
    whole = client.chat.completions.create(**how).choices[0].message.content
    word = whole.split()[2]
    for stop in (word, [word]):
        answer = client.chat.completions.create(**how, stop=stop)
        assert answer.choices[0].message.content == whole.partition(word)[0]
        assert answer.choices[0].finish_reason == "stop"


def test_system_and_developer_messages_are_read_alike(client: openai.OpenAI) -> None:
    used = []
    for role in ("system", "developer"):
        messages = [{"role": role, "content": "Answer briefly."}, *ASKED]
        answer = client.chat.completions.create(
            model="starter", messages=messages, temperature=0, max_tokens=8
        )
        used.append((answer.usage.prompt_tokens, answer.choices[0].message.content))
    bare = client.chat.completions.create(model="starter", messages=ASKED, max_tokens=1)
    assert used[0] == used[1]
    assert used[0][0] > bare.usage.prompt_tokens


def test_content_parts_are_read_as_one_text(client: openai.OpenAI) -> None:
    parts = [{"type": "text", "text": "What is the "}, {"type": "text", "text": "refund policy?"}]
    how = {"model": "starter", "temperature": 0, "max_tokens": 8}
    joined = client.chat.completions.create(messages=[{"role": "user", "content": parts}], **how)
    plain = client.chat.completions.create(messages=ASKED, **how)
    assert joined.choices[0].message.content == plain.choices[0].message.content
    assert joined.usage.prompt_tokens == plain.usage.prompt_tokens


def test_models_are_listed_and_shown(client: openai.OpenAI) -> None:
    assert {model.id for model in client.models.list()} == {"starter", "tiny"}
    assert client.models.retrieve("tiny").owned_by == "stoker"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("other")
    assert caught.value.code == "model_not_found"


def test_a_prompt_beyond_the_context_is_refused_by_its_code(client: openai.OpenAI) -> None:
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(model="tiny", prompt="ka lo " * 6000, stream=stream)
        assert caught.value.code == "context_length_exceeded"


def test_an_embedding_model_is_not_asked_to_write_and_not_loaded_for_it(
    start_service: Callable[..., RunningService], tmp_path: Path
) -> None:
    service = start_service(f"mini={write_model(tmp_path / 'mini.gguf', 'tiny_embed')}")
    asked = {"completions": {"prompt": "a"}, "chat/completions": {"messages": ASKED}}
    for path, body in asked.items():
        status, answer = service.request("POST", f"/v1/{path}", {"model": "mini", **body})
        assert (status, answer["error"]["code"]) == (400, "model_cannot_generate")
    assert service.models()[0]["state"] == "cold"
