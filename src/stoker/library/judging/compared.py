"""What comparisons that were run here say of a model, and of models on a file of tasks.

Brings together what `state` keeps, what digests are known, and what `planning` makes of it.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from stoker.core.errors import FileMissingError, InvalidRequestError
from stoker.core.losses import MeasuredLoss
from stoker.core.model import LocalModel
from stoker.engines.registry import engine_version
from stoker.files.disk import expanded
from stoker.models.storing.known_digests import KnownDigests
from stoker.models.storing.store import Store, hash_file
from stoker.planning.advice.tried import Tried, tried_on
from stoker.planning.compared import measured_losses
from stoker.state.comparisons import read_comparisons
from stoker.state.home import Home

TASKS_BYTES_MAX = 1 << 30
# So many stored models are named in the command that would compare them.
NAMED_MAX = 4


def losses_here(
    home: Home, model: LocalModel, quantization: str, engine: str = "llamacpp"
) -> tuple[MeasuredLoss, ...]:
    """What was measured here of the quantizations of `model`, whose file is called so.

    A file that no name pins is known by its digest only where it was hashed before: `compare`
    hashes what it compares.
    """
    kept = read_comparisons(home.comparisons)
    if not kept:
        return ()
    facts = model.facts
    if facts.digest is None and model.path.is_absolute():
        facts = replace(facts, digest=KnownDigests(home.digests).get(model.path))
    return measured_losses(kept, facts, quantization, engine_version(engine))


def tried_here(home: Home, tasks: str) -> tuple[Tried, ...]:
    """The models that were compared on the file `tasks`, as it is now; each by its newest figures.

    Raises:
        FileMissingError, InvalidRequestError: there is no such file, or it cannot be read.
    """
    digest = _digest_of_tasks(expanded(Path(tasks)))
    return tried_on(read_comparisons(home.comparisons), digest)


def compare_command(home: Home, tasks: str) -> str:
    """The command that would tell how the models of this machine do on the file `tasks`."""
    stored = [str(one.ref) for one in Store(home.models).manifests()]
    models = " ".join(stored[:NAMED_MAX]) or "MODEL..."
    return f"stoker compare {models} --tasks {shlex.quote(tasks)}"


def _digest_of_tasks(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise InvalidRequestError(f"{path} is no file of tasks", hint="give JSON lines")
        if path.stat().st_size > TASKS_BYTES_MAX:
            raise InvalidRequestError(f"{path} is larger than 1 GiB", hint="give fewer tasks")
        return hash_file(path)
    except OSError as error:
        kind = FileMissingError if isinstance(error, FileNotFoundError) else InvalidRequestError
        raise kind(
            f"The tasks cannot be read: {error.strerror}", hint="give a file of JSON lines"
        ) from error
