"""The one way to start a caged child: spawned, told the bounds of its cage, then its orders.

What it is told is decided by an engine's `Launch`; its pipes and its end belong to `process`.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path

from stoker.engines.base import Launch
from stoker.workers.environment import environment_for, policy_for
from stoker.workers.process import ChildProcess, Ears, python_argv

CAGE_MODULE = "stoker.workers.cage"


async def start_caged(launch: Launch, folder: Path, ears: Ears, open_files: int) -> ChildProcess:
    """The child of `launch`, caged, in `folder`, where alone it may write; its orders are sent.

    Whoever gets it must end it; when this is cancelled, it is killed already.

    Raises:
        OSError: the process cannot be started.
    """
    policy = policy_for(launch, folder, open_files)
    child = await ChildProcess.spawn(
        python_argv(CAGE_MODULE),
        environment=environment_for(launch),
        directory=folder,
        ears=ears,
    )
    try:
        await child.tell(policy.to_line() + json.dumps(dict(launch.spec)).encode() + b"\n")
    except BaseException:  # cancelled: nobody else knows of the child yet
        child.signal(signal.SIGKILL)
        child.close_output()
        raise
    return child
