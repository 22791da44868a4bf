"""Smaller files of a model, made for the length of a comparison.

Owns how large they will be and that a cancelled one stops; the bytes are `quantize`'s.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

from stoker.models.quantize.choice import choose
from stoker.models.quantize.outline import padded, read_outline, row_bytes
from stoker.models.quantize.write import quantize

_HEAD_BYTES_MAX = 64 << 10  # what a made file's header may have beyond the source's

Share = Callable[[float], None]


class _StoppedError(Exception):
    """Raised in the writing thread once nobody wants the file any more."""


def predicted_bytes(source: Path, kind: str) -> int:
    """The most that the file of type `kind` made from `source` will have.

    Raises:
        ModelFileError: `source` is not a sound model file, or lacks one of its parts.
    """
    outline = read_outline(source)
    size = sum(outline.data_at) + _HEAD_BYTES_MAX
    for tensor in outline.tensors:
        chosen = choose(tensor.name, tensor.shape, tensor.kind, kind).kind
        bytes_ = tensor.rows * row_bytes(chosen, tensor.shape[0])
        size += padded(bytes_, outline.alignment)
    return size


async def make_file(source: Path, out: Path, kind: str, on_share: Share) -> None:
    """Write `source` as type `kind` to `out`; cancelling returns once nobody writes any more.

    `on_share` hears from 0 to 1 how much is written, from another thread.

    Raises:
        ModelFileError, DiskFullError: as `quantize`.
    """
    stopped = threading.Event()

    def tell(done: int, total: int) -> None:
        if stopped.is_set():
            raise _StoppedError
        on_share(done / max(total, 1))

    work = asyncio.ensure_future(asyncio.to_thread(quantize, source, out, kind, on_progress=tell))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        stopped.set()
        await asyncio.wait({work})
        work.exception()  # looked at, so that nobody complains that it was not
        raise
