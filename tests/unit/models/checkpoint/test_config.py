"""What a config.json and the tensors' shapes say about a model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import ModelFileError, ModelFileGarbageError
from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.models.checkpoint.config import Beside, Config, facts_of, usable_context
from stoker.models.checkpoint.safetensors import DTYPE_BITS, Entry
from stoker.models.checkpoint.shards import Placed, Weights

GROUPED, WINDOWED = AttentionKind.GROUPED, AttentionKind.WINDOWED
RECURRENT, FULL, LATENT = AttentionKind.RECURRENT, AttentionKind.FULL, AttentionKind.LATENT
LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
    "max_position_embeddings": 2048,
    "vocab_size": 1000,
}


def weights(**tensors: tuple[str, tuple[int, ...]]) -> Weights:
    found = {}
    for name, (dtype, shape) in tensors.items():
        elements = 1
        for side in shape:
            elements *= side
        entry = Entry(dtype, shape, 0, elements * DTYPE_BITS[dtype] // 8)
        found[name] = Placed("m.safetensors", 8, entry)
    return Weights(found, 1000, 1)


PLAIN = weights(w=("BF16", (10, 10)), norm=("F32", (10,)))


def facts(document: dict[str, Any], held: Weights = PLAIN, **beside: Any) -> ModelFacts:
    return facts_of("m", document, held, Beside(**beside))


def test_the_sizes_are_what_the_document_says() -> None:
    got = facts(LLAMA, tokenizer="gpt2", tokenizer_pre="qwen2", chat_template="{{ x }}")
    assert (got.architecture, got.layers, got.embedding_length) == ("llama", 4, 64)
    assert (got.heads, got.kv_heads, got.head_length_k) == (8, (2,) * 4, 8)
    assert (got.context_length, got.vocabulary, got.file_bytes) == (2048, 1000, 1000)
    assert (got.parameters, got.parameters_active) == (110, 110)
    assert got.weight_bytes == (("BF16", 200), ("F32", 40))
    assert (got.quantization, got.container, got.task) == ("BF16", "safetensors", Task.GENERATE)
    assert got.attention == (GROUPED,) * 4
    assert got.chat_template
    assert got.chat_template_digest.startswith("sha256:")
    assert got.bits_per_weight == pytest.approx(8 * 240 / 110)
    assert got.licence == ""


@pytest.mark.parametrize(
    ("document", "architecture"),
    [
        ({"architectures": ["MistralForCausalLM"]}, "llama"),
        ({"architectures": ["Qwen3MoeForCausalLM"]}, "qwen3moe"),
        ({"architectures": ["DeepseekV3ForCausalLM"]}, "deepseek2"),
        ({"architectures": ["OddForCausalLM"], "model_type": "odd_one"}, "odd-one"),
        ({"architectures": None, "model_type": "odd"}, "odd"),
        ({"architectures": ["OddForCausalLM"], "model_type": None}, "OddForCausalLM"),
    ],
)
def test_architectures_have_ggufs_names_where_there_are_some(
    document: dict[str, Any], architecture: str
) -> None:
    assert facts(LLAMA | document).architecture == architecture


def test_a_head_may_be_longer_than_hidden_size_makes_it() -> None:
    assert facts(LLAMA | {"head_dim": 128}).head_length_k == 128


def test_heads_of_keys_default_to_heads() -> None:
    got = facts(LLAMA | {"num_key_value_heads": None})
    assert got.attention == (FULL,) * 4


@pytest.mark.parametrize(
    ("changes", "kinds", "window"),
    [
        # The engine has no window for these, whatever the checkpoint says.
        ({"sliding_window": 512}, (GROUPED,) * 4, 0),
        (
            {"architectures": ["Gemma2ForCausalLM"], "sliding_window": 512},
            (WINDOWED, GROUPED, WINDOWED, GROUPED),
            512,
        ),
        (
            {
                "architectures": ["Gemma3ForCausalLM"],
                "sliding_window": 512,
                "layer_types": ["sliding_attention"] * 3 + ["full_attention"],
            },
            (WINDOWED, WINDOWED, WINDOWED, GROUPED),
            512,
        ),
        (
            {
                "architectures": ["Qwen3NextForCausalLM"],
                "layer_types": ["linear_attention", "full_attention"] * 2,
            },
            (RECURRENT, GROUPED, RECURRENT, GROUPED),
            0,
        ),
        (
            {"architectures": ["DeepseekV3ForCausalLM"], "kv_lora_rank": 512},
            (LATENT,) * 4,
            0,
        ),
        (
            {"architectures": ["MambaForCausalLM"], "num_attention_heads": None}
            | {"num_key_value_heads": None},
            (RECURRENT,) * 4,
            0,
        ),
        ({"num_key_value_heads": [8, 2, 2, 1]}, (FULL, GROUPED, GROUPED, GROUPED), 0),
    ],
)
def test_each_layer_has_its_kind_of_attention(
    changes: dict[str, Any], kinds: tuple[AttentionKind, ...], window: int
) -> None:
    got = facts(LLAMA | changes)
    assert (got.attention, got.window) == (kinds, window)


@pytest.mark.parametrize(
    ("changes", "context"),
    [
        ({"sliding_window": 512}, 512),
        ({"sliding_window": 4096}, 2048),
        ({"sliding_window": None}, 2048),
        ({"sliding_window": 512, "use_sliding_window": False}, 2048),
        ({"sliding_window": 512, "max_window_layers": 4}, 2048),
        ({"sliding_window": 512, "max_window_layers": 2}, 512),
        ({"sliding_window": 512, "layer_types": ["full_attention"] * 4}, 2048),
        ({"sliding_window": 512, "architectures": ["Gemma2ForCausalLM"]}, 2048),
    ],
)
def test_the_context_ends_where_the_engine_would_see_more_than_the_model(
    changes: dict[str, Any], context: int
) -> None:
    assert usable_context(Config(LLAMA | changes)) == context


def test_experts_count_by_the_share_that_a_token_uses() -> None:
    held = weights(
        **{
            "model.layers.0.mlp.experts.0.up_proj.weight": ("BF16", (100,)),
            "model.layers.0.mlp.experts.1.up_proj.weight": ("BF16", (100,)),
            "model.layers.0.mlp.shared_experts.up_proj.weight": ("BF16", (30,)),
        }
    )
    got = facts(LLAMA | {"num_experts": 8, "num_experts_per_tok": 2}, held)
    assert (got.experts, got.experts_used) == (8, 2)
    assert (got.parameters, got.parameters_active) == (230, 80)


def test_an_output_matrix_that_is_the_embedding_counts_once() -> None:
    held = weights(
        **{"model.embed_tokens.weight": ("F16", (100,)), "lm_head.weight": ("F16", (100,))}
    )
    assert facts(LLAMA | {"tie_word_embeddings": True}, held).parameters == 100
    assert facts(LLAMA, held).parameters == 200


def test_packed_numbers_are_counted_as_what_they_are() -> None:
    held = weights(
        **{
            "a.qweight": ("I32", (10,)),
            "a.qzeros": ("I32", (2,)),
            "a.scales": ("F16", (4,)),
            "a.g_idx": ("I32", (80,)),
            "norm.weight": ("F16", (5,)),
        }
    )
    packed = {"quantization_config": {"quant_method": "gptq", "bits": 4}}
    assert facts(LLAMA | packed, held).parameters == 85


def test_positions_that_were_saved_along_are_no_parameters() -> None:
    held = weights(w=("F32", (10,)), position_ids=("I64", (512,)))
    assert facts(LLAMA, held).parameters == 10


@pytest.mark.parametrize(
    ("changes", "pooled", "task"),
    [
        ({"architectures": ["BertModel"]}, False, Task.EMBED),
        ({"architectures": ["GPT2LMHeadModel"]}, False, Task.GENERATE),
        ({"architectures": ["Qwen3ForCausalLM"]}, True, Task.EMBED),
    ],
)
def test_what_makes_no_words_makes_embeddings(
    changes: dict[str, Any], pooled: bool, task: Task
) -> None:
    assert facts(LLAMA | changes, pooled=pooled).task is task


def test_what_stands_under_text_config_is_the_models_own() -> None:
    inner = {key: value for key, value in LLAMA.items() if key != "architectures"}
    got = facts({"architectures": ["Gemma3ForConditionalGeneration"], "text_config": inner})
    assert (got.architecture, got.layers) == ("gemma3", 4)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"architectures": []},
        {key: value for key, value in LLAMA.items() if key != "hidden_size"},
        LLAMA | {"num_hidden_layers": "4"},
        LLAMA | {"num_hidden_layers": True},
        LLAMA | {"num_hidden_layers": 1 << 20},
        LLAMA | {"num_hidden_layers": -1},
    ],
)
def test_a_document_without_a_model_is_garbage(document: dict[str, Any]) -> None:
    with pytest.raises(ModelFileGarbageError, match=r"config\.json"):
        facts(document)


def test_files_without_tensors_are_garbage() -> None:
    with pytest.raises(ModelFileGarbageError, match="no tensors"):
        facts(LLAMA, Weights({}, 10, 1))


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=6,
)
_KEYS = sorted(
    {
        *LLAMA,
        "head_dim",
        "kv_lora_rank",
        "layer_types",
        "layers_block_type",
        "max_window_layers",
        "model_type",
        "num_experts",
        "num_experts_per_tok",
        "qk_nope_head_dim",
        "quantization_config",
        "sliding_window",
        "text_config",
        "tie_word_embeddings",
        "use_sliding_window",
        "v_head_dim",
    }
)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=8))
def test_any_document_gives_facts_or_our_error(changes: dict[str, Any]) -> None:
    try:
        got = facts(LLAMA | changes)
    except ModelFileError:
        return
    assert len(got.attention) == len(got.kv_heads) == got.layers
    assert 0 <= got.parameters_active <= got.parameters
