"""The results: accuracies at each precision, the manifest, and the documents that quote them.

Owns `results.json`, `manifest.json` and the generated parts of the README and the model card, so
the figures in them are always the measured ones. It does not know how a score is made.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from training.evaluate import evaluate

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
SIMULATED_NOTE = (
    "Simulated means that no file of that width exists: the weights were rounded to nearest in "
    "blocks of 32 with one f16 scale each, by the rule of Q4_0, then stored at f16 for the "
    "engine, so a real format of that width may lose less."
)
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"


def digest_of(path: Path) -> str:
    """The digest of a file in the form `sha256:...`."""
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def manifest_for(model: Path, parameters: int) -> dict[str, Any]:
    """What the runtime needs to know of the packaged model."""
    return {
        "name": "starter",
        "tag": "latest",
        "file": model.name,
        "bytes": model.stat().st_size,
        "digest": digest_of(model),
        "architecture": "llama",
        "parameters": parameters,
        "licence": "Apache-2.0",
    }


def file_size(precision: dict[str, Any]) -> str:
    """The size of the file; a simulated precision has none of its own."""
    return "none" if precision["simulated"] else f"{precision['bytes'] / 1e6:.1f} MB"


def task_table(results: dict[str, Any]) -> str:
    """The accuracy by task, one column for each precision."""
    precisions = results["precisions"]
    names = list(precisions)
    lines = [
        "| task | cases | " + " | ".join(names) + " |",
        "|---|---:|" + "---:|" * len(names),
    ]
    first = precisions[names[0]]
    for task, row in first["by_task"].items():
        shares = [f"{precisions[n]['by_task'][task]['percent']:.1f} %" for n in names]
        lines.append(f"| {task} | {row['total']} | " + " | ".join(shares) + " |")
    overall = [f"**{precisions[n]['percent']:.1f} %**" for n in names]
    lines.append(f"| **all** | **{first['total']}** | " + " | ".join(overall) + " |")
    sizes = [file_size(precisions[n]) for n in names]
    lines.append("| file | | " + " | ".join(sizes) + " |")
    return "\n".join(lines)


def results_text(results: dict[str, Any]) -> str:
    """The generated part of the documents."""
    run = results["training"]
    steps = sum(phase["steps"] for phase in run["recipe"]["phases"])
    return (
        f"{run['parameters']:,} parameters, {steps:,} steps, "
        f"{run['tokens'] / 1e6:.1f} million tokens, {run['minutes']} minutes of training at "
        f"{run['tokens_per_s']:,} tokens/s on 2 cores.\n\n{task_table(results)}\n\n{SIMULATED_NOTE}"
    )


def with_results(document: str, results: dict[str, Any]) -> str:
    """The document with its generated part renewed."""
    head, rest = document.split(BEGIN)
    _, tail = rest.split(END)
    return f"{head}{BEGIN}\n{results_text(results)}\n{END}{tail}"


def measure(work: Path, starter: Path, simulated: dict[str, Path]) -> dict[str, Any]:
    """Evaluate f16, every lower precision of the run and the simulated ones."""
    files = {"f16": starter / "starter.gguf"}
    files |= {p: work / f"starter-{p}.gguf" for p in ("q8_0", "q5_0", "q4_0")} | simulated
    precisions = {}
    for name, path in files.items():
        score = evaluate(path)
        (work / f"wrong-{path.stem}.json").write_text(
            json.dumps(score.wrong, indent=1, ensure_ascii=False), encoding="utf-8"
        )
        precisions[name] = {
            "percent": round(100 * score.accuracy, 1),
            "total": sum(score.total.values()),
            "simulated": name in simulated,
            "bytes": None if name in simulated else path.stat().st_size,
            "by_task": score.by_task(),
        }
        print(f"{name}: {precisions[name]['percent']} %", flush=True)
    training = json.loads((work / "train.json").read_text(encoding="utf-8"))
    return {"training": training, "precisions": precisions}


def write_results(work: Path, starter: Path, simulated: dict[str, Path]) -> None:
    """Measure, and renew the results, the manifest and the documents."""
    results = measure(work, starter, simulated)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    manifest = manifest_for(starter / "starter.gguf", results["training"]["parameters"])
    (starter / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    for document in (README, starter / "MODEL_CARD.md"):
        text = document.read_text(encoding="utf-8")
        document.write_text(with_results(text, results), encoding="utf-8")
