"""The one command: `python -m training` makes the starter model from nothing.

Owns the order of the steps. `--only` runs a single one on the work folder of an earlier run.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from pathlib import Path

import torch

from training.export import FILE_TYPES, export
from training.report import write_results
from training.rounding import SIMULATED, rounded
from training.text.stream import write_held_out
from training.tokenizer import load_tokenizer, train_tokenizer
from training.train import Recipe, load_checkpoint, train

ROOT = Path(__file__).parents[1]
WORK = ROOT / "training" / "build"
STARTER = ROOT / "src" / "stoker" / "models" / "starter"
STEPS = ("text", "tokenizer", "train", "export", "evaluate")


def make_tokenizer() -> None:
    """Train the tokenizer."""
    train_tokenizer().save(str(WORK / "tokenizer.json"))


def make_weights() -> None:
    """Train the network."""
    train(WORK, Recipe())


def make_files() -> None:
    """Export f16 into the package, and the lower precisions into the work folder."""
    model, tokenizer = load_checkpoint(WORK), load_tokenizer(WORK / "tokenizer.json")
    for precision in FILE_TYPES:
        target = STARTER if precision == "f16" else WORK
        name = "starter.gguf" if precision == "f16" else f"starter-{precision}.gguf"
        export(model, tokenizer, target / name, precision)


def make_simulated(folder: Path) -> dict[str, Path]:
    """Export f16 files whose matrices were rounded to fewer bits; only for measuring."""
    model, tokenizer = load_checkpoint(WORK), load_tokenizer(WORK / "tokenizer.json")
    files = {}
    for name, bits in SIMULATED.items():
        coarse = copy.deepcopy(model)
        for weights in coarse.parameters():
            if weights.ndim == 2:
                weights.data = torch.from_numpy(rounded(weights.detach().numpy(), bits))
        files[name] = folder / f"starter-{bits}-bit-simulated.gguf"
        export(coarse, tokenizer, files[name])
    return files


def measure_files() -> None:
    """Measure the exported files, and simulated ones that are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        write_results(WORK, STARTER, make_simulated(Path(folder)))


def main() -> None:
    """Run all steps, or the one that is named."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--only", choices=STEPS, help="run one step of an earlier run")
    only = parser.parse_args().only
    WORK.mkdir(parents=True, exist_ok=True)
    actions = {
        "text": write_held_out,
        "tokenizer": make_tokenizer,
        "train": make_weights,
        "export": make_files,
        "evaluate": measure_files,
    }
    for step in [only] if only else STEPS:
        print(f"== {step}", flush=True)
        actions[step]()


if __name__ == "__main__":
    main()
