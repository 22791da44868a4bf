"""A converted decoder gives the logits of its own weights, with the real engine.

The reference is a forward pass in numpy, in the terms of the checkpoint: halves of a head are
turned, as its own library does. A wrong order of rows, a lost bias or norm, or positions that are
stretched otherwise show at once.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from stoker.comparing.forcing import forced
from stoker.models.convert.convert import convert
from stoker.models.convert.numbers import interleaved
from stoker.models.facts import read_facts
from stoker.testing.checkpoints import decoder_config, decoder_tensors, write_decoder

pytestmark = [pytest.mark.engine, pytest.mark.slow]

# Each byte is a token, so the numbers of the tokens are plain to see.
TEXT = "The quick brown fox jumps over the lazy dog, 1234567890 times; then it sleeps until dawn."
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("LlamaForCausalLM", {}),
    "llama, tied": ("LlamaForCausalLM", {"tie_word_embeddings": True}),
    "llama, biases": ("LlamaForCausalLM", {"attention_bias": True, "mlp_bias": True}),
    "llama, longer heads": ("LlamaForCausalLM", {"head_dim": 24}),
    "llama, all heads": ("LlamaForCausalLM", {"num_key_value_heads": 4}),
    "llama, stretched": ("LlamaForCausalLM", {"rope_scaling": LLAMA3}),
    "mistral": ("MistralForCausalLM", {"sliding_window": None, "head_dim": 32}),
    "qwen2": ("Qwen2ForCausalLM", {"rope_theta": 1e6}),
    "qwen2, yarn": ("Qwen2ForCausalLM", {"rope_scaling": YARN}),
    "qwen2, linear": ("Qwen2ForCausalLM", {"rope_scaling": {"type": "linear", "factor": 3.0}}),
    "qwen3": ("Qwen3ForCausalLM", {"head_dim": 32, "tie_word_embeddings": True}),
}


def rms(x: NDArray[Any], weight: NDArray[Any], epsilon: float) -> NDArray[Any]:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + epsilon) * weight


def frequencies(config: dict[str, Any], head: int) -> tuple[NDArray[Any], float]:
    """The angle of each pair at position 1, and what sines and cosines are multiplied by."""
    plain = config["rope_theta"] ** (-np.arange(0, head, 2) / head)
    said = config.get("rope_scaling") or {}
    match said.get("rope_type", said.get("type")):
        case "linear":
            return plain / said["factor"], 1.0
        case "llama3":
            return llama3(plain, said), 1.0
        case "yarn":
            return yarn(plain, said, config["rope_theta"], head)
    return plain, 1.0


def llama3(plain: NDArray[Any], said: dict[str, Any]) -> NDArray[Any]:
    """By wave length, as the paper tells it."""
    found = []
    for one in plain:
        length = 2 * math.pi / one
        if length < said["original_max_position_embeddings"] / said["high_freq_factor"]:
            found.append(one)
        elif length > said["original_max_position_embeddings"] / said["low_freq_factor"]:
            found.append(one / said["factor"])
        else:
            share = said["original_max_position_embeddings"] / length - said["low_freq_factor"]
            share /= said["high_freq_factor"] - said["low_freq_factor"]
            found.append((1 - share) * one / said["factor"] + share * one)
    return np.array(found)


def yarn(
    plain: NDArray[Any], said: dict[str, Any], base: float, head: int
) -> tuple[NDArray[Any], float]:
    """A ramp between the pairs that turn 32 times and once in the original context."""

    def pair(turns: float) -> float:
        waves = said["original_max_position_embeddings"] / (turns * 2 * math.pi)
        return head * math.log(waves) / (2 * math.log(base))

    low, high = max(math.floor(pair(32)), 0), min(math.ceil(pair(1)), head - 1)
    ramp = np.clip((np.arange(head // 2) - low) / max(high - low, 0.001), 0, 1)
    turned = plain * (1 - ramp) + plain / said["factor"] * ramp
    return turned, 0.1 * math.log(said["factor"]) + 1


def turned(x: NDArray[Any], config: dict[str, Any]) -> NDArray[Any]:
    """`x` (heads, time, head) with the halves of each head turned by its position."""
    angles, scale = frequencies(config, x.shape[-1])
    angles = np.outer(np.arange(x.shape[1]), angles)
    cos, sin = scale * np.cos(angles), scale * np.sin(angles)
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)


def reference(config: dict[str, Any], tensors: dict[str, Any], ids: list[int]) -> NDArray[Any]:
    """Logits of each position, in 64-bit floats."""
    w = {name: values.astype(np.float64) for name, values in tensors.items()}
    epsilon = config["rms_norm_eps"]

    def dense(x: NDArray[Any], name: str) -> NDArray[Any]:
        return x @ w[f"{name}.weight"].T + w.get(f"{name}.bias", 0.0)

    x = w["model.embed_tokens.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        of = f"model.layers.{layer}."
        y = rms(x, w[f"{of}input_layernorm.weight"], epsilon)
        x = x + dense(attention(config, w, y, f"{of}self_attn.", dense), f"{of}self_attn.o_proj")
        y = rms(x, w[f"{of}post_attention_layernorm.weight"], epsilon)
        gate = dense(y, f"{of}mlp.gate_proj")
        x = x + dense(
            gate / (1 + np.exp(-gate)) * dense(y, f"{of}mlp.up_proj"), f"{of}mlp.down_proj"
        )
    x = rms(x, w["model.norm.weight"], epsilon)
    return x @ w.get("lm_head.weight", w["model.embed_tokens.weight"]).T


def attention(config: dict[str, Any], w: Any, x: NDArray[Any], of: str, dense: Any) -> NDArray[Any]:
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]

    def split(part: str, count: int) -> NDArray[Any]:
        rows = dense(x, f"{of}{part}_proj").reshape(len(x), count, -1)
        if f"{of}{part}_norm.weight" in w:
            rows = rms(rows, w[f"{of}{part}_norm.weight"], config["rms_norm_eps"])
        return rows.swapaxes(0, 1)

    q, k = turned(split("q", heads), config), turned(split("k", kv_heads), config)
    k = k.repeat(heads // kv_heads, axis=0)
    v = split("v", kv_heads).repeat(heads // kv_heads, axis=0)
    scores = q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1])
    scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    mixed = scores / scores.sum(-1, keepdims=True) @ v
    return mixed.swapaxes(0, 1).reshape(len(x), -1)


def engines(path: Path) -> tuple[NDArray[Any], int]:
    """The engine's logits for the second half of `TEXT`, and their first target's place."""
    return asyncio.run(_engines(path))


async def _engines(path: Path) -> tuple[NDArray[Any], int]:
    folder = path.parent / "w"
    async with forced(path, TEXT, threads=1, tokens_max=len(TEXT), directory=folder) as text:
        header = await text.header()
        rows = [logits.copy() async for logits, _ in text.blocks(header)]
    return np.concatenate(rows), len(TEXT) - len(header.targets)


def compared(path: Path, config: dict[str, Any], tensors: dict[str, Any]) -> tuple[float, float]:
    """The least cosine of a position's logits, and the largest difference in deviations."""
    theirs, first = engines(path)
    ours = reference(config, tensors, list(TEXT.encode()))[first - 1 : -1]
    lengths = np.linalg.norm(ours, axis=-1) * np.linalg.norm(theirs, axis=-1)
    cosines = (ours * theirs).sum(-1) / lengths
    return float(cosines.min()), float(np.abs(ours - theirs).max() / ours.std())


