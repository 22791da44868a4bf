"""The sizes of a model that decide how much memory an engine takes for it.

They stand beside `ModelFacts`, which has what people ask for; these only formulas need.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """Lengths in elements, sizes in bytes; 0 or empty where the header has none.

    `ffn` has one entry for each layer. Of the experts, `expert_ffn` is the length of each and
    `shared_ffn` that of those which every token uses together; the first `dense_layers` have none.
    `window_head_k` and `window_head_v` are a head's lengths in windowed layers. `latent` is what
    latent attention keeps for a token beside the `rope` part, `query_latent` what it makes queries
    from, `latent_head_k` and `latent_head_v` its heads' lengths once unfolded.

    `kv_layers` layers from the first own a KV cache, the others look into theirs. The last
    `ahead_layers` of a file predict further tokens, and are not loaded.

    Layers with a state are `state_layers`; theirs are `conv` (taps), `inner`, `state`, `groups`
    and `time_rank` of state spaces, `short_conv` taps of short convolutions, and `shifts` and
    `state_head` of the RWKV family.

    `stretch_bytes` is from the first tensor to the end of the last. `layer_bytes` are the tensors
    of each layer and `other_bytes` the rest, as the engine lays them out; of the rest,
    `embedding_bytes` are the tokens' vectors, of `embedding_type`; `tied` says that they serve as
    the output matrix too. `merges` are the tokenizer's.
    """

    ffn: tuple[int, ...] = ()
    expert_ffn: int = 0
    shared_ffn: int = 0
    dense_layers: int = 0
    window_head_k: int = 0
    window_head_v: int = 0
    latent: int = 0
    query_latent: int = 0
    latent_head_k: int = 0
    latent_head_v: int = 0
    rope: int = 0
    kv_layers: int = 0
    ahead_layers: int = 0
    state_layers: int = 0
    conv: int = 0
    inner: int = 0
    state: int = 0
    groups: int = 0
    time_rank: int = 0
    short_conv: int = 0
    shifts: int = 0
    state_head: int = 0
    stretch_bytes: int = 0
    layer_bytes: tuple[int, ...] = ()
    other_bytes: int = 0
    embedding_bytes: int = 0
    embedding_type: str = ""
    tied: bool = False
    merges: int = 0
