"""What is measured: synthetic shapes in number formats, and what is asked of each.

Pure. Shapes differ in what the terms of a fit are about: wide and shallow, narrow and deep with
many words, with as many keys as queries, with experts. All are larger than a processor's cache, but
the one for a single thread.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.core.weights import Use, WeightUse
from stoker.models.gguf.types import TENSOR_TYPES
from stoker.models.synthetic.write import Shape
from stoker.planning.speed.work import Work, work_of

CONTEXT = 4096
SHAPES = {
    "wide": Shape(4, 2048, 16, 8, 5632, 16384, CONTEXT),
    "deep": Shape(20, 768, 12, 4, 2048, 4096, CONTEXT),
    "tall": Shape(20, 1024, 16, 4, 2816, 4096, CONTEXT),
    "equal": Shape(8, 1024, 16, 16, 2816, 65536, CONTEXT),
    "experts": Shape(8, 768, 12, 4, 1024, 8192, CONTEXT, experts=8, experts_used=2),
    "small": Shape(4, 512, 8, 4, 1536, 4096, CONTEXT),
}
COMMON = ("F16", "Q8_0", "Q4_K", "Q4_0", "Q6_K")
OTHERS = (
    *("BF16", "Q5_K", "Q3_K", "Q2_K", "Q5_0", "Q5_1", "Q4_1"),
    *("IQ4_NL", "IQ4_XS", "IQ3_S", "IQ3_XXS", "IQ2_XS", "MXFP4"),
)
TWO_KINDS = ("Q8_0", "Q4_K")
EXPERT_KINDS = ("Q8_0", "Q4_K", "MXFP4")
# Formats so narrow that a processor's cache would hold much of the deep shape: they get the tall.
NARROW = frozenset(
    {
        *("Q4_K", "Q4_0", "Q3_K", "Q2_K", "IQ4_NL", "IQ4_XS"),
        *("IQ3_S", "IQ3_XXS", "IQ2_XS", "MXFP4"),
    }
)
SMALL_THREADS = 1


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing to time: `streams` answers at a time, of `answer` tokens each after a prompt."""

    prompt: int
    answer: int
    streams: int = 1


SHORT, MIDDLE, LONG, FAR = Ask(64, 40), Ask(300, 32), Ask(512, 32), Ask(2000, 32)
TWO, FOUR, EIGHT, FOUR_FAR = Ask(16, 40, 2), Ask(16, 40, 4), Ask(16, 40, 8), Ask(700, 40, 4)


@dataclass(frozen=True, slots=True)
class TimedModel:
    """One synthetic model, run with `threads`; 0 means the calibration's own number.

    It is loaded in so many `rounds`, and in `together_rounds` for what is asked `together`; `cold`
    says that its load from the disk is timed.
    """

    shape: str
    format: str
    asks: tuple[Ask, ...] = ()
    rounds: int = 2
    together: tuple[Ask, ...] = ()
    together_rounds: int = 1
    cold: bool = False
    threads: int = 0

    @property
    def name(self) -> str:
        """A name for the file and for people."""
        return f"{self.shape}-{self.format}"

    @property
    def work(self) -> Work:
        """What its steps read and compute."""
        return work_of(facts_of(SHAPES[self.shape], self.format))

    @property
    def file_bytes(self) -> int:
        """The size of its weights."""
        return sum(one.size_bytes for one in self.work.uses)


def subjects(*, quick: bool) -> tuple[TimedModel, ...]:
    """All that is measured; a quick calibration leaves most formats to borrowing."""
    every = (TWO, FOUR, EIGHT)
    common = [
        TimedModel("wide", kind, (SHORT, LONG), together=every, cold=kind in {"F16", "Q8_0"})
        for kind in COMMON
    ]
    common += [TimedModel(_second(kind), kind, (SHORT, MIDDLE)) for kind in COMMON]
    common += [TimedModel("equal", kind, (SHORT, FAR)) for kind in TWO_KINDS]
    common += [TimedModel("small", "Q8_0", (SHORT, MIDDLE), rounds=1, threads=SMALL_THREADS)]
    if quick:
        return (*common, TimedModel("deep", "Q8_0", together=(FOUR,)))
    more = [TimedModel("wide", kind, (SHORT, MIDDLE), together=(FOUR,)) for kind in OTHERS]
    more += [TimedModel(_second(kind), kind, (SHORT, MIDDLE), rounds=1) for kind in OTHERS]
    more += [
        TimedModel("experts", kind, (SHORT, MIDDLE), together=(TWO, FOUR)) for kind in EXPERT_KINDS
    ]
    more += [
        TimedModel("equal", "F16", (SHORT, MIDDLE), cold=True),
        TimedModel("deep", "Q8_0", together=every),
        TimedModel("tall", "Q4_K", together=(*every, FOUR_FAR)),
        TimedModel("wide", "Q4_K", (FAR,), rounds=1),
        TimedModel("tall", "Q4_K", (FAR,), rounds=1),
        TimedModel("small", "Q4_K", (SHORT, MIDDLE), rounds=1, threads=SMALL_THREADS),
    ]
    return (*common, *more)


def _second(kind: str) -> str:
    """The shape, besides the wide one, that a format is timed in."""
    return "tall" if kind in NARROW else "deep"


def facts_of(shape: Shape, kind: str) -> ModelFacts:
    """What the header of the model of `shape` in the format `kind` will state."""
    head = shape.hidden // shape.heads
    body = shape.layers * (
        2 * shape.hidden * shape.hidden + 2 * shape.hidden * head * shape.kv_heads
    )
    fed = 3 * shape.layers * shape.hidden * shape.ffn
    uses = [(Use.OUTPUT, shape.vocabulary * shape.hidden)]
    if shape.experts:
        uses += [(Use.BODY, body), (Use.EXPERT, fed * shape.experts)]
    else:
        uses += [(Use.BODY, body + fed)]
    grouped = AttentionKind.GROUPED if shape.kv_heads < shape.heads else AttentionKind.FULL
    return ModelFacts(
        architecture="llama",
        parameters=sum(count for _, count in uses),
        quantization=kind,
        file_bytes=sum(_bytes(count, kind) for _, count in uses),
        context_length=shape.context,
        layers=shape.layers,
        embedding_length=shape.hidden,
        vocabulary=shape.vocabulary,
        task=Task.GENERATE,
        chat_template=True,
        attention=(grouped,) * shape.layers,
        heads=shape.heads,
        kv_heads=(shape.kv_heads,) * shape.layers,
        head_length_k=head,
        head_length_v=head,
        experts=shape.experts,
        experts_used=shape.experts_used,
        uses=tuple(WeightUse(use, kind, count, _bytes(count, kind)) for use, count in uses),
    )


def _bytes(elements: int, kind: str) -> int:
    stored = _TYPES[kind]
    return elements // stored.block * stored.block_bytes


_TYPES = {one.name: one for one in TENSOR_TYPES.values()}
