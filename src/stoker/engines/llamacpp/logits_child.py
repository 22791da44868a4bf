"""The process that reads a text with a model and writes all logits: the engine's C API by ctypes.

Of the engine's parameter structs only the first fields are touched; the rest stays an opaque
block that the engine itself filled with its defaults and that is larger than any of its versions.
The layout is checked where it can be: defaults that are known, and values that are read back. A
window is 512 tokens, its second half is scored, and the next starts half a window on, so that
each scored token has at least 256 before it (fewer if the text is shorter than a window).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from stoker.engines.llamacpp.logits import HEADER

WINDOW = 512
CONTEXT = 768  # not the engine's default, so that reading it back proves that it was set
_DEFAULTS = (512, 2048, 512, 1)  # n_ctx, n_batch, n_ubatch, n_seq_max
_NAME_BYTES_MAX = 1 << 16
_SPEC_BYTES_MAX = 4 << 20


class _Opaque(ctypes.Structure):
    """A parameter struct that is passed by value, always as the last argument."""

    _fields_ = (("words", ctypes.c_uint32 * 256),)


class _Batch(ctypes.Structure):
    _fields_ = (
        ("n_tokens", ctypes.c_int32),
        ("token", ctypes.POINTER(ctypes.c_int32)),
        ("embd", ctypes.c_void_p),
        ("pos", ctypes.POINTER(ctypes.c_int32)),
        ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
        ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
        ("logits", ctypes.POINTER(ctypes.c_int8)),
    )


_POINTER, _INT, _UINT = ctypes.c_void_p, ctypes.c_int32, ctypes.c_uint32
# Result, then arguments.
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "llama_backend_init": (None,),
    "llama_model_default_params": (_Opaque,),
    "llama_context_default_params": (_Opaque,),
    "llama_model_load_from_file": (_POINTER, ctypes.c_char_p, _Opaque),
    "llama_init_from_model": (_POINTER, _POINTER, _Opaque),
    "llama_set_n_threads": (None, _POINTER, _INT, _INT),
    "llama_n_ctx": (_UINT, _POINTER),
    "llama_n_batch": (_UINT, _POINTER),
    "llama_model_get_vocab": (_POINTER, _POINTER),
    "llama_vocab_n_tokens": (_INT, _POINTER),
    "llama_vocab_get_text": (ctypes.c_char_p, _POINTER, _INT),
    "llama_vocab_get_add_bos": (ctypes.c_bool, _POINTER),
    "llama_vocab_bos": (_INT, _POINTER),
    "llama_tokenize": (
        _INT,
        _POINTER,
        ctypes.c_char_p,
        _INT,
        ctypes.POINTER(_INT),
        _INT,
        ctypes.c_bool,
        ctypes.c_bool,
    ),
    "llama_batch_init": (_Batch, _INT, _INT, _INT),
    "llama_decode": (_INT, _POINTER, _Batch),
    "llama_get_logits_ith": (_POINTER, _POINTER, _INT),
    "llama_get_memory": (_POINTER, _POINTER),
    "llama_memory_clear": (None, _POINTER, ctypes.c_bool),
}


def windows(count: int) -> Iterator[tuple[int, int, int]]:
    """Start, end and first scored target of each window over `count` tokens.

    Every token from half a window on is a target exactly once; of a text that is shorter than a
    window, its second half.
    """
    size = min(WINDOW, count)
    first = max(1, size // 2)
    for start in range(0, count - first, max(1, size - first)):
        end = min(start + size, count)
        if start + first < end:
            yield start, end, start + first
        if end == count:
            return


def main() -> None:
    """Write the header and the rows that the spec on standard input asks for."""
    out = os.dup(1)
    os.dup2(2, 1)  # whatever the engine prints is talk
    spec = json.loads(_read_line())
    Reader(out, spec).run()
    os._exit(0)  # the engine's own ending is slow, and proves nothing


def _read_line() -> bytes:
    """The spec; nothing follows it, so that more than the line may be taken at once."""
    line = b""
    while not line.endswith(b"\n"):
        piece = os.read(0, 1 << 16)
        if not piece or len(line) > _SPEC_BYTES_MAX:
            os._exit(2)
        line += piece
    return line


class Reader:
    """One model and one text; writes to the descriptor `out`."""

    def __init__(self, out: int, spec: dict[str, Any]) -> None:
        self._out = out
        self._spec = spec
        self._lib = self._library()

    def run(self) -> None:
        """Load, tokenize, check, and write a row for each target."""
        model, context = self._load()
        vocab = self._lib.llama_model_get_vocab(model)
        tokens = self._tokens(vocab)
        spans = list(windows(len(tokens)))
        if not spans:
            self._fail("text", "the text is shorter than two tokens")
        size = self._lib.llama_vocab_n_tokens(vocab)
        targets = [one for _, end, first in spans for one in tokens[first:end]]
        self._say(vocabulary=size, digest=self._digest(vocab, size), targets=targets)
        bos = self._lib.llama_vocab_bos(vocab) if self._adds_bos(vocab) else None
        for start, end, first in spans:
            piece = tokens[start:end]
            if bos is not None:
                piece[0] = bos  # each window is a text of its own to the model
            self._forward(context, piece, first - start, size)

    def _library(self) -> Any:
        found = importlib.util.find_spec("xllamacpp")
        folder = Path(found.origin).parent if found and found.origin else Path()
        files = sorted(folder.glob("xllamacpp*.so"))
        if not files:
            self._fail("engine", "the engine's shared object is not there")
        library = ctypes.CDLL(str(files[0]))
        try:
            for name, (result, *arguments) in _SIGNATURES.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
        except AttributeError as error:
            self._fail("engine", f"the engine does not export what is needed: {error}")
        return library

    def _load(self) -> tuple[int, int]:
        self._lib.llama_backend_init()
        path = os.fsencode(self._spec["model"])
        model = self._lib.llama_model_load_from_file(path, self._lib.llama_model_default_params())
        if not model:
            self._fail("load", "the engine could not load the model")
        params = self._lib.llama_context_default_params()
        if tuple(params.words[:4]) != _DEFAULTS:
            self._fail("engine", "the engine's parameters have another layout than this one knows")
        params.words[0], params.words[1] = CONTEXT, WINDOW
        context = self._lib.llama_init_from_model(model, params)
        if not context:
            self._fail("load", "the engine could not make a context")
        read_back = self._lib.llama_n_ctx(context), self._lib.llama_n_batch(context)
        if read_back != (CONTEXT, WINDOW):
            self._fail("engine", f"the engine took other parameters than it was given: {read_back}")
        self._lib.llama_set_n_threads(context, self._spec["threads"], self._spec["threads"])
        return model, context

    def _adds_bos(self, vocab: int) -> bool:
        return bool(self._lib.llama_vocab_get_add_bos(vocab))

    def _tokens(self, vocab: int) -> list[int]:
        text = self._spec["text"].encode()
        room = len(text) + 8  # no token is shorter than a byte, but for the few added ones
        buffer = (ctypes.c_int32 * room)()
        count = self._lib.llama_tokenize(vocab, text, len(text), buffer, room, True, False)  # noqa: FBT003 - C has no keywords
        if count < 0:
            self._fail("text", "the text cannot be cut into tokens")
        return list(buffer[: min(count, self._spec["tokens_max"])])

    def _digest(self, vocab: int, size: int) -> str:
        digest = hashlib.sha256()
        for token in range(size):
            text = self._lib.llama_vocab_get_text(vocab, token) or b""
            digest.update(len(text).to_bytes(4) + text[:_NAME_BYTES_MAX])
        return f"sha256:{digest.hexdigest()}"

    def _forward(self, context: int, tokens: list[int], first: int, size: int) -> None:
        """Rows that predict `tokens[first:]`, each from all the tokens before."""
        self._lib.llama_memory_clear(self._lib.llama_get_memory(context), True)  # noqa: FBT003 - C
        batch = self._lib.llama_batch_init(len(tokens), 0, 1)
        if batch.embd or not (batch.token and batch.pos and batch.seq_id and batch.logits):
            self._fail("engine", "the engine's batch has another layout than this one knows")
        batch.n_tokens = len(tokens)
        for at, token in enumerate(tokens):
            batch.token[at], batch.pos[at], batch.n_seq_id[at] = token, at, 1
            batch.seq_id[at][0] = 0
            batch.logits[at] = int(first - 1 <= at < len(tokens) - 1)
        if status := self._lib.llama_decode(context, batch):
            self._fail("engine", f"the engine could not read the text: status {status}")
        for at in range(first - 1, len(tokens) - 1):
            row = self._lib.llama_get_logits_ith(context, at)
            if not row:
                self._fail("engine", "the engine kept no logits for a token")
            self._write(ctypes.string_at(row, 4 * size))

    def _say(self, **fields: Any) -> None:
        self._write((HEADER + json.dumps(fields) + "\n").encode())

    def _fail(self, kind: str, words: str) -> NoReturn:
        """Tell why; after the header the parent sees that rows are missing, and standard error."""
        sys.stderr.write(words + "\n")
        sys.stderr.flush()
        self._say(kind=kind, error=words)
        os._exit(1)

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._out, rest) :]


if __name__ == "__main__":
    main()
