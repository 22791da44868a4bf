"""The tokenizer: byte-level BPE, trained on the generated text, and the chat form.

Owns the vocabulary, the special tokens and the ChatML layout. It does not know how rows are
packed.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from training.text.case import Case
from training.text.stream import training_stream

VOCAB_SIZE = 2048
END_OF_TEXT, TURN_START, TURN_END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIALS = (END_OF_TEXT, TURN_START, TURN_END)
SAMPLE_CASES = 40_000
# The pre-tokenizer the engine calls "qwen2": digits stand alone, so numbers are read by digit.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|"
    ">' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|"
    ">assistant\\n' }}"
    "{% endif %}"
)


def sample_texts() -> Iterator[str]:
    """Questions and answers of the start of the training stream."""
    for case in itertools.islice(training_stream(), SAMPLE_CASES):
        for turn in case.turns:
            yield turn.question
            yield turn.answer


def train_tokenizer() -> Tokenizer:
    """A tokenizer trained on the sample; the same text gives the same vocabulary."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=list(SPECIALS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample_texts(), trainer)
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer a run has written."""
    return Tokenizer.from_file(str(path))


def chat_pieces(case: Case) -> list[tuple[str, bool]]:
    """The conversation as (text, learned): only what the assistant says is learned."""
    pieces: list[tuple[str, bool]] = []
    if case.system:
        pieces.append((f"{TURN_START}system\n{case.system}{TURN_END}\n", False))
    for turn in case.turns:
        pieces.append(
            (f"{TURN_START}user\n{turn.question}{TURN_END}\n{TURN_START}assistant\n", False)
        )
        pieces.append((turn.answer + TURN_END, True))
        pieces.append(("\n", False))
    return pieces


def prompt_text(messages: list[dict[str, str]]) -> str:
    """What the chat template makes of the messages, ready for the answer."""
    turns = "".join(f"{TURN_START}{m['role']}\n{m['content']}{TURN_END}\n" for m in messages)
    return f"{turns}{TURN_START}assistant\n"
