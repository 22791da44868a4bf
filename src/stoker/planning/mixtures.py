"""How many bytes a model takes in each quantization, from its shape and what mixtures are made of.

Pure. Files called `Q4_K_M` are mixtures: most matrices have one number format, and some that matter
more have a wider one, as llama.cpp's quantizer chooses. Rows that no block of 256 divides get a
wider format yet, which is why small models shrink less than their names say. Which quantizations
are worth offering is `quantizations`'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from stoker.core.model import AttentionKind, ModelFacts
from stoker.core.published import ModelShape
from stoker.core.weights import Use

# Bits of one weight by the format's own layout: bytes of a block over its weights.
FORMAT_BITS = {
    "F32": 32.0,
    "F16": 16.0,
    "BF16": 16.0,
    "Q8_0": 8.5,
    "Q6_K": 6.5625,
    "Q5_1": 6.0,
    "Q5_0": 5.5,
    "Q5_K": 5.5,
    "Q4_1": 5.0,
    "Q4_0": 4.5,
    "Q4_K": 4.5,
    "IQ4_NL": 4.5,
    "IQ4_XS": 4.25,
    "MXFP4": 4.25,
    "Q3_K": 3.4375,
    "IQ3_S": 3.4375,
    "IQ3_XXS": 3.0625,
    "Q2_K": 2.625,
    "IQ2_S": 2.5625,
    "IQ2_XS": 2.3125,
    "IQ2_XXS": 2.0625,
    "IQ1_M": 1.75,
    "IQ1_S": 1.5625,
    "TQ2_0": 2.0625,
    "TQ1_0": 1.6875,
}
# Formats whose blocks have 32 weights, or one; all others have 256.
_SHORT = frozenset(
    {*("F32", "F16", "BF16", "Q8_0", "Q5_0", "Q5_1", "Q4_0", "Q4_1", "IQ4_NL", "MXFP4")}
)
# What a matrix gets whose rows are no whole blocks of 256.
_INSTEAD = {"Q6_K": "Q8_0", "Q5_K": "Q5_1", "Q4_K": "Q5_0"}
_NARROW_INSTEAD = "IQ4_NL"
# What models of these names are trained and published in: other forms gain nothing.
_NATIVE = {"gpt-oss": "MXFP4"}
_SEVERAL_HEADS = 4
# A token's text, its merge and their lengths in a header, about.
_TOKEN_BYTES = 60
_BITS = 8

Rule = Callable[[int, int], bool]


def _everywhere(_layer: int, _layers: int) -> bool:
    return True


def _where_it_matters(layer: int, layers: int) -> bool:
    """The first and last eighth of the layers, and every third between."""
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2


def _first_eighth(layer: int, layers: int) -> bool:
    return layer < layers // 8


def _first_sixteenth(layer: int, layers: int) -> bool:
    return layer < layers // 16


def _first_two(layer: int, _layers: int) -> bool:
    return layer < 2


Wider = tuple[tuple[str, Rule], ...]


@dataclass(frozen=True, slots=True)
class _Mixture:
    """The formats of one quantization: of most matrices, and of those that are kept wider.

    `value` of the attention's values, `down` of the feed-forward part's last matrix, `outward` of
    the attention's last one, `fused` where queries, keys and values are one matrix. `few_heads` is
    for values that fewer than four heads share.
    """

    body: str
    output: str = "Q6_K"
    lookup: str = ""
    value: Wider = ()
    few_heads: Wider | None = None
    down: Wider = ()
    outward: str = ""
    fused: str = ""


_MIXTURES = {
    "MXFP4": _Mixture("Q8_0", "Q8_0"),
    "Q6_K": _Mixture("Q6_K"),
    "Q5_K_M": _Mixture(
        "Q5_K",
        value=(("Q6_K", _where_it_matters),),
        down=(("Q6_K", _where_it_matters),),
        fused="Q6_K",
    ),
    "Q4_K_M": _Mixture(
        "Q4_K",
        value=(("Q6_K", _where_it_matters),),
        down=(("Q6_K", _where_it_matters),),
        fused="Q5_K",
    ),
    "Q3_K_M": _Mixture(
        "Q3_K",
        value=(("Q5_K", _first_two), ("Q4_K", _everywhere)),
        down=(("Q5_K", _first_sixteenth), ("Q4_K", _everywhere)),
        outward="Q4_K",
        fused="Q4_K",
    ),
    "Q2_K": _Mixture(
        "Q2_K",
        value=(("Q4_K", _everywhere),),
        few_heads=(("Q3_K", _everywhere),),
        down=(("Q3_K", _everywhere),),
        outward="Q3_K",
    ),
    "IQ2_XXS": _Mixture(
        "IQ2_XXS",
        output="Q5_K",
        lookup="Q2_K",
        value=(("Q4_K", _everywhere),),
        few_heads=(("Q2_K", _everywhere),),
        down=(("Q2_K", _first_eighth),),
    ),
    # As `stoker quantize` makes them.
    **{kind: _Mixture(kind, "Q8_0", "Q8_0") for kind in ("Q5_1", "Q5_0", "Q4_1", "Q4_0")},
    **{kind: _Mixture(kind, kind) for kind in ("Q8_0", "F16", "BF16", "F32")},
}


@dataclass(frozen=True, slots=True)
class Matrices:
    """The weights of one model by what mixtures tell apart, in elements; lengths of their rows.

    `value`, `down` and `outward` are of each of `layers`, `body` and `experts` of all together and
    with them. `shared_by` is how many heads look at one value. `fused` says that queries, keys and
    values are one matrix, which `value` then is. `other_bytes` never shrink: vectors, and the
    header with its vocabulary.
    """

    layers: int
    row: int
    body: int
    output: int
    lookup: int = 0
    experts: int = 0
    value: int = 0
    down: int = 0
    down_row: int = 0
    expert_down: int = 0
    outward: int = 0
    outward_row: int = 0
    shared_by: int = 1
    fused: bool = False
    other_bytes: int = 0


def type_of(name: str) -> str:
    """The type that most weights have in files called `name`: `Q4_K` for `Q4_K_M`."""
    word = name.upper().removeprefix("UD-")
    while word and word not in FORMAT_BITS:
        word = word.rpartition("_")[0]
    return word or name.upper()


def embedding_type_of(name: str) -> str:
    """The type that the output matrix has in such files: mixtures keep it in six bits."""
    return "Q6_K" if "_K_" in name.upper() else type_of(name)


def native_of(name: str) -> str | None:
    """What models of that name or architecture were trained and published in, where it is known."""
    return next((kind for start, kind in _NATIVE.items() if name.lower().startswith(start)), None)


def bytes_in(name: str, matrices: Matrices) -> int | None:
    """The bytes of a file called `name` of such a model; None for a mixture that nobody knows."""
    mixture = _MIXTURES.get(name.upper())
    if mixture is None:
        return None
    bits = sum(count * _bits(kind, row) for kind, count, row in _stored(mixture, name, matrices))
    return round(bits / _BITS) + matrices.other_bytes


def matrices_of(facts: ModelFacts) -> Matrices | None:
    """The matrices of the model with `facts`; None where its header says too little of them."""
    counts = dict.fromkeys(Use, 0)
    for one in facts.uses:
        counts[one.use] += one.elements if one.format != "F32" else 0
    kv_heads = max(facts.kv_heads, default=0)
    if not counts[Use.BODY] or not facts.layers or not facts.embedding_length:
        return None
    latent = AttentionKind.LATENT in facts.attention
    matrices = sum(one.size_bytes for one in facts.uses if one.format != "F32")
    read = bool(facts.tokenizer)  # else there is no header whose size could be told
    left = facts.file_bytes - matrices if read else facts.vocabulary * _TOKEN_BYTES
    found = _matrices(
        counts,
        (facts.layers, facts.embedding_length, max(facts.layout.ffn, default=0)),
        (facts.heads, 0 if latent else kv_heads, facts.head_length_v),
        fused=facts.architecture == "phi3",
        experts=facts.experts > 0,
    )
    return replace(found, other_bytes=max(0, left))


def matrices_of_shape(shape: ModelShape) -> Matrices:
    """The matrices of a well-known model."""
    vectors = shape.vocabulary * shape.hidden
    tied = "tied embeddings" in shape.note
    experts = 3 * shape.layers * (shape.experts or 0) * shape.hidden * shape.ffn
    rest = shape.parameters - (vectors if tied else 2 * vectors)
    experts = min(experts, rest)
    counts = {
        Use.BODY: rest - experts,
        Use.EXPERT: experts,
        Use.OUTPUT: vectors,
        Use.LOOKUP: 0 if tied else vectors,
    }
    found = _matrices(
        counts,
        (shape.layers, shape.hidden, shape.ffn),
        (shape.heads, shape.kv_heads or 0, shape.head_dim or shape.hidden // shape.heads),
        fused=shape.name.lower().startswith("phi-4"),
        experts=bool(shape.experts),
    )
    return replace(found, other_bytes=shape.vocabulary * _TOKEN_BYTES)


def _matrices(
    counts: dict[Use, int],
    sizes: tuple[int, int, int],
    heads: tuple[int, int, int],
    *,
    fused: bool,
    experts: bool,
) -> Matrices:
    """Of layers, their vectors' and feed-forward lengths; of heads, those of values, a length."""
    layers, hidden, ffn = sizes
    asking, kept, length = heads
    value = hidden * length * (asking + 2 * kept if fused else kept)
    down = 0 if experts else hidden * ffn
    outward = hidden * length * asking if kept else 0
    if layers * (value + down + outward) > counts[Use.BODY]:  # layers of another kind
        value = down = outward = 0
    return Matrices(
        layers=layers,
        row=hidden,
        body=counts[Use.BODY],
        output=counts[Use.OUTPUT],
        lookup=counts[Use.LOOKUP],
        experts=counts[Use.EXPERT],
        value=value,
        down=down,
        down_row=ffn,
        expert_down=counts[Use.EXPERT] // 3 // layers,
        outward=outward,
        outward_row=length * asking,
        shared_by=asking // kept if kept else 1,
        fused=fused,
    )


