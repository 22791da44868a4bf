"""Which machines published speeds are of, and what makers state of how their GPUs multiply."""

from __future__ import annotations

from functools import cache

from stoker.published.tables import read_csv


@cache
def load_hardware() -> dict[str, str]:
    """By the hardware that a published speed names: its GPU, or its processor's preset."""
    return {row["hardware"]: row["device"] for row in read_csv("hardware.csv")}


@cache
def load_compute() -> dict[str, float]:
    """Operations a second of half-precision matrices, by what a driver calls the GPU."""
    return {row["gpu"]: float(row["tflops"]) * 1e12 for row in read_csv("gpu-compute.csv")}
