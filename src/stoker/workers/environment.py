"""What the child gets to see of our environment, and which paths it needs to run Python at all.

An allow-list: keys and tokens in our own environment never reach the process that parses a
model file.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from stoker.engines.base import Launch
from stoker.workers.policy import CagePolicy

_PASSED_ON = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PYTHONPATH",
    "CUDA_VISIBLE_DEVICES",
    "SYSTEMROOT",
)


def environment_for(launch: Launch) -> dict[str, str]:
    """The child's whole environment."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1", **launch.environment}


def policy_for(launch: Launch, runtime: Path, open_files: int) -> CagePolicy:
    """The cage for `launch`: Python, Stoker and the launch's own files; `runtime` to write in."""
    package = Path(__file__).resolve().parents[1]
    files = [_real(path) for path in launch.readable]
    return CagePolicy(
        module=launch.module,
        parent=os.getpid(),
        readable=(*_python_paths(), str(package), *files),
        listable=(str(package.parent),),
        writable=(str(runtime),),
        open_files=open_files,
    )


def _python_paths() -> list[str]:
    """Where this Python's own files and its packages lie."""
    schemes = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths = {sys.prefix, sys.base_prefix, sys.exec_prefix, *schemes}
    return sorted(path for path in paths if path and path != "/")


def _real(path: Path) -> str:
    return str(path.resolve())
