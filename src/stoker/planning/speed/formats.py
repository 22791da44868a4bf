"""Number formats that an engine multiplies in the same way, and which of them stand for others.

Pure. A family is what a speed is measured for. One without a measurement borrows from its nearest
relative that has one, and the interval grows by what such a guess was seen to err by.
"""

from __future__ import annotations

from collections.abc import Collection

# The engine has one kernel for each format; those of a family differ by how they store scales.
_FAMILIES = {
    "F32": "f32",
    "F16": "f16",
    "BF16": "bf16",
    "Q8_0": "q8_0",
    "Q5_0": "q5",
    "Q5_1": "q5_1",
    "Q4_0": "q4_0",
    "Q4_1": "q4_1",
    "Q6_K": "q6_k",
    "Q5_K": "q5_k",
    "Q4_K": "q4_k",
    "Q3_K": "q3_k",
    "Q2_K": "q2_k",
    "IQ4_NL": "iq4_nl",
    "IQ4_XS": "iq4_xs",
    "IQ3_S": "iq3_s",
    "IQ3_XXS": "iq3_xxs",
    "IQ2_S": "iq2_s",
    "IQ2_XS": "iq2_xs",
    "IQ2_XXS": "iq2_xxs",
    "IQ1_S": "iq1",
    "IQ1_M": "iq1",
    "TQ1_0": "ternary",
    "TQ2_0": "ternary",
    "MXFP4": "mxfp4",
    "NVFP4": "mxfp4",
}
# The nearest first: by the width of the weights and the way they are unpacked.
_RELATIVES = {
    "f32": ("f16", "bf16"),
    "f16": ("bf16", "q8_0"),
    "bf16": ("f16", "q8_0"),
    "q8_0": ("q6_k", "q5"),
    "q5": ("q5_k", "q5_1", "q6_k"),
    "q5_1": ("q4_1", "q5"),
    "q4_0": ("iq4_nl", "q4_k", "q4_1"),
    "q4_1": ("q5_1", "q5", "q4_k"),
    "q6_k": ("q5_k", "q4_k"),
    "q5_k": ("q6_k", "q4_k"),
    "q4_k": ("q5_k", "q6_k", "q4_0"),
    "q3_k": ("q2_k", "q4_k", "q5_k"),
    "q2_k": ("q3_k", "q4_k"),
    "iq4_nl": ("q4_0", "iq4_xs", "q4_k"),
    "iq4_xs": ("iq4_nl", "q4_k"),
    "iq3_s": ("iq2_s", "iq3_xxs", "q3_k"),
    "iq3_xxs": ("iq2_xxs", "iq2_xs", "iq3_s", "q3_k"),
    "iq2_s": ("iq2_xs", "iq3_xxs", "q2_k"),
    "iq2_xs": ("iq2_s", "iq2_xxs", "iq3_xxs", "q2_k"),
    "iq2_xxs": ("iq3_xxs", "iq2_xs", "q2_k"),
    "iq1": ("iq2_xxs", "iq2_xs", "iq3_xxs"),
    "ternary": ("q2_k", "q4_k"),
    "mxfp4": ("iq4_nl", "q4_0", "q4_k"),
}
# Families that are unpacked row by row, in blocks of 256 with scales in two steps: each row costs a
# little, whatever its length. Of the others several rows go together, or blocks are short.
BY_ROWS = frozenset(
    {
        *("q6_k", "q5_k", "q3_k", "q2_k", "iq4_xs"),
        *("iq3_s", "iq3_xxs", "iq2_s", "iq2_xs", "iq2_xxs", "iq1"),
    }
)


def format_family(number_format: str) -> str:
    """The family of a format as files name it; `unknown` for one that no file had yet."""
    return _FAMILIES.get(number_format.upper(), "unknown")


def families() -> tuple[str, ...]:
    """All families, the widest weights first."""
    return tuple(dict.fromkeys(_FAMILIES.values()))


def lender_of(family: str, measured: Collection[str]) -> str | None:
    """`family` itself if it is among `measured`, else its nearest relative there, else None.

    Relatives' relatives count too, after them.
    """
    asked, seen = [family], {family}
    for one in asked:  # grows while it is gone through
        if one in measured:
            return one
        new = [relative for relative in _RELATIVES.get(one, ()) if relative not in seen]
        asked += new
        seen.update(new)
    return None
