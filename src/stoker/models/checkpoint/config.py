"""What one model is, from a checkpoint's `config.json` and its tensors' shapes.

Pure. Architectures have the names that GGUF gives them; what the documents leave open is 0 or
empty. How the documents are read is for `documents` and `shards`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stoker.core.model import ModelFacts, Task
from stoker.models.attention import LAYERS_MAX, Shape, kinds, window_of, windowed_layers
from stoker.models.checkpoint.documents import garbage
from stoker.models.checkpoint.shards import Weights
from stoker.models.checkpoint.weights import counted
from stoker.models.facts import ENCODERS, active, by_size, template_digest

ARCHITECTURES = {
    "BertModel": "bert",
    "BertForMaskedLM": "bert",
    "Cohere2ForCausalLM": "cohere2",
    "CohereForCausalLM": "command-r",
    "DeepseekV2ForCausalLM": "deepseek2",
    "DeepseekV3ForCausalLM": "deepseek2",
    "Exaone4ForCausalLM": "exaone4",
    "FalconForCausalLM": "falcon",
    "GPT2LMHeadModel": "gpt2",
    "GPTNeoXForCausalLM": "gptneox",
    "Gemma2ForCausalLM": "gemma2",
    "Gemma3ForCausalLM": "gemma3",
    "Gemma3ForConditionalGeneration": "gemma3",
    "Gemma3TextModel": "gemma-embedding",
    "Gemma3nForConditionalGeneration": "gemma3n",
    "GemmaForCausalLM": "gemma",
    "GptOssForCausalLM": "gpt-oss",
    "GraniteForCausalLM": "granite",
    "Llama4ForConditionalGeneration": "llama4",
    "LlamaForCausalLM": "llama",
    "Mamba2ForCausalLM": "mamba2",
    "MambaForCausalLM": "mamba",
    "MistralForCausalLM": "llama",
    "MixtralForCausalLM": "llama",
    "ModernBertModel": "modern-bert",
    "NomicBertModel": "nomic-bert",
    "Olmo2ForCausalLM": "olmo2",
    "OlmoForCausalLM": "olmo",
    "Phi3ForCausalLM": "phi3",
    "PhiForCausalLM": "phi2",
    "Qwen2ForCausalLM": "qwen2",
    "Qwen2MoeForCausalLM": "qwen2moe",
    "Qwen3ForCausalLM": "qwen3",
    "Qwen3MoeForCausalLM": "qwen3moe",
    "Qwen3NextForCausalLM": "qwen3next",
    "RobertaModel": "bert",
    "SmolLM3ForCausalLM": "smollm3",
    "StableLmForCausalLM": "stablelm",
    "Starcoder2ForCausalLM": "starcoder2",
    "T5EncoderModel": "t5encoder",
    "XLMRobertaModel": "bert",
}
_HEADLESS, _HEADED = "Model", "LMHeadModel"  # how classes end that make no words, and that do
_STATES = frozenset({"linear_attention", "mamba", "mamba2", "recurrent", "conv"})
_WINDOWS = frozenset({"sliding_attention", "chunked_attention", "local_attention"})
_STATE_ONLY = frozenset({"mamba", "mamba2", "rwkv6", "rwkv7"})
_TEXT_LIMIT = 200
_COUNT_MAX = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Beside:
    """What lies beside the configuration: tokenizer's kind, chat template, pooling, licence."""

    tokenizer: str = ""
    tokenizer_pre: str = ""
    chat_template: str | None = None
    pooled: bool = False
    licence: str = ""


class Config:
    """A `config.json` whose numbers are checked when they are asked for.

    What stands under `text_config`, as in models that see, is taken as the model's own.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        inner = document.get("text_config")
        self.values = {**document, **(inner if isinstance(inner, dict) else {})}

    def count(self, *names: str) -> int:
        """The first of `names` that is a positive whole number of 31 bits, 0 if none is."""
        for name in names:
            value = self.values.get(name)
            if type(value) is int and 0 < value <= _COUNT_MAX:
                return value
        return 0

    def text(self, name: str) -> str:
        """The text `name`, empty if it is none."""
        value = self.values.get(name)
        return value[:_TEXT_LIMIT] if isinstance(value, str) else ""

    def texts(self, *names: str) -> list[str]:
        """The first of `names` that is a list, its elements as text; empty if none is."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, list):
                return [str(one) for one in value[:LAYERS_MAX]]
        return []

    @property
    def class_name(self) -> str:
        """The class that the model was saved by, empty if the file names none."""
        names = self.values.get("architectures")
        return str(names[0])[:_TEXT_LIMIT] if isinstance(names, list) and names else ""

    @property
    def architecture(self) -> str:
        """GGUF's name of the architecture; the file's own where GGUF's is not known."""
        known = ARCHITECTURES.get(self.class_name)
        return known or self.text("model_type").replace("_", "-") or self.class_name

    @property
    def layers(self) -> int:
        """How many layers there are, 0 if the file does not say."""
        return self.count("num_hidden_layers", "n_layer", "n_layers", "num_layers")

    @property
    def hidden(self) -> int:
        """The length of a token's state in elements."""
        return self.count("hidden_size", "n_embd", "d_model")

    @property
    def stated_window(self) -> int:
        """The window in tokens that some layers have, 0 for none."""
        if self.values.get("use_sliding_window") is False:
            return 0
        if 0 < self.layers <= self.count("max_window_layers"):
            return 0
        return self.count("sliding_window", "attention_chunk_size")

    @property
    def trained_context(self) -> int:
        """The tokens that the model was trained for."""
        return self.count("max_position_embeddings", "n_positions", "n_ctx", "max_seq_len")


