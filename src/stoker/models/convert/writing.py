"""Writing a converted model: tensors one at a time, the file whole or not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter, LlamaFileType, quants

from stoker.core.errors import InvalidRequestError
from stoker.models.convert.folder import Floats, Stored

TYPES = {"f16": LlamaFileType.MOSTLY_F16, "bf16": LlamaFileType.MOSTLY_BF16}


@dataclass(frozen=True, slots=True)
class Target:
    """A tensor to be: its name, where its numbers are, and what is done to them on the way."""

    name: str
    stored: Stored
    delicate: bool = False
    change: Callable[[Floats], Floats] | None = None

    def numbers(self, kind: GGMLQuantizationType) -> Any:
        """The numbers as `kind` stores them."""
        values = self.stored.read()
        return quants.quantize(values if self.change is None else self.change(values), kind)

    def kind(self, wide: str) -> GGMLQuantizationType:
        """F32 for vectors and what is delicate, else `wide`."""
        if self.delicate or len(self.stored.shape) < 2:
            return GGMLQuantizationType.F32
        return GGMLQuantizationType[wide.upper()]


def write(  # noqa: PLR0913 - what a file is made of
    out: Path,
    architecture: str,
    describe: Callable[[GGUFWriter], None],
    targets: list[Target],
    wide: str,
    *,
    force: bool = False,
) -> None:
    """Write `targets` to `out`; `describe` adds the metadata.

    Raises:
        InvalidRequestError: `out` exists and `force` is not given.
    """
    if out.exists() and not force:
        raise InvalidRequestError(f"{out} exists", hint="choose another --out, or give --force.")
    part = out.with_name(out.name + ".part")
    try:
        writer = GGUFWriter(str(part), architecture)
        describe(writer)
        writer.add_file_type(TYPES[wide])
        _write(writer, targets, wide)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)


def _write(writer: GGUFWriter, targets: list[Target], wide: str) -> None:
    for target in targets:
        kind = target.kind(wide)
        size = int(np.prod(target.stored.shape)) * (4 if kind.name == "F32" else 2)
        shape = target.stored.shape
        writer.add_tensor_info(target.name, shape, np.dtype(np.float32), size, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for target in targets:
        writer.write_tensor_data(target.numbers(target.kind(wide)))
    writer.close()