def _stored(mixture: _Mixture, name: str, of: Matrices) -> Iterator[tuple[str, int, int]]:
    """Each format with so many weights in rows so long."""
    expert = type_of(name)
    yield mixture.output, of.output, of.row
    yield mixture.lookup or mixture.body, of.lookup, of.row
    several = of.shared_by >= _SEVERAL_HEADS or mixture.few_heads is None
    value = mixture.value if several else mixture.few_heads or ()
    if of.fused:
        value = ((mixture.fused, _everywhere),) if mixture.fused else ()
    for layer in range(of.layers):
        yield _kind(value, mixture.body, layer, of.layers), of.value, of.row
        yield _kind(mixture.down, mixture.body, layer, of.layers), of.down, of.down_row
        yield _kind(mixture.down, expert, layer, of.layers), of.expert_down, of.down_row
        yield mixture.outward or mixture.body, of.outward, of.outward_row
    body = of.body - of.layers * (of.value + of.down + of.outward)
    yield mixture.body, max(0, body), of.row
    yield expert, of.experts - of.layers * of.expert_down, of.row


def _kind(wider: Wider, body: str, layer: int, layers: int) -> str:
    return next((kind for kind, rule in wider if rule(layer, layers)), body)


def _bits(kind: str, row: int) -> float:
    """Bits of a weight of that format in rows so long."""
    if kind not in _SHORT and row % 256:
        kind = _INSTEAD.get(kind, _NARROW_INSTEAD)
    return FORMAT_BITS[kind]
