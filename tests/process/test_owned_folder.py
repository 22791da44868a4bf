"""What a killed process left is swept, and what a living one has is spared."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from stoker.files.owned_folder import sweep

CODE = """
import sys
from pathlib import Path
from stoker.files.owned_folder import OwnedFolder
made = OwnedFolder.make(Path(sys.argv[1]), "x-")
(made.path / "large").touch()
print("made", flush=True)
sys.stdin.read()
"""


def test_it_is_swept_once_its_maker_is_dead_and_not_before(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", CODE, str(tmp_path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maker:
        assert maker.stdout is not None
        assert maker.stdout.readline() == b"made\n"
        assert sweep(tmp_path, "x-") == 0
        maker.kill()
    assert maker.returncode == -signal.SIGKILL
    assert sweep(tmp_path, "x-") == 1
    assert list(tmp_path.iterdir()) == []
