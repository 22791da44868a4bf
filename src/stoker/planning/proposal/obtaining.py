"""How another quantization of a model can be had: made here, taken from its source, or looked for.

Pure. What is at hand goes before what somebody would have to find.
"""

from __future__ import annotations

from collections.abc import Sequence

from stoker.planning.proposal.quantizations import LADDER, Quantized

# What Stoker makes, and what from: of eight bits the rest can still be made without much more loss.
MADE_HERE = ("Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0")
WHOLE = frozenset({"F32", "F16", "BF16"})
_MADE_FROM = WHOLE | {"Q8_0"}
LISTED, COMPARED = "listed at the source", "compared here"


def ladder_of(quantization: str, *, here: bool) -> tuple[str, ...]:
    """The quantizations to think of for a file called so, with those that can be made of it."""
    made = MADE_HERE if here and quantization in _MADE_FROM else ()
    return (*LADDER, *(one for one in made if one not in LADDER))


def is_at_hand(wanted: Quantized, quantization: str, *, here: bool) -> bool:
    """Whether there is such a file, or Stoker makes it of the one called `quantization`."""
    return wanted.source in {LISTED, COMPARED} or _is_made(wanted, quantization, here=here)


def how_to_have(wanted: Quantized, quantization: str, source: str, *, here: bool) -> str:
    """How to have it, in words; nothing where its source lists it."""
    if _is_made(wanted, quantization, here=here):
        rest = "" if quantization in WHOLE else f", of {quantization} and so a little worse"
        return f"`stoker quantize {source} --to {wanted.name.lower()}`{rest}"
    if wanted.source in {LISTED, COMPARED}:
        return ""
    return "Stoker cannot make it of this file: look for one where the model came from"


def at_hand_first(
    found: Sequence[Quantized], quantization: str, *, here: bool
) -> tuple[Quantized, ...]:
    """Those that are at hand and then the others, each in their order."""
    return tuple(sorted(found, key=lambda one: not is_at_hand(one, quantization, here=here)))


def _is_made(wanted: Quantized, quantization: str, *, here: bool) -> bool:
    return here and quantization in _MADE_FROM and wanted.name in MADE_HERE
