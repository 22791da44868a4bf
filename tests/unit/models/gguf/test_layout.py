"""Sizes that decide memory, out of a header."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stoker.core.layout import Layout
from stoker.models.facts import read_facts
from stoker.testing.architectures import write_architecture


def layout(folder: Path, name: str, quantization: str = "Q8_0", **changes: Any) -> Layout:
    path = write_architecture(folder / "m.gguf", name, quantization, hollow=True, **changes)
    return read_facts(path).layout


def test_each_layers_tensors_and_the_rest_add_up_to_the_data(tmp_path: Path) -> None:
    made = layout(tmp_path, "llama", layers=3)
    assert len(made.layer_bytes) == 3
    assert len(set(made.layer_bytes)) == 1
    assert sum(made.layer_bytes) + made.other_bytes == made.stretch_bytes
    assert made.embedding_bytes == 1024 * 256 * 34 // 32
    assert made.embedding_type == "Q8_0"


@pytest.mark.parametrize("tied", [True, False])
def test_a_model_without_an_output_matrix_ties_it(tmp_path: Path, *, tied: bool) -> None:
    assert layout(tmp_path, "llama", tied=tied).tied is tied


def test_lengths_of_every_class_are_read(tmp_path: Path) -> None:
    mamba = layout(tmp_path, "mamba")
    assert (mamba.conv, mamba.inner, mamba.state, mamba.time_rank) == (4, 512, 16, 64)
    assert (mamba.groups, mamba.state_layers) == (0, 4)
    latent = layout(tmp_path, "deepseek2")
    assert (latent.latent, latent.rope, latent.query_latent) == (64, 32, 64)
    assert (latent.latent_head_k, latent.latent_head_v) == (64, 64)
    assert (latent.dense_layers, latent.expert_ffn, latent.shared_ffn) == (1, 128, 128)
    assert layout(tmp_path, "lfm2").short_conv == 4
    assert layout(tmp_path, "granitehybrid", groups=2).groups == 2


def test_layers_at_the_end_may_own_no_cache(tmp_path: Path) -> None:
    shared = layout(tmp_path, "gemma4", layers=8, shared=4)
    assert shared.kv_layers == 4
    assert (shared.window_head_k, shared.window_head_v) == (64, 64)
    assert layout(tmp_path, "llama").kv_layers == 4


def test_merges_are_counted(tmp_path: Path) -> None:
    assert layout(tmp_path, "llama", merges=77).merges == 77
