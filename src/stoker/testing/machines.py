"""Machines to try judgements on, from a small board to a server; their figures are round."""

from __future__ import annotations

from stoker.core.machine import Backend, Gpu, Machine, Measured
from stoker.core.units import GIB


def make_machine(
    name: str,
    memory_gib: tuple[float, float],
    measured: Measured | None = None,
    gpus: tuple[Gpu, ...] = (),
) -> Machine:
    """A machine with that memory in all and free."""
    total, free = memory_gib
    return Machine(
        cores=8,
        memory_total_bytes=int(total * GIB),
        memory_available_bytes=int(free * GIB),
        name=name,
        gpus=gpus,
        measured=measured or Measured(),
    )


def make_measured(read_gb_s: float, tera_ops_s: float) -> Measured:
    """Reading of memory by all threads, and matrix products of 16-bit numbers."""
    return Measured(read_bytes_s_all=read_gb_s * 1e9, matmul_ops_s=(("f16", tera_ops_s * 1e12),))


RTX_4090 = Gpu(
    "NVIDIA GeForce RTX 4090", Backend.CUDA, 24 * GIB, 23 * GIB, bandwidth_bytes_s=1008e9
)
M1_MAX = Gpu(
    "Apple M1 Max", Backend.METAL, 64 * GIB, 56 * GIB, integrated=True, bandwidth_bytes_s=400e9
)
MACHINES = {
    machine.name: machine
    for machine in (
        make_machine("board", (4, 3), make_measured(12, 0.1)),
        make_machine("laptop", (16, 12), make_measured(60, 0.8)),
        make_machine("busy", (16, 0.8), make_measured(60, 0.8)),
        make_machine("full", (16, 0.4), make_measured(60, 0.8)),
        make_machine("unmeasured", (16, 12)),
        make_machine("desktop", (32, 28), make_measured(80, 1.5)),
        make_machine("gaming", (64, 56), make_measured(80, 1.5), (RTX_4090,)),
        make_machine("mac", (64, 56), make_measured(300, 2), (M1_MAX,)),
        make_machine("server", (512, 480), make_measured(350, 12)),
    )
}
