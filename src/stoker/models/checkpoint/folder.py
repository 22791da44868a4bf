"""A Hugging Face folder on this machine as one model: its facts, without reading its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stoker.core.errors import ModelFileMissingError, UnsupportedModelError
from stoker.core.model import ModelFacts
from stoker.models.checkpoint.chat_template import read_templates
from stoker.models.checkpoint.config import Beside, facts_of
from stoker.models.checkpoint.documents import TOKENIZER_BYTES_MAX, Folder
from stoker.models.checkpoint.model_card import CARD, CARD_BYTES_MAX, licence_of
from stoker.models.checkpoint.shards import read_weights
from stoker.models.checkpoint.tokenizer import kind_of, split_of

POOLING = "1_Pooling/config.json"


def read_checkpoint(path: Path) -> ModelFacts:
    """The facts of the model saved in the folder `path`.

    Raises:
        ModelFileMissingError: it is no folder, or lacks `config.json` or some of the weights.
        ModelFileError: a file is broken or says what cannot be.
        SourceUnsafeError: a file is a link out of the folder.
    """
    if not path.is_dir():
        raise ModelFileMissingError(f"There is no folder {path}")
    folder = Folder(path)
    config = folder.need("config.json")
    weights = read_weights(folder)
    return facts_of(path.resolve().name, config, weights, read_beside(folder))


def read_beside(folder: Folder) -> Beside:
    """What lies beside `config.json` in `folder`; raises as `read_checkpoint`."""
    tokenizer = folder.object("tokenizer.json", TOKENIZER_BYTES_MAX)
    kind = kind_of(tokenizer)
    return Beside(
        tokenizer=kind or _sentencepiece(folder),
        tokenizer_pre=_split(tokenizer) if kind == "gpt2" else "",
        chat_template=read_templates(folder).get("default"),
        pooled=folder.file(POOLING) is not None,
        licence=read_licence(folder),
    )


def read_licence(folder: Folder) -> str:
    """The licence that the folder's README.md states, empty where it states none."""
    return licence_of(folder.start(CARD, CARD_BYTES_MAX))


def _split(tokenizer: dict[str, Any]) -> str:
    try:
        return split_of(tokenizer)
    except UnsupportedModelError:
        return ""


def _sentencepiece(folder: Folder) -> str:
    return "llama" if folder.file("tokenizer.model") is not None else ""