@pytest.mark.parametrize(("class_name", "changes"), MODELS.values(), ids=MODELS.keys())
def test_a_decoder_gives_its_own_logits(
    tmp_path: Path, class_name: str, changes: dict[str, Any]
) -> None:
    config = decoder_config(class_name, **changes)
    folder = write_decoder(tmp_path / "folder", class_name, **changes)
    convert(folder, tmp_path / "out.gguf")
    cosine, difference = compared(tmp_path / "out.gguf", config, decoder_tensors(config))
    assert cosine > 0.9999
    assert difference < 0.05


def unbiased(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in tensors.items() if not name.endswith(".bias")}


def unnormed(tensors: dict[str, Any]) -> dict[str, Any]:
    return {name: values for name, values in tensors.items() if "_norm.weight" not in name}


def uninterleaved(tensors: dict[str, Any]) -> dict[str, Any]:
    return {
        name: interleaved(values, 16) if ".q_proj" in name or ".k_proj" in name else values
        for name, values in tensors.items()
    }


@pytest.mark.parametrize(
    ("model", "lose"),
    [
        ("llama", uninterleaved),
        ("llama, biases", unbiased),
        ("qwen2", unbiased),
        ("qwen3", unnormed),
    ],
)
def test_the_measure_sees_what_a_wrong_conversion_would_lose(
    tmp_path: Path, model: str, lose: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    class_name, changes = MODELS[model]
    config = decoder_config(class_name, **changes)
    convert(write_decoder(tmp_path / "folder", class_name, **changes), tmp_path / "out.gguf")
    cosine, difference = compared(tmp_path / "out.gguf", config, lose(decoder_tensors(config)))
    assert cosine < 0.95
    assert difference > 0.5


@pytest.mark.parametrize("model", ["llama, stretched", "qwen2, yarn", "qwen2, linear"])
def test_the_measure_sees_positions_that_are_not_stretched(tmp_path: Path, model: str) -> None:
    class_name, changes = MODELS[model]
    config = decoder_config(class_name, **changes)
    convert(write_decoder(tmp_path / "folder", class_name, **changes), tmp_path / "out.gguf")
    plain = config | {"rope_scaling": None}
    cosine, difference = compared(tmp_path / "out.gguf", plain, decoder_tensors(config))
    assert cosine < 0.99
    assert difference > 0.2


def test_bf16_keeps_the_numbers_range(tmp_path: Path) -> None:
    config = decoder_config("Qwen2ForCausalLM")
    tensors = decoder_tensors(config)
    folder = write_decoder(tmp_path / "folder")
    convert(folder, tmp_path / "out.gguf", wide="bf16")
    cosine, _ = compared(tmp_path / "out.gguf", config, tensors)
    assert cosine > 0.999


def test_the_window_of_a_mistral_limits_its_context(tmp_path: Path) -> None:
    folder = write_decoder(tmp_path / "folder", "MistralForCausalLM", sliding_window=128)
    made = convert(folder, tmp_path / "out.gguf")
    assert "128 tokens" in made.notes[0]
    config = decoder_config("MistralForCausalLM")
    assert read_facts(tmp_path / "out.gguf").context_length == 128
    cosine, _ = compared(tmp_path / "out.gguf", config, decoder_tensors(config))
    assert cosine > 0.9999
