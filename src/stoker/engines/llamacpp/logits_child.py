"""The process that reads a text with a model and writes all logits: the engine's C API by ctypes.

Of the engine's parameter structs only the first fields are touched; the rest stays an opaque
block that the engine itself filled with its defaults and that is larger than any of its versions.
The layout is checked where it can be: defaults that are known, and values that are read back.
How a text becomes sequences is for `logits_spans`.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from stoker.engines.llamacpp.logits import HEADER
from stoker.engines.llamacpp.logits_spans import Span, Text, Vocabulary

BATCH = 512
# Never the engine's default of 512, so that reading it back proves that it was set.
CONTEXT_MIN, CONTEXT_MAX, CONTEXT_STEP = 768, 4096, 256
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
    "llama_model_n_ctx_train": (_INT, _POINTER),
    "llama_vocab_n_tokens": (_INT, _POINTER),
    "llama_vocab_get_text": (ctypes.c_char_p, _POINTER, _INT),
    "llama_vocab_get_add_bos": (ctypes.c_bool, _POINTER),
    "llama_vocab_bos": (_INT, _POINTER),
    "llama_vocab_eot": (_INT, _POINTER),
    "llama_vocab_eos": (_INT, _POINTER),
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
        model = self._load()
        vocab = self._lib.llama_model_get_vocab(model)
        text = Text(self._spec["text"], self._spec["tokens_max"], self._limit(model))
        cut = text.cut(self._vocabulary(vocab))
        if not cut.spans:
            self._fail("short", "the text is too short, or every part of it is too long")
        size = self._lib.llama_vocab_n_tokens(vocab)
        self._say(
            vocabulary=size,
            digest=self._digest(vocab, size),
            targets=[one for span in cut.spans for one in span.tokens[span.first :]],
            counts=cut.counts,
            text_tokens=cut.text_tokens,
            text_bytes=cut.text_bytes,
        )
        context = self._context(model, max(len(span.tokens) for span in cut.spans))
        batch = self._batch()
        for span in cut.spans:
            self._forward(context, batch, span, size)

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

    def _load(self) -> int:
        self._lib.llama_backend_init()
        path = os.fsencode(self._spec["model"])
        model = self._lib.llama_model_load_from_file(path, self._lib.llama_model_default_params())
        if not model:
            self._fail("load", "the engine could not load the model")
        return int(model)

    def _limit(self, model: int) -> int:
        trained = self._lib.llama_model_n_ctx_train(model)
        return min(CONTEXT_MAX, trained) if trained > 0 else CONTEXT_MAX

    def _context(self, model: int, longest: int) -> int:
        size = max(CONTEXT_MIN, -(-longest // CONTEXT_STEP) * CONTEXT_STEP)
        params = self._lib.llama_context_default_params()
        if tuple(params.words[:4]) != _DEFAULTS:
            self._fail("engine", "the engine's parameters have another layout than this one knows")
        params.words[0], params.words[1] = size, BATCH
        context = self._lib.llama_init_from_model(model, params)
        if not context:
            self._fail("load", "the engine could not make a context")
        read_back = self._lib.llama_n_ctx(context), self._lib.llama_n_batch(context)
        if read_back != (size, BATCH):
            self._fail("engine", f"the engine took other parameters than it was given: {read_back}")
        self._lib.llama_set_n_threads(context, self._spec["threads"], self._spec["threads"])
        return int(context)

    def _vocabulary(self, vocab: int) -> Vocabulary:
        adds_bos = self._lib.llama_vocab_get_add_bos(vocab)
        end = self._lib.llama_vocab_eot(vocab)
        return Vocabulary(
            encode=partial(self._tokens, vocab),
            bos=self._lib.llama_vocab_bos(vocab) if adds_bos else None,
            end=end if end >= 0 else self._lib.llama_vocab_eos(vocab),
        )

    def _tokens(self, vocab: int, words: str, *, begins: bool, special: bool) -> list[int]:
        text = words.encode()
        room = len(text) + 8  # no token is shorter than a byte, but for the few added ones
        buffer = (ctypes.c_int32 * room)()
        count = self._lib.llama_tokenize(vocab, text, len(text), buffer, room, begins, special)
        if count < 0:
            self._fail("text", "the text cannot be cut into tokens")
        return list(buffer[:count])

    def _digest(self, vocab: int, size: int) -> str:
        digest = hashlib.sha256()
        for token in range(size):
            text = self._lib.llama_vocab_get_text(vocab, token) or b""
            digest.update(len(text).to_bytes(4) + text[:_NAME_BYTES_MAX])
        return f"sha256:{digest.hexdigest()}"

    def _batch(self) -> _Batch:
        batch: _Batch = self._lib.llama_batch_init(BATCH, 0, 1)
        if batch.embd or not (batch.token and batch.pos and batch.seq_id and batch.logits):
            self._fail("engine", "the engine's batch has another layout than this one knows")
        for at in range(BATCH):
            batch.n_seq_id[at] = 1
            batch.seq_id[at][0] = 0
        return batch

    def _forward(self, context: int, batch: _Batch, span: Span, size: int) -> None:
        """Rows that predict `span`'s scored tokens, each from all the tokens before."""
        self._lib.llama_memory_clear(self._lib.llama_get_memory(context), True)  # noqa: FBT003 - C
        given = span.tokens[:-1]  # nothing is predicted from the last one
        for start in range(0, len(given), BATCH):
            piece = given[start : start + BATCH]
            rows = [at for at in range(len(piece)) if start + at + 1 >= span.first]
            self._decode(context, batch, piece, start, rows)
            for at in rows:
                row = self._lib.llama_get_logits_ith(context, at)
                if not row:
                    self._fail("engine", "the engine kept no logits for a token")
                self._write(ctypes.string_at(row, 4 * size))

    def _decode(
        self, context: int, batch: _Batch, piece: Sequence[int], start: int, rows: Sequence[int]
    ) -> None:
        batch.n_tokens = len(piece)
        wanted = set(rows)
        for at, token in enumerate(piece):
            batch.token[at], batch.pos[at] = token, start + at
            batch.logits[at] = int(at in wanted)
        if status := self._lib.llama_decode(context, batch):
            self._fail("engine", f"the engine could not read the text: status {status}")

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
