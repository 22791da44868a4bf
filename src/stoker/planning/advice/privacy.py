"""What is said where nobody stated whether data may leave. Pure.

Advice then goes on as if it might, for most prototypes may; but never in silence.
"""

from __future__ import annotations

from stoker.core.advice import Answer
from stoker.planning.advice.changes import RESULTS

ASSUMED = "data may go anywhere"


def say_assumed(stays: Answer) -> str:
    """That the boundary was assumed, and `stays`, the answer if data had to stay."""
    return (
        f"Nobody said where data may go: this assumes anywhere. If it had to stay on this machine: "
        f"{RESULTS[stays]}."
    )