def facts_of(
    name: str, document: Mapping[str, Any], weights: Weights, beside: Beside | None = None
) -> ModelFacts:
    """The facts of the checkpoint that errors call `name`.

    Raises:
        ModelFileGarbageError: the configuration states no architecture or none of its sizes, or
            there are no tensors.
    """
    config, beside = Config(document), beside or Beside()
    _check(name, config, weights)
    heads, kv_heads, states = _heads(config)
    flags = windows(config)
    attending = frozenset(range(config.layers)) - states
    latent = bool(config.count("kv_lora_rank"))
    found = counted(weights, config.values)
    experts = config.count("num_experts", "num_local_experts", "n_routed_experts")
    used = min(config.count("num_experts_per_tok", "num_experts_per_token", "top_k"), experts)
    head_length = _head_length(config, heads)
    return ModelFacts(
        architecture=config.architecture,
        parameters=found.parameters,
        quantization=max(found.type_bytes, key=found.type_bytes.__getitem__),
        file_bytes=weights.file_bytes,
        context_length=usable_context(config),
        layers=config.layers,
        embedding_length=config.hidden,
        vocabulary=config.count("vocab_size"),
        task=_task(config, pooled=beside.pooled),
        chat_template=beside.chat_template is not None,
        name=name,
        licence=beside.licence,
        parameters_active=active(found.parameters, found.expert_parameters, experts, used),
        attention=kinds(Shape(heads, kv_heads, flags, latent, states, attending)),
        window=config.stated_window if any(flags) else 0,
        experts=experts,
        experts_used=used,
        heads=max(heads),
        kv_heads=kv_heads,
        head_length_k=head_length,
        head_length_v=config.count("v_head_dim") or head_length,
        tokenizer=beside.tokenizer,
        tokenizer_pre=beside.tokenizer_pre,
        chat_template_digest=beside.chat_template and template_digest(beside.chat_template),
        weight_bytes=by_size(found.type_bytes),
        container="safetensors",
        parts=weights.files,
        causal=config.architecture not in ENCODERS,
    )


def windows(config: Config) -> tuple[bool, ...]:
    """Which layers have a window that the engine keeps to; none in architectures without one."""
    architecture, layers = config.architecture, config.layers
    window = window_of(architecture, config.stated_window)
    known = windowed_layers(architecture, window, layers, None)
    kinds_said = config.texts("layer_types")
    if not any(known) or len(kinds_said) != layers:
        return known
    return tuple(kind in _WINDOWS for kind in kinds_said)


def usable_context(config: Config) -> int:
    """The tokens for which the engine computes what the model would.

    Where the model has a window that the engine does not know for its architecture, that is the
    window: up to there every token is seen in both.
    """
    window = config.stated_window
    windowed = not config.texts("layer_types") or _WINDOWS & set(config.texts("layer_types"))
    if window and windowed and not any(windows(config)):
        return min(window, config.trained_context or window)
    return config.trained_context


def _check(name: str, config: Config, weights: Weights) -> None:
    if not weights.tensors:
        raise garbage(f"{name}: its files hold no tensors")
    if not config.architecture:
        raise garbage(f"{name}: config.json names no architecture")
    if not config.layers or not config.hidden:
        raise garbage(f"{name}: config.json states no num_hidden_layers or no hidden_size")
    if config.layers > LAYERS_MAX:
        raise garbage(f"{name}: config.json states more than {LAYERS_MAX} layers")


def _heads(config: Config) -> tuple[tuple[int, ...], tuple[int, ...], frozenset[int]]:
    """Heads and heads of keys for each layer, and the layers that keep a state."""
    layers = config.layers
    heads = _per_layer(config, ("num_attention_heads", "n_head", "n_heads"), (0,) * layers)
    kv_heads = _per_layer(config, ("num_key_value_heads", "num_kv_heads", "n_head_kv"), heads)
    kinds_said = config.texts("layer_types", "layers_block_type")
    if config.architecture in _STATE_ONLY:
        return heads, kv_heads, frozenset(range(layers))
    states = {layer for layer, kind in enumerate(kinds_said[:layers]) if kind in _STATES}
    return heads, kv_heads, frozenset(states)


def _per_layer(config: Config, names: Sequence[str], default: tuple[int, ...]) -> tuple[int, ...]:
    """One number for each layer: the file has it once, or as a list."""
    for name in names:
        value = config.values.get(name)
        if isinstance(value, list) and len(value) == len(default):
            return tuple(one if type(one) is int and one > 0 else 0 for one in value)
    one = config.count(*names)
    return (one,) * len(default) if one else default


def _head_length(config: Config, heads: tuple[int, ...]) -> int:
    if compressed := config.count("qk_nope_head_dim"):
        return compressed + config.count("qk_rope_head_dim")
    return config.count("head_dim") or (config.hidden // max(heads) if max(heads) else 0)


def _task(config: Config, *, pooled: bool) -> Task:
    name = config.class_name
    headless = name.endswith(_HEADLESS) and not name.endswith(_HEADED)
    return Task.EMBED if pooled or headless else Task.GENERATE
