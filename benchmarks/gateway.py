"""What the gateway costs: through it, against straight to the worker's socket.

    python benchmarks/gateway.py [--quick]

Time to first byte: `stoker serve starter`, one answer of one token, over a connection that is open
already on both sides.
Processor time: the same service with the stub engine, 8 streams of 500 tokens a second each, so
that each token comes alone and nothing but the passing on is measured; beside it a process that
only copies bytes. Throughput: 8 streams at once, as fast as the engine can: a model in the shape of
a 0.5B one, for which the limit is meant, and the starter, a hundred times faster than that.
"""

from __future__ import annotations

import json
import operator
from dataclasses import replace

from harness import AT_LEAST, AT_MOST, Result, Row, main, median, pairwise
from models import half_b
from service import (
    Running,
    connect,
    first_answer_s,
    model_service,
    post,
    processor_s,
    splice,
    stub_service,
    together_s,
)
from stoker.core.model import ModelRef
from stoker.core.request import Kind, Message, Request, Role, Sampling
from stoker.engines.base import Engine
from stoker.engines.registry import find_engine
from stoker.testing.stub import StubEngine

STREAMS = 8
STUB_TOKENS = 500
TOKEN_S = 0.002
ENDPOINT = "/v1/chat/completions"


def measure(quick: bool) -> Result:
    with model_service("starter", STREAMS) as running:
        rows = first_byte(running, 100 if quick else 400)
        fastest = throughput(running, "starter", 3 if quick else 11, tokens=256)
    behaviour = {"tokens": STUB_TOKENS, "token_s": TOKEN_S}
    with stub_service(STREAMS, behaviour) as running, splice(running.worker) as copier:
        rows += processor(running, copier, 3 if quick else 11)
    with half_b() as path, model_service(f"half={path}", STREAMS) as running:
        flow = throughput(running, "half", 3 if quick else 11, tokens=16)
    asked = replace(flow, sense=AT_LEAST, limit=0.97)
    return Result("gateway", "without", [*rows, asked, fastest], notes=NOTES)


NOTES = [
    "time to first byte: the starter model, one answer at a time, the connection open already",
    f"processor time: the stub engine, {STREAMS} streams of at most {1 / TOKEN_S:.0f} tokens/s",
    "without, for the processor time: a process that only copies bytes",
    f"throughput: {STREAMS} streams at once, unpaced",
    "engine, gateway and client share the machine's cores",
]


def requests(engine: Engine, name: str, tokens: int, *, keep: bool = False) -> tuple[bytes, bytes]:
    """The client's request, and the one that the gateway makes of it for the worker."""
    ask = Request(
        id="bench",
        model=ModelRef(name),
        kind=Kind.CHAT,
        messages=(Message(Role.USER, "What is the refund policy?"),),
        sampling=Sampling(temperature=0.0, max_tokens=tokens),
    )
    body = {
        "model": name,
        "messages": [{"role": "user", "content": ask.messages[0].content}],
        "temperature": 0.0,
        "max_tokens": tokens,
        "stream": True,
    }
    wire = engine.translate(ask)
    ours = post(ENDPOINT, json.dumps(body).encode(), keep=keep)
    return ours, post(wire.path, wire.body, keep=keep)


def first_byte(running: Running, pairs: int) -> list[Row]:
    """Added time to first byte, in milliseconds."""
    ours, bare = requests(find_engine("llamacpp"), "starter", 1, keep=True)
    through, straight = [], []
    with connect(running.door) as door:
        for _ in range(pairs):
            through.append(first_answer_s(door, ours) * 1e3)
            with connect(running.worker) as worker:  # the engine may close one that it has used
                straight.append(first_answer_s(worker, bare) * 1e3)
    added = pairwise(through, straight, operator.sub)
    limit = ("ms", AT_MOST, 0.6)
    return [Row("time to first byte, added, p50", median(through), median(straight), added, *limit)]


def processor(running: Running, copier: Running, rounds: int) -> list[Row]:
    """Processor time a token in microseconds, and how often the raw copy's."""
    ours, bare = requests(StubEngine(), "stub", STUB_TOKENS)
    gateway, raw = [], []
    for _ in range(rounds):
        gateway.append(token_us(running, ours))
        raw.append(token_us(copier, bare))
    return [
        Row("processor time a token", median(gateway), None, median(gateway), "us", AT_MOST, 35),
        Row(
            "processor time against a raw copy",
            median(gateway),
            median(raw),
            pairwise(gateway, raw, operator.truediv),
            "times",
            AT_MOST,
            1.5,
        ),
    ]


def token_us(target: Running, request: bytes) -> float:
    """Microseconds of `target`'s processor time for one token passed on."""
    before = processor_s(target.pid)
    together_s(target.door, request, STREAMS)
    return (processor_s(target.pid) - before) / (STREAMS * STUB_TOKENS) * 1e6


def throughput(running: Running, name: str, rounds: int, tokens: int) -> Row:
    """Tokens a second of 8 streams of the model `name` together."""
    ours, bare = requests(find_engine("llamacpp"), name, tokens)
    through, straight = [], []
    for turn in range(rounds):
        sides = [(through, running.door, ours), (straight, running.worker, bare)]
        for rates, address, request in sides[:: 1 if turn % 2 else -1]:
            rates.append(STREAMS * tokens / together_s(address, request, STREAMS))
    ratio = pairwise(through, straight, operator.truediv)
    what = f"throughput of {name}, {STREAMS} streams, tokens/s"
    return Row(what, median(through), median(straight), ratio, "")


if __name__ == "__main__":
    main(measure, __doc__)
