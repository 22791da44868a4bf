"""Writing a smaller model file from a larger one, in pieces of bounded size.

Owns the order of the bytes. Which type a tensor gets is for `choice`; that a file is whole or not
there, for `aside`; the numbers are `rounding`'s. One thread: a second one was
measured to change nothing, since the arithmetic waits for memory.
"""

from __future__ import annotations

import os
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from gguf import GGMLQuantizationType, quants

from stoker.core.errors import InvalidRequestError, UnsupportedModelError
from stoker.files.aside import check_free, written_aside
from stoker.models.quantize.choice import FILE_TYPES, FLOATS, Choice, choose
from stoker.models.quantize.outline import (
    Outline,
    Tensor,
    padded,
    pair_u32,
    read_outline,
    row_bytes,
)
from stoker.models.rounding import rounded

PIECE_ELEMENTS = 1 << 20
_QUANTIZATION_VERSION = 2

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Shrunk:
    """What was written: `types` has the bytes of tensor data by type name."""

    path: Path
    bytes_in: int
    bytes_out: int
    bits_per_weight: float
    types: dict[str, int]
    fallbacks: tuple[str, ...]
    requantized_from: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Move:
    """A tensor as it is, and as it will be."""

    old: Tensor
    new: Tensor
    fallback: bool


def quantize(
    source: Path,
    out: Path,
    target: str,
    *,
    force: bool = False,
    on_progress: Progress | None = None,
) -> Shrunk:
    """Write the model `source` with tensors of type `target` (a name in `FILE_TYPES`) to `out`.

    Of a model in several files `source` is the first one; `out` is one file in any case.
    `on_progress` is told how many bytes of tensor data are written, and of how many.

    Raises:
        InvalidRequestError: `out` exists and `force` is not given, is the model itself, or cannot
            be written.
        UnsupportedModelError: a tensor's type cannot be read, or a number is too large for the
            type that it gets.
        ModelFileError: `source` is not a sound model file, or lacks one of its parts.
        DiskFullError: there is no room for `out`.
    """
    check_free(out, force=force)
    outline = read_outline(source)
    if out.exists() and any(map(out.samefile, outline.paths)):
        raise InvalidRequestError(f"{out} is the model itself", hint="choose another --out.")
    moves = _moves(outline, target)
    head = _head(outline, moves, target)
    size = len(head) + sum(padded(move.new.size_bytes, outline.alignment) for move in moves)
    with ExitStack() as opened:
        files = [opened.enter_context(path.open("rb")) for path in outline.paths]
        bytes_in = sum(os.fstat(file.fileno()).st_size for file in files)
        to = opened.enter_context(written_aside(out, force=force, size_bytes=size))
        to.write(head)
        _write_data(files, to, outline, moves, on_progress or (lambda _done, _total: None))
    return _result(bytes_in, out, moves)


def _moves(outline: Outline, target: str) -> list[_Move]:
    moves = []
    offset = 0
    for old in outline.tensors:
        choice = choose(old.name, old.shape, old.kind, target)
        _check_readable(old, choice)
        new = Tensor(old.name, old.shape, choice.kind, offset)
        offset += padded(new.size_bytes, outline.alignment)
        moves.append(_Move(old, new, choice.fallback))
    return moves


def _check_readable(tensor: Tensor, choice: Choice) -> None:
    if choice.kind == tensor.kind:
        return
    try:
        empty = np.zeros((1, row_bytes(tensor.kind, tensor.shape[0])), np.uint8)
        quants.dequantize(empty, GGMLQuantizationType[tensor.kind])
    except NotImplementedError:
        raise UnsupportedModelError(
            f"{tensor.name} is {tensor.kind}, which cannot be read back into numbers",
            hint="quantize the model's F16 or BF16 file instead.",
        ) from None


def _head(outline: Outline, moves: list[_Move], target: str) -> bytes:
    pairs = dict(outline.pairs)
    pairs["general.file_type"] = pair_u32("general.file_type", FILE_TYPES[target])
    if target not in FLOATS:
        key = "general.quantization_version"
        pairs[key] = pair_u32(key, _QUANTIZATION_VERSION)
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(moves), len(pairs)) + b"".join(pairs.values())
    head += b"".join(_entry(move.new) for move in moves)
    return head.ljust(padded(len(head), outline.alignment), b"\0")


def _entry(tensor: Tensor) -> bytes:
    name = tensor.name.encode("utf-8", "surrogateescape")
    kind = GGMLQuantizationType[tensor.kind].value
    size = len(tensor.shape)
    return (
        struct.pack("<Q", len(name))
        + name
        + struct.pack(f"<I{size}QIQ", size, *tensor.shape, kind, tensor.offset)
    )


def _write_data(
    files: Sequence[BinaryIO],
    to: BinaryIO,
    outline: Outline,
    moves: list[_Move],
    on_progress: Progress,
) -> None:
    total = sum(move.new.size_bytes for move in moves)
    done = 0
    for move in moves:
        start = outline.data_at[move.old.file] + move.old.offset
        for piece in _converted(files[move.old.file].fileno(), start, move):
            to.write(piece)
            done += len(piece)
            on_progress(done, total)
        size = move.new.size_bytes
        to.write(bytes(padded(size, outline.alignment) - size))


def _converted(descriptor: int, start: int, move: _Move) -> Iterator[bytes]:
    """The tensor's new bytes in order, one piece at a time."""
    width = row_bytes(move.old.kind, move.old.shape[0])
    for first, rows in _pieces(move.old):
        yield _piece(descriptor, start + first * width, rows * width, move)


def _pieces(tensor: Tensor) -> Iterator[tuple[int, int]]:
    """The first row and the number of rows of each piece."""
    step = max(1, PIECE_ELEMENTS // tensor.shape[0])
    for first in range(0, tensor.rows, step):
        yield first, min(step, tensor.rows - first)


def _piece(descriptor: int, at: int, size: int, move: _Move) -> bytes:
    raw = os.pread(descriptor, size, at)
    if len(raw) != size:
        raise UnsupportedModelError(f"{move.old.name} was cut off while it was read")
    if move.old.kind == move.new.kind:
        return raw
    rows = np.frombuffer(raw, np.uint8).reshape(-1, row_bytes(move.old.kind, move.old.shape[0]))
    values = quants.dequantize(rows, GGMLQuantizationType[move.old.kind])
    return rounded(move.new.name, values, GGMLQuantizationType[move.new.kind])


def _result(bytes_in: int, out: Path, moves: list[_Move]) -> Shrunk:
    types: Counter[str] = Counter()
    for move in moves:
        types[move.new.kind] += move.new.size_bytes
    changed = {move.old.kind for move in moves if move.old.kind != move.new.kind}
    elements = sum(move.new.elements for move in moves)
    return Shrunk(
        path=out,
        bytes_in=bytes_in,
        bytes_out=out.stat().st_size,
        bits_per_weight=8 * sum(types.values()) / elements if elements else 0.0,
        types=dict(types),
        fallbacks=tuple(move.new.name for move in moves if move.fallback),
        requantized_from=tuple(sorted(changed - FLOATS)),
    )
