"""Writing a converted model: its head by the `gguf` library, its numbers piece by piece.

Owns the order of the bytes, and that our own reader takes the file before it gets its name. That
it is whole or not there is `aside`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType

from stoker.files.aside import written_aside
from stoker.models.convert.numbers import Target
from stoker.models.facts import read_facts
from stoker.models.gguf.tensors import aligned

TYPES = {"f16": LlamaFileType.MOSTLY_F16, "bf16": LlamaFileType.MOSTLY_BF16}
_ALIGNMENT = 32
_BYTES = {"F32": 4, "F16": 2, "BF16": 2}

Describe = Callable[[GGUFWriter], None]
Progress = Callable[[int, int], None]


def write(  # noqa: PLR0913 - what a file is made of
    out: Path,
    architecture: str,
    describe: Describe,
    targets: Sequence[Target],
    wide: str,
    *,
    force: bool = False,
    on_progress: Progress | None = None,
) -> None:
    """Write `targets` to `out`, matrices as `wide`; `describe` adds the metadata.

    `on_progress` is told how many bytes of tensor data are written, and of how many.

    Raises:
        InvalidRequestError: `out` exists and `force` is not given, or cannot be written.
        DiskFullError: there is no room.
        ModelFileError: the numbers cannot be read, or the file that was made is no model.
    """
    kinds = [target.kind(wide) for target in targets]
    total = sum(map(size_bytes, targets, kinds))
    with written_aside(out, force=force, size_bytes=total) as file:
        _write_head(Path(file.name), architecture, describe, targets, wide)
        _write_data(file, targets, kinds, on_progress or (lambda _done, _total: None))
        read_facts(Path(file.name))


def size_bytes(target: Target, kind: GGMLQuantizationType) -> int:
    """The bytes that `target` takes as `kind`."""
    return prod(target.shape) * _BYTES[kind.name]


def _write_head(
    path: Path, architecture: str, describe: Describe, targets: Sequence[Target], wide: str
) -> None:
    writer = GGUFWriter(str(path), architecture)
    try:
        describe(writer)
        writer.add_file_type(TYPES[wide])
        for target in targets:
            kind = target.kind(wide)
            size = size_bytes(target, kind)
            writer.add_tensor_info(target.name, target.shape, np.dtype(np.float32), size, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
    finally:
        writer.close()


def _write_data(
    file: BinaryIO,
    targets: Sequence[Target],
    kinds: Sequence[GGMLQuantizationType],
    on_progress: Progress,
) -> None:
    total = sum(map(size_bytes, targets, kinds))
    done = 0
    _pad(file)
    for target, kind in zip(targets, kinds, strict=True):
        for piece in target.pieces(kind):
            file.write(piece)
            done += len(piece)
            on_progress(done, total)
        _pad(file)
    file.flush()


def _pad(file: BinaryIO) -> None:
    end = file.seek(0, 2)
    file.write(bytes(aligned(end, _ALIGNMENT) - end))
