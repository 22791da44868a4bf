"""What one model is, from its file's header; what the header leaves open is 0 or empty.

Standard library only, and no native code: see `gguf` for the bounds.
"""

from __future__ import annotations

from pathlib import Path

from stoker.core.errors import ModelFileGarbageError, VocabularyOnlyError
from stoker.core.model import ModelFacts, Task
from stoker.models.gguf import Header, read_header

_ENCODERS = frozenset(
    {
        "bert",
        "eurobert",
        "gemma-embedding",
        "jina-bert-v2",
        "jina-bert-v3",
        "llama-embed",
        "modern-bert",
        "neo-bert",
        "nomic-bert",
        "nomic-bert-moe",
        "t5encoder",
    }
)
_TEXT_LIMIT = 200


def read_facts(path: Path) -> ModelFacts:
    """The facts of the model file `path`; its digest is left to whoever hashes it.

    Raises:
        ModelFileError: the file is missing, empty, cut short or not a model.
        VocabularyOnlyError: it is a tokenizer without weights.
    """
    header = read_header(path)
    architecture = _text(header, "general.architecture")
    if not architecture:
        raise ModelFileGarbageError(f"{path.name}: names no architecture")
    if not header.tensors or _text(header, "general.type") in {"vocab", "vocabulary"}:
        raise VocabularyOnlyError(f"{path.name}: holds a vocabulary and no weights")
    for key in ("context_length", "block_count", "embedding_length"):
        if not _count(header, f"{architecture}.{key}"):
            raise ModelFileGarbageError(f"{path.name}: states no {architecture}.{key}")
    return ModelFacts(
        architecture=architecture,
        parameters=header.parameters,
        quantization=max(header.weight_bytes, key=header.weight_bytes.__getitem__),
        file_bytes=header.file_bytes,
        context_length=_count(header, f"{architecture}.context_length"),
        layers=_count(header, f"{architecture}.block_count"),
        embedding_length=_count(header, f"{architecture}.embedding_length"),
        vocabulary=_vocabulary(header, architecture),
        task=_task(header, architecture),
        chat_template="tokenizer.chat_template" in header.values,
        name=_text(header, "general.name"),
        licence=_text(header, "general.license"),
    )


def _task(header: Header, architecture: str) -> Task:
    """An encoder, or a decoder whose file says that its states are pooled, makes embeddings."""
    pooled = _count(header, f"{architecture}.pooling_type") > 0
    return Task.EMBED if pooled or architecture in _ENCODERS else Task.GENERATE


def _vocabulary(header: Header, architecture: str) -> int:
    tokens = header.array_lengths.get("tokenizer.ggml.tokens", 0)
    return tokens or _count(header, f"{architecture}.vocab_size")


def _text(header: Header, key: str) -> str:
    value = header.values.get(key)
    return value[:_TEXT_LIMIT] if isinstance(value, str) else ""


def _count(header: Header, key: str) -> int:
    value = header.values.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
