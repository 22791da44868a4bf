"""The GPUs of this machine, whoever made them; asked for only where somebody wants to know.

Owns which makers are asked. How each tells of itself is its own module's.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace

from stoker.core.machine import Gpu
from stoker.machine.gpus.apple import read_gpu
from stoker.machine.gpus.data_sheets import gpu_bandwidth_bytes_s
from stoker.machine.gpus.nvidia import read_nvidia
from stoker.machine.gpus.rocm import read_rocm
from stoker.machine.memory import Memory
from stoker.machine.system_files import HERE, Roots


@dataclass(frozen=True, slots=True)
class Found:
    """The GPUs that could be read, and why others could not."""

    gpus: tuple[Gpu, ...] = ()
    unread: tuple[str, ...] = ()


def read_gpus(memory: Memory, roots: Roots = HERE) -> Found:
    """Every GPU that an engine could use; `memory` is what integrated ones share."""
    nvidia = read_nvidia(memory, os.environ.get("CUDA_VISIBLE_DEVICES"))
    apple = read_gpu(memory) if sys.platform == "darwin" else ()
    gpus = (*nvidia.gpus, *read_rocm(roots, os.environ), *apple)
    return Found(tuple(_with_bandwidth(gpu) for gpu in gpus), nvidia.unread)


def _with_bandwidth(gpu: Gpu) -> Gpu:
    return replace(gpu, bandwidth_bytes_s=gpu_bandwidth_bytes_s(gpu))
