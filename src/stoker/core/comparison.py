"""What is kept of a comparison: figures of each model, and by what they are found again.

Nothing of what was asked or answered is part of it, and no path: digests, names and figures alone.
Keeping it is `state`'s; what follows for a plan or for advice is `planning`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from stoker.core.estimate import Interval
from stoker.core.model import ModelFacts

_APART = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a quantization leaves as it is of a model's header; `name` is empty where none is given.

    Files of different weights can have the same, say a model before and after more training, so
    whoever uses figures that were found by it alone must say so.
    """

    name: str
    architecture: str
    parameters: int
    layers: int
    embedding_length: int
    vocabulary: int

    def is_of(self, other: Lineage) -> bool:
        """Whether both name the same model; what has no name is nobody's relative."""
        return bool(self.name) and self == other


def lineage_of(facts: ModelFacts) -> Lineage:
    """The lineage that a header states; case and punctuation of names do not count."""
    return Lineage(
        plain_name(facts.name),
        facts.architecture,
        facts.parameters,
        facts.layers,
        facts.embedding_length,
        facts.vocabulary,
    )


def plain_name(name: str) -> str:
    """`name` in lower case, its words apart by single spaces: `qwen2 5 7b` for `Qwen2.5-7B`."""
    return _APART.sub(" ", name.casefold()).strip()


@dataclass(frozen=True, slots=True)
class TasksUsed:
    """The file of tasks: `digest` of its bytes, and whether the user gave it (`own`)."""

    name: str
    digest: str
    own: bool


@dataclass(frozen=True, slots=True)
class TextMeasured:
    """The scored text. Divergences are from the reference, and None for the reference itself.

    `kl_error_nats` is the standard error of the mean; `same_top_share` is 0 to 1.
    """

    scored_tokens: int
    perplexity: float
    kl_mean_nats: float | None = None
    kl_error_nats: float | None = None
    same_top_share: float | None = None


@dataclass(frozen=True, slots=True)
class TasksMeasured:
    """`right` of `total` tasks, with the 95 % interval of the share (`low` to `high`, 0 to 1).

    `lost` counts tasks that the reference answered right and this model did not, `won` the
    reverse. `p_value` is that of the paired test against the best of the comparison, adjusted for
    the number of candidates; None for the best itself. `worse` says that it fell below alpha.
    """

    right: int
    total: int
    low: float
    high: float
    lost: int | None = None
    won: int | None = None
    p_value: float | None = None
    worse: bool = False

    @property
    def share(self) -> float:
        """The share of right answers, 0 to 1."""
        return self.right / self.total


@dataclass(frozen=True, slots=True)
class RunMeasured:
    """How it ran here, one answer at a time: the most that its process had resident with one slot.

    Speeds are the slowest, the median and the fastest round. `kv_bytes_per_token` is by formula.
    """

    memory_bytes: int
    context: int
    kv_bytes_per_token: int
    prefill_tok_s: Interval
    decode_tok_s: Interval


@dataclass(frozen=True, slots=True)
class ModelCompared:
    """One file of a comparison. `quantization` is what people call it; None is not measured.

    `context_length` is the context that it was trained for, in tokens.

    `made` says that the file was made of the reference and is gone, `kin` that it is the
    reference in another quantization, so that what it lost is a loss by quantization.
    """

    model: str
    quantization: str
    digest: str | None
    lineage: Lineage
    file_bytes: int
    context_length: int
    made: bool = False
    kin: bool = False
    text: TextMeasured | None = None
    tasks: TasksMeasured | None = None
    run: RunMeasured | None = None


@dataclass(frozen=True, slots=True)
class KeptComparison:
    """One run of `compare`; the first of `models` is the reference, the largest or finest.

    `date` is UTC, as in `2026-11-26 17:35 UTC`. `best` and `cheapest` are positions in `models`:
    the one with most right answers, and the smallest file that is not significantly worse.
    `least_visible_loss` is how many tasks must be lost for the test to see it.
    """

    date: str
    stoker: str
    engine: str
    tasks: TasksUsed | None
    text: str | None
    models: tuple[ModelCompared, ...]
    best: int | None = None
    cheapest: int | None = None
    least_visible_loss: int | None = None

    @property
    def reference(self) -> ModelCompared:
        """What the others were measured against."""
        return self.models[0]

    @property
    def day(self) -> str:
        """The day, as in `2026-11-26`."""
        return self.date[:10]

    @property
    def sees_losses(self) -> bool:
        """Whether there were tasks enough for the paired test to call any loss significant."""
        totals = [one.tasks.total for one in self.models if one.tasks is not None]
        least = self.least_visible_loss
        return least is not None and bool(totals) and least <= min(totals)

    def replaces(self, other: KeptComparison) -> bool:
        """Whether this tells everything anew that `other` told."""
        if self.tasks != other.tasks or self.text != other.text:
            return False
        return all(any(_tells(mine, theirs) for mine in self.models) for theirs in other.models)


def _tells(mine: ModelCompared, theirs: ModelCompared) -> bool:
    """Whether `mine` is the same file, with a figure wherever `theirs` has one."""
    if _known_by(mine) != _known_by(theirs):
        return False
    pairs = ((mine.text, theirs.text), (mine.tasks, theirs.tasks), (mine.run, theirs.run))
    return all(one is not None or other is None for one, other in pairs)


def _known_by(model: ModelCompared) -> tuple[object, ...]:
    if model.digest is not None:
        return (model.digest,)
    return (model.model, model.quantization, model.lineage)
