"""The training loop: a fixed number of steps with fixed seeds, on the CPU.

Owns the optimiser, the schedule and the checkpoint. The text comes from `batches`, the network
from `model`.
"""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from training.batches import Batch, Packer
from training.model import ModelConfig, Starter, parameter_count
from training.text.stream import LAST_FACTORS, LATE_FACTORS, TRAIN_SEED, Mixture
from training.tokenizer import load_tokenizer

THREADS = 2
REPORT_EVERY = 50


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one mixture of tasks and one course of the learning rate."""

    steps: int
    seed: int
    factors: dict[str, float]
    warmup: int
    decay_share: float
    rate: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights."""

    phases: tuple[Phase, ...] = (
        Phase(951, TRAIN_SEED, {}, warmup=100, decay_share=0.0),
        Phase(1400, TRAIN_SEED + 100, LATE_FACTORS, warmup=30, decay_share=0.55),
        Phase(120, TRAIN_SEED + 200, LAST_FACTORS, warmup=10, decay_share=0.8, rate=0.25),
    )
    peak_rate: float = 2e-3
    final_share: float = 0.02
    weight_decay: float = 0.05
    clip: float = 1.0


def rate_share(recipe: Recipe, phase: Phase, step: int) -> float:
    """Warm up, hold, then fall in a straight line: the share of the peak rate at a step."""
    if step < phase.warmup:
        return (step + 1) / phase.warmup
    start = int(phase.steps * (1 - phase.decay_share))
    if step < start:
        return 1.0
    done = (step - start) / max(1, phase.steps - start)
    return 1.0 - (1.0 - recipe.final_share) * done


def make_optimisers(model: Starter, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms.

    Muon learns a little more from each token (loss 2.15 against 2.28 after 150 steps, measured
    here), and on this size its extra work is a tenth of a step.
    """
    matrices = [p for p in model.blocks.parameters() if p.dim() == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    muon = torch.optim.Muon(
        matrices,
        lr=recipe.peak_rate,
        weight_decay=recipe.weight_decay,
        adjust_lr_fn="match_rms_adamw",
    )
    adam = torch.optim.AdamW(
        others, lr=recipe.peak_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
    )
    return [muon, adam]


def train_step(
    model: Starter, optimisers: list[torch.optim.Optimizer], batch: Batch, rate: float, clip: float
) -> float:
    """One update at a learning rate; returns the loss before it."""
    inputs, targets, weights = (torch.from_numpy(part.copy()) for part in batch)
    with torch.autocast("cpu", torch.bfloat16):
        loss: Tensor = model.loss(inputs, targets, weights)
    model.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate
        optimiser.step()
    return float(loss.detach())


def save_checkpoint(model: Starter, work: Path) -> None:
    """Write the weights aside and put them in place at once."""
    aside = work / "checkpoint.partial"
    torch.save({"config": asdict(model.config), "weights": model.state_dict()}, aside)
    aside.replace(work / "checkpoint.pt")


def train_phase(model: Starter, work: Path, recipe: Recipe, phase: Phase) -> int:
    """Run one phase with fresh optimisers; returns the number of tokens seen."""
    optimisers = make_optimisers(model, recipe)
    tokenizer = load_tokenizer(work / "tokenizer.json")
    batches = Packer(tokenizer, phase.seed, Mixture(phase.factors)).batches()
    started, tokens, average = time.monotonic(), 0, 0.0
    for step, batch in enumerate(itertools.islice(batches, phase.steps)):
        rate = recipe.peak_rate * phase.rate * rate_share(recipe, phase, step)
        loss = train_step(model, optimisers, batch, rate, recipe.clip)
        tokens += batch[0].size
        average = loss if step == 0 else 0.95 * average + 0.05 * loss
        if step % REPORT_EVERY == 0 or step == phase.steps - 1:
            speed = tokens / (time.monotonic() - started)
            print(f"step {step:5d}  loss {average:.4f}  {speed:6.0f} tokens/s", flush=True)
            save_checkpoint(model, work)
    return tokens


def train(work: Path, recipe: Recipe) -> Starter:
    """Train from nothing and write `checkpoint.pt` and `train.json` into the work folder."""
    torch.set_num_threads(THREADS)
    torch.manual_seed(recipe.phases[0].seed)
    model = Starter(ModelConfig())
    started = time.monotonic()
    tokens = sum(train_phase(model, work, recipe, phase) for phase in recipe.phases)
    write_summary(work, model, recipe, tokens, time.monotonic() - started)
    return model.eval()


def write_summary(work: Path, model: Starter, recipe: Recipe, tokens: int, seconds: float) -> None:
    """Write what was done, for the README's figures."""
    summary = {
        "recipe": asdict(recipe),
        "parameters": parameter_count(model),
        "tokens": tokens,
        "minutes": round(seconds / 60, 1),
        "tokens_per_s": round(tokens / seconds),
    }
    (work / "train.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


def load_checkpoint(work: Path) -> Starter:
    """The model of the last finished run."""
    saved = torch.load(work / "checkpoint.pt", weights_only=True)
    model = Starter(ModelConfig(**saved["config"]))
    model.load_state_dict(saved["weights"])
    return model.eval()
