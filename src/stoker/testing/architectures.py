"""Synthetic models of many architectures: real GGUF files that the real engine loads.

Owns the writing; what each consists of is `blueprints`'. A hollow file has the header and no
data, and takes no room on the disk.

    python -m stoker.testing.architectures NAME PATH
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

from stoker.testing.blueprint_parts import Blueprint, Tensor
from stoker.testing.blueprints import NAMES, blueprint

_CHUNK_ROWS = 64
_TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "
_NORMAL, _CONTROL = 1, 3


def write_architecture(
    path: Path, name: str, quantization: str = "Q8_0", *, hollow: bool = False, **changes: Any
) -> Path:
    """Write the model `name` of `blueprints.NAMES` to `path`, and return `path`.

    `changes` are other `Sizes`; `hollow` leaves the data out. The random weights mean nothing.

    Raises:
        RuntimeError: numpy or gguf is not installed.
        KeyError: no such name or quantization.
    """
    plan = blueprint(name, **changes)
    gguf = _library("gguf")
    kind = gguf.GGMLQuantizationType[quantization]
    writer = gguf.GGUFWriter(str(path), plan.architecture)
    _add_keys(writer, gguf, plan)
    kinds = [_kind_of(gguf, one, kind) for one in plan.tensors]
    for one, own in zip(plan.tensors, kinds, strict=True):
        size = _bytes_of(gguf, one, own)
        writer.add_tensor_info(one.name, one.shape[::-1], _library("numpy").float32, size, own)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    _add_data(path, [] if hollow else list(_data(plan, kinds)), _total(gguf, plan, kinds))
    return path


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise RuntimeError(f"synthetic models need {name}; install the group `dev`") from error


def _add_keys(writer: Any, gguf: Any, plan: Blueprint) -> None:
    writer.add_name("synthetic")
    named = {f"{plan.architecture}.{key}": value for key, value in plan.keys.items()}
    for key, value in (named | plan.more).items():
        kind = gguf.GGUFValueType
        if isinstance(value, list):
            writer.add_array(key, value)
        elif isinstance(value, bool):
            writer.add_key_value(key, value, kind.BOOL)
        else:
            writer.add_key_value(
                key, value, kind.UINT32 if isinstance(value, int) else kind.FLOAT32
            )
    _add_tokenizer(writer, plan.sizes.vocabulary, plan.sizes.merges)


def _add_tokenizer(writer: Any, vocabulary: int, merges: int) -> None:
    """A token for each byte, made-up words, and one that ends an answer; merges that never fit."""
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    words = [f"\u0120w{number}" for number in range(vocabulary - 257)]
    writer.add_token_list([*_bytes(), *words, "<|end|>"])
    writer.add_token_types([_NORMAL] * (vocabulary - 1) + [_CONTROL])
    writer.add_token_merges([f"\u0100{number} \u0101" for number in range(merges)])
    writer.add_bos_token_id(vocabulary - 1)
    writer.add_eos_token_id(vocabulary - 1)
    writer.add_bool("tokenizer.ggml.add_bos_token", val=False)
    writer.add_chat_template(_TEMPLATE)


def _bytes() -> list[str]:
    """The 256 one-byte tokens, each as the printable character that byte-level BPE gives it."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    spare = iter(range(256, 512))
    return [chr(byte if byte in printable else next(spare)) for byte in range(256)]


def _kind_of(gguf: Any, tensor: Tensor, wanted: Any) -> Any:
    """The number format: float32 for vectors and where a row does not divide into blocks."""
    block, _ = gguf.GGML_QUANT_SIZES[wanted]
    whole = tensor.shape[0] % block == 0
    return wanted if whole and not tensor.plain else gguf.GGMLQuantizationType.F32


def _bytes_of(gguf: Any, tensor: Tensor, kind: Any) -> int:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    return int(prod(tensor.shape) // block * size)


def _padded(size: int) -> int:
    return (size + 31) & -32


def _total(gguf: Any, plan: Blueprint, kinds: list[Any]) -> int:
    pairs = zip(plan.tensors, kinds, strict=True)
    return sum(_padded(_bytes_of(gguf, one, kind)) for one, kind in pairs)


def _data(plan: Blueprint, kinds: list[Any]) -> Iterator[bytes]:
    """Each tensor's bytes: a few random rows in its format, repeated."""
    numpy, gguf = _library("numpy"), _library("gguf")
    random = numpy.random.default_rng(0)
    for tensor, kind in zip(plan.tensors, kinds, strict=True):
        rows = prod(tensor.shape[1:])
        plain = random.standard_normal((min(rows, _CHUNK_ROWS), tensor.shape[0]), dtype="float32")
        chunk = gguf.quantize(plain * 0.02, kind)
        data = numpy.resize(chunk, (rows, chunk.shape[1])).tobytes()
        yield data + bytes(_padded(len(data)) - len(data))


def _add_data(path: Path, pieces: list[bytes], total: int) -> None:
    with path.open("r+b") as file:
        start = _padded(file.seek(0, 2))
        file.truncate(start)
        file.seek(start)
        file.writelines(pieces)
        file.truncate(start + total)


def main() -> None:
    """Write the model that the command line names: NAME PATH."""
    if len(sys.argv) != 3 or sys.argv[1] not in NAMES:
        sys.exit(f"usage: python -m stoker.testing.architectures {{{','.join(NAMES)}}} PATH")
    write_architecture(Path(sys.argv[2]), sys.argv[1])


if __name__ == "__main__":
    main()
