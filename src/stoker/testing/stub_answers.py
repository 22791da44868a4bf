"""The words of the stub engine, in the shapes that a real engine's OpenAI dialect has. Pure."""

from __future__ import annotations

import json
from typing import Any

CHAT_PATH = "/v1/chat/completions"
COMPLETION_PATH = "/v1/completions"
EMBEDDING_PATH = "/v1/embeddings"
RENDER_PATH = "/apply-template"
DONE = b"data: [DONE]\n\n"
EMBEDDING_LENGTH = 4


def event(value: dict[str, Any]) -> bytes:
    """`value` as one server-sent event."""
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def prompt_text(path: str, body: dict[str, Any]) -> str:
    """All the text that a request puts before the model."""
    if path == CHAT_PATH:
        return " ".join(str(message.get("content", "")) for message in body["messages"])
    prompt = body.get("prompt", "")
    return " ".join(map(str, prompt)) if isinstance(prompt, list) else str(prompt)


def count_tokens(text: str) -> int:
    """The stub's tokenizer: a token for each word, and one to begin with."""
    return len(text.split()) + 1


class Wording:
    """The chunks of one answer on `path` to a prompt of `prompt_tokens` tokens."""

    def __init__(self, path: str, model: str, prompt_tokens: int) -> None:
        self._chat = path == CHAT_PATH
        self._model = model
        self._prompt_tokens = prompt_tokens

    def opening(self) -> bytes:
        """The chunk before any text, as chats begin."""
        return self._chunk({"role": "assistant", "content": None}, None)

    def prefill(self, done: int) -> bytes:
        """`done` tokens of the prompt are read."""
        progress = {"total": self._prompt_tokens, "cache": 0, "processed": done, "time_ms": 1}
        return self._chunk({"role": "assistant", "content": None}, None, prompt_progress=progress)

    def text(self, text: str) -> bytes:
        """A piece of the answer."""
        return self._chunk({"content": text}, None)

    def finish(self, reason: str, tokens: int) -> bytes:
        """The last chunks: why it ended, what it cost, and the end mark."""
        usage = self._usage(tokens)
        timings = _timings(self._prompt_tokens, tokens)
        if not self._chat:
            return self._chunk({}, reason, usage=usage, timings=timings) + DONE
        last = {**self._frame(), "choices": [], "usage": usage, "timings": timings}
        return self._chunk({}, reason) + event(last) + DONE

    def _usage(self, tokens: int) -> dict[str, Any]:
        return {
            "completion_tokens": tokens,
            "prompt_tokens": self._prompt_tokens,
            "total_tokens": self._prompt_tokens + tokens,
            "prompt_tokens_details": {"cached_tokens": 0},
        }

    def _frame(self) -> dict[str, Any]:
        kind = "chat.completion.chunk" if self._chat else "text_completion"
        return {"id": "stub", "object": kind, "created": 0, "model": self._model}

    def _chunk(self, delta: dict[str, Any], reason: str | None, **more: Any) -> bytes:
        said = {"delta": delta} if self._chat else {"text": delta.get("content") or ""}
        choice = {"index": 0, "finish_reason": reason, "logprobs": None, **said}
        return event({**self._frame(), "choices": [choice], **more})


def _timings(prompt_tokens: int, tokens: int) -> dict[str, Any]:
    return {
        "cache_n": 0,
        "prompt_n": prompt_tokens,
        "prompt_ms": 10.0,
        "prompt_per_second": prompt_tokens * 100.0,
        "predicted_n": tokens,
        "predicted_ms": 10.0,
        "predicted_per_second": tokens * 100.0,
    }


def overflow(prompt_tokens: int, context: int) -> dict[str, Any]:
    """The error of a prompt that does not fit."""
    return {
        "error": {
            "code": 400,
            "message": "request exceeds the available context size",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": prompt_tokens,
            "n_ctx": context,
        }
    }


def invalid(message: str) -> dict[str, Any]:
    """The error of a request that makes no sense."""
    return {"error": {"code": 400, "message": message, "type": "invalid_request_error"}}


def rendered(body: dict[str, Any]) -> dict[str, Any]:
    """What the stub's chat template makes of a conversation."""
    turns = [f"{message['role']}: {message['content']}\n" for message in body["messages"]]
    return {"prompt": "".join(turns) + "assistant: "}


def embeddings(body: dict[str, Any], model: str) -> dict[str, Any]:
    """One unit vector for each text of the request."""
    given = body["input"]
    texts = given if isinstance(given, list) else [given]
    tokens = sum(count_tokens(str(text)) for text in texts)
    data = [
        {"object": "embedding", "index": index, "embedding": _vector(str(text))}
        for index, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": model, "data": data, "usage": usage}


def _vector(text: str) -> list[float]:
    place = sum(text.encode()) % EMBEDDING_LENGTH
    return [1.0 if index == place else 0.0 for index in range(EMBEDDING_LENGTH)]
