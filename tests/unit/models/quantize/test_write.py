"""The written file: its numbers, what it carries over, and that it is whole or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFReader, GGUFWriter, quants

from stoker.core.errors import (
    DiskFullError,
    InvalidRequestError,
    ModelFileError,
    ModelFileGarbageError,
    UnsupportedModelError,
)
from stoker.models.gguf.header import read_header
from stoker.models.quantize import write
from stoker.models.quantize.choice import FILE_TYPES
from stoker.models.quantize.write import quantize
from stoker.testing.synthetic import write_model, write_split_model

NAMES = {"token_embd.weight": (40, 64), "blk.0.ffn_up.weight": (70, 96)}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.gguf"
    writer = GGUFWriter(str(path), "llama")
    writer.add_string("tokenizer.chat_template", "hälló {{ x }}")
    writer.add_array("tokenizer.ggml.tokens", ["a", "bc", ""])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.0])
    writer.add_uint32("general.file_type", 0)
    random = np.random.default_rng(3)
    for name, shape in NAMES.items():
        writer.add_tensor(name, random.normal(size=shape).astype(np.float32))
    writer.add_tensor("blk.0.odd.weight", random.normal(size=(6, 33)).astype(np.float32))
    writer.add_tensor("blk.0.attn_norm.weight", np.ones(96, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def tensors(path: Path) -> dict:
    read_header(path)
    return {tensor.name: tensor for tensor in GGUFReader(path).tensors}


@pytest.mark.parametrize("target", sorted(FILE_TYPES))
@pytest.mark.parametrize("elements", [100, 1 << 20])
def test_every_tensor_is_bit_for_bit_what_gguf_makes_of_the_whole(
    source: Path, tmp_path: Path, target: str, elements: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "PIECE_ELEMENTS", elements)
    quantize(source, tmp_path / "out.gguf", target)
    old, new = tensors(source), tensors(tmp_path / "out.gguf")
    assert list(old) == list(new)
    for name, tensor in new.items():
        wanted = quants.quantize(np.array(old[name].data), tensor.tensor_type)
        assert np.array(tensor.data).tobytes() == wanted.tobytes(), name
    assert new["blk.0.ffn_up.weight"].tensor_type == GGMLQuantizationType[target]
    assert new["blk.0.attn_norm.weight"].tensor_type == GGMLQuantizationType.F32


def of_values(path: Path, *values: float, row: int = 64) -> Path:
    """A model whose one matrix holds 1, but for `values` at its beginning."""
    numbers = np.ones((4, row), np.float32)
    numbers.flat[: len(values)] = values
    writer = GGUFWriter(str(path), "llama")
    writer.add_tensor("blk.0.ffn_up.weight", numbers)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(
    ("target", "value", "row"),
    [
        ("F16", 65536, 64),
        ("F16", -1e5, 64),
        ("Q8_0", 1e5, 33),
        ("Q8_0", 1e7, 64),
        ("Q4_1", 2e6, 64),
    ],
)
def test_a_number_too_large_for_its_type_is_refused_and_bf16_named(
    tmp_path: Path, target: str, value: float, row: int
) -> None:
    source = of_values(tmp_path / "a.gguf", value, row=row)
    with pytest.raises(
        UnsupportedModelError, match=r"ffn_up.weight has numbers .* too large"
    ) as no:
        quantize(source, tmp_path / "b.gguf", target)
    assert "bf16" in no.value.hint
    assert not (tmp_path / "b.gguf").exists()
    quantize(source, tmp_path / "b.gguf", "BF16")


@pytest.mark.parametrize(("target", "value"), [("F16", 65504), ("Q8_0", 1e5), ("BF16", 1e38)])
def test_a_large_number_that_fits_is_taken(tmp_path: Path, target: str, value: float) -> None:
    quantize(of_values(tmp_path / "a.gguf", value), tmp_path / "b.gguf", target)
    (tensor,) = tensors(tmp_path / "b.gguf").values()
    found = quants.dequantize(np.array(tensor.data), tensor.tensor_type)
    assert found.max() == pytest.approx(value, rel=0.01)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("target", ["F16", "BF16", "Q8_0"])
def test_a_number_that_is_not_finite_is_refused(tmp_path: Path, target: str, value: float) -> None:
    source = of_values(tmp_path / "a.gguf", value)
    with pytest.raises(ModelFileGarbageError, match="not finite"):
        quantize(source, tmp_path / "b.gguf", target)


def test_metadata_are_carried_over_except_the_file_type(source: Path, tmp_path: Path) -> None:
    quantize(source, tmp_path / "out.gguf", "Q5_1")
    old, new = read_header(source), read_header(tmp_path / "out.gguf")
    extra = {"general.file_type": FILE_TYPES["Q5_1"], "general.quantization_version": 2}
    assert new.values == {**old.values, **extra}
    assert new.array_lengths == old.array_lengths
    tokens = GGUFReader(tmp_path / "out.gguf").fields["tokenizer.ggml.tokens"].contents()
    assert tokens == ["a", "bc", ""]


def test_rows_that_do_not_divide_become_sixteen_bits_and_it_is_said(
    source: Path, tmp_path: Path
) -> None:
    shrunk = quantize(source, tmp_path / "out.gguf", "Q8_0")
    assert shrunk.fallbacks == ("blk.0.odd.weight",)
    assert tensors(tmp_path / "out.gguf")["blk.0.odd.weight"].tensor_type.name == "F16"


def test_what_was_quantized_before_is_said(source: Path, tmp_path: Path) -> None:
    assert quantize(source, tmp_path / "a.gguf", "Q8_0").requantized_from == ()
    assert quantize(tmp_path / "a.gguf", tmp_path / "b.gguf", "Q4_0").requantized_from == ("Q8_0",)


def test_an_existing_file_is_kept_without_force(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.gguf"
    out.write_bytes(b"mine")
    with pytest.raises(InvalidRequestError, match="exists"):
        quantize(source, out, "Q8_0")
    assert out.read_bytes() == b"mine"
    quantize(source, out, "Q8_0", force=True)
    assert read_header(out).tensors == 4


def test_a_model_is_never_written_over_itself(source: Path) -> None:
    before = source.read_bytes()
    with pytest.raises(InvalidRequestError):
        quantize(source, source, "Q8_0", force=True)
    assert source.read_bytes() == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_leaves_nothing(source: Path, tmp_path: Path, error: type) -> None:
    def stop(done: int, total: int) -> None:
        raise error

    with pytest.raises(error):
        quantize(source, tmp_path / "out.gguf", "Q8_0", on_progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["source.gguf"]


def test_a_full_disk_is_named_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    def full(done: int, total: int) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(DiskFullError):
        quantize(source, tmp_path / "out.gguf", "Q8_0", on_progress=full)
    assert not list(tmp_path.glob("out*"))


def test_progress_ends_at_the_whole(source: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    shrunk = quantize(
        source, tmp_path / "out.gguf", "Q8_0", on_progress=lambda *now: seen.append(now)
    )
    assert seen[-1][0] == seen[-1][1] == sum(shrunk.types.values())
    assert seen == sorted(seen)


def test_a_model_in_several_files_becomes_the_same_file_as_one_that_is_whole(
    tmp_path: Path,
) -> None:
    first = write_split_model(tmp_path / "m.gguf", 3)
    parts = sorted(tmp_path.iterdir())
    whole = write_model(tmp_path / "whole.gguf")
    shrunk = quantize(first, tmp_path / "a.gguf", "Q4_0")
    quantize(whole, tmp_path / "b.gguf", "Q4_0")
    assert (tmp_path / "a.gguf").read_bytes() == (tmp_path / "b.gguf").read_bytes()
    assert shrunk.bytes_in == sum(part.stat().st_size for part in parts)
    assert len(parts) == 3


def test_no_file_of_several_is_written_over(tmp_path: Path) -> None:
    first = write_split_model(tmp_path / "m.gguf", 3)
    last = max(tmp_path.iterdir())
    before = last.read_bytes()
    with pytest.raises(InvalidRequestError, match="the model itself"):
        quantize(first, last, "Q4_0", force=True)
    assert last.read_bytes() == before


@pytest.mark.parametrize("number", [0, 1])
def test_one_file_of_several_alone_is_refused(tmp_path: Path, number: int) -> None:
    write_split_model(tmp_path / "m.gguf", 2)
    mine, other = sorted(tmp_path.iterdir())[:: 1 - 2 * number]
    other.unlink()
    with pytest.raises(ModelFileError, match=mine.name):
        quantize(mine, tmp_path / "out.gguf", "Q4_0")
