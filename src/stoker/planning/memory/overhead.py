"""What a worker takes beyond what its engine counts: by formula where there is one, else measured.

The figures of the process were fitted to workers of this version (Linux, x86-64, Python 3.11, one
thread): 16 llama-like models of 4 to 132 MB of weights and the 0.5B shape, vocabularies of 1024 to
151936 tokens, up to 200,000 merges, 1 to 16 slots and 512 to 16384 tokens of context, each when it
had loaded and when every slot was full. The fit leaves 0.5 % of the resident memory at the median,
1.7 % at worst. `benchmarks/planner.py` holds them against other models.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.model import AttentionKind, ModelFacts, Task
from stoker.core.plan import Plan
from stoker.planning.memory.batches import outputs_max, step_tokens
from stoker.planning.memory.cache import layer_rows_bytes, state_bytes
from stoker.planning.memory.tape import FLOAT_BYTES

# Code, Python, the server and its threads; then for each token of the vocabulary, each merge of the
# tokenizer, each slot, and each token of context: empty, and once it has been in use.
PROCESS_BYTES = 36_600_000
TOKEN_BYTES = 218
MERGE_BYTES = 190
SLOT_BYTES_EMPTY, SLOT_BYTES = 47_000, 214_000
CELL_BYTES_EMPTY, CELL_BYTES = 58, 314
# The processor's kernels quantize what they multiply: the widest row of a step, and other scratch.
WORK_BYTES = 1.5 * 34 / 32
# Of the compute buffer the engine reserves, but never touches with text: two vectors a token.
UNTOUCHED_VECTORS = 2
# A body, and the text that is made of it.
HELD_TIMES = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much may wait in the gateway for one model: requests, and the bytes of each body."""

    requests: int
    body_bytes: int


def output_bytes(plan: Plan) -> int:
    """The engine's buffer of logits, and of vectors where the model embeds, in bytes.

    A generating server wants one row for each slot; an embedding server keeps a row for each
    token of a batch, from its first full batch on.
    """
    return max(outputs_max(plan), plan.slots) * _output_row_bytes(plan.model.facts)


def output_bytes_empty(plan: Plan) -> int:
    """The same when the model has loaded."""
    return plan.slots * _output_row_bytes(plan.model.facts)


def checkpoint_bytes(plan: Plan) -> int:
    """What a server may keep of states that cannot be turned back, in bytes.

    All slots' windows and recurrent states, as often as the plan allows.
    """
    facts = plan.model.facts
    window = min(facts.window, plan.context)
    windows = sum(
        layer_rows_bytes(plan, layer)
        for layer in range(facts.layout.kv_layers or facts.layers)
        if facts.attention[layer] is AttentionKind.WINDOWED
    )
    return plan.checkpoints * (plan.slots * window * windows + state_bytes(plan))


def queue_bytes(waiting: Waiting) -> int:
    """What requests that wait hold in the gateway at most, in bytes; it is not the worker's."""
    return waiting.requests * waiting.body_bytes * HELD_TIMES


def process_bytes(plan: Plan) -> int:
    """The worker's process when every slot has been in use, in bytes."""
    tokens = plan.context * plan.slots
    work = WORK_BYTES * step_tokens(plan) * _widest(plan.model.facts)
    return (
        _program_bytes(plan.model.facts)
        + plan.slots * SLOT_BYTES
        + tokens * CELL_BYTES
        + round(work)
    )


def process_bytes_empty(plan: Plan) -> int:
    """The same when the model has loaded and answered once."""
    tokens = plan.context * plan.slots
    return (
        _program_bytes(plan.model.facts) + plan.slots * SLOT_BYTES_EMPTY + tokens * CELL_BYTES_EMPTY
    )


def untouched_bytes(plan: Plan) -> int:
    """The part of the compute buffer that no text ever touches, in bytes."""
    length = plan.model.facts.embedding_length
    return UNTOUCHED_VECTORS * FLOAT_BYTES * length * step_tokens(plan)


def _output_row_bytes(facts: ModelFacts) -> int:
    vectors = facts.embedding_length if facts.task is Task.EMBED else 0
    return FLOAT_BYTES * (facts.vocabulary + vectors)


def _program_bytes(facts: ModelFacts) -> int:
    return PROCESS_BYTES + TOKEN_BYTES * facts.vocabulary + MERGE_BYTES * facts.layout.merges


def _widest(facts: ModelFacts) -> int:
    """The longest row that goes through a matrix."""
    layout = facts.layout
    experts = layout.expert_ffn * facts.experts_used
    return max((facts.embedding_length, experts, 2 * layout.inner, *layout.ffn))
