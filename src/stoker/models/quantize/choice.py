"""Which type each tensor of a smaller file gets. Pure; reading and writing are elsewhere.

Small or delicate tensors stay as they are; embeddings and the output matrix keep eight bits where
the rest gets four or five, since errors there reach every token.
"""

from __future__ import annotations

from dataclasses import dataclass

from stoker.core.errors import InvalidRequestError, UnsupportedModelError

# The values of `general.file_type` that llama.cpp gives these mixtures.
FILE_TYPES = {
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q8_0": 7,
    "Q5_0": 8,
    "Q5_1": 9,
    "BF16": 32,
}
FLOATS = frozenset({"F32", "F16", "BF16", "F64"})
_INTEGERS = frozenset({"I8", "I16", "I32", "I64"})
_FOUR_OR_FIVE_BITS = frozenset({"Q4_0", "Q4_1", "Q5_0", "Q5_1"})
_WIDE = frozenset({"token_embd.weight", "output.weight"})
_DELICATE = ("norm", "ffn_gate_inp", "position_embd", "token_types", "ssm_conv1d", "rope_freqs")
_BLOCK = 32


@dataclass(frozen=True, slots=True)
class Choice:
    """The type a tensor gets, and whether it is one that it got because its rows do not divide."""

    kind: str
    fallback: bool = False


def parse_type(text: str) -> str:
    """The type that `text` names, in capitals.

    Raises:
        UnsupportedModelError: it is one that cannot be made here.
        InvalidRequestError: there is no such type.
    """
    name = text.upper()
    if name in FILE_TYPES:
        return name
    known = ", ".join(sorted(kind.lower() for kind in FILE_TYPES))
    if name.endswith(("_K", "_K_S", "_K_M", "_K_L")) or name.startswith(("IQ", "TQ")):
        raise UnsupportedModelError(
            f"{text} needs a native `llama-quantize`, which Stoker does not have yet",
            hint=f"choose one of {known}.",
        )
    raise InvalidRequestError(f"There is no type {text} to make", hint=f"choose one of {known}.")


def choose(name: str, shape: tuple[int, ...], kind: str, target: str) -> Choice:
    """What the tensor `name` of type `kind` becomes; `shape` has the length of a row first."""
    if _stays(name, shape, kind):
        return Choice(kind)
    wanted = "Q8_0" if target in _FOUR_OR_FIVE_BITS and name in _WIDE else target
    if wanted not in FLOATS and shape[0] % _BLOCK:
        return Choice(kind if kind == "BF16" else "F16", fallback=True)
    return Choice(wanted)


def _stays(name: str, shape: tuple[int, ...], kind: str) -> bool:
    if kind in _INTEGERS or len([size for size in shape if size > 1]) < 2:
        return True
    return not name.endswith(".weight") or any(part in name for part in _DELICATE)
