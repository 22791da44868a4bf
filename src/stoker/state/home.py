"""The one folder under which Stoker keeps everything: `STOKER_HOME`, or `~/.stoker`.

Owns where things lie and that the folder is private and writable. What the files hold belongs to
those who write them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from stoker.core.disk_errors import disk_errors
from stoker.core.errors import HomeNotWritableError


@dataclass(frozen=True, slots=True)
class Home:
    """Where things lie. Nothing is created until `prepare` is called."""

    root: Path

    @classmethod
    def find(cls) -> Home:
        """The home that the environment names."""
        return cls(Path(os.environ.get("STOKER_HOME") or Path.home() / ".stoker").absolute())

    @property
    def run(self) -> Path:
        """Sockets, locks and workers' folders: what means nothing after a restart."""
        return self.root / "run"

    @property
    def workers(self) -> Path:
        """One folder for each living worker."""
        return self.run / "workers"

    @property
    def models(self) -> Path:
        """The store: models that were fetched, under their digests."""
        return self.root / "models"

    @property
    def scratch(self) -> Path:
        """Large files that mean nothing once the command that made them has ended."""
        return self.root / "scratch"

    @property
    def machine(self) -> Path:
        """What was measured of this machine."""
        return self.root / "machine.json"

    @property
    def digests(self) -> Path:
        """The digests of files outside the store that were hashed before."""
        return self.root / "digests.json"

    @property
    def calibration(self) -> Path:
        """How fast this machine was found to be."""
        return self.root / "calibration.json"

    @property
    def measurements(self) -> Path:
        """What loads and answers were measured to take."""
        return self.root / "measurements.jsonl"

    @property
    def comparisons(self) -> Path:
        """What comparisons found."""
        return self.root / "comparisons.json"

    @property
    def admin_socket(self) -> Path:
        """Where a running service takes its owner's commands."""
        return self.run / "admin.sock"

    @property
    def service_lock(self) -> Path:
        """Held by the one service of this home for as long as it lives."""
        return self.run / "service.lock"

    def prepare(self) -> Home:
        """Make the folders, private to their owner, and prove that they can be written.

        Raises:
            HomeNotWritableError, DiskFullError: the folder cannot hold anything.
        """
        with disk_errors(self.root):
            for folder in (self.root, self.run, self.workers, self.models):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self.run.stat().st_uid != os.geteuid():
                raise HomeNotWritableError(f"{self.run} belongs to somebody else")
            for folder in (self.run, self.models):
                folder.chmod(0o700)  # an older folder may have been open to others
            probe = self.run / f".write-{os.getpid()}"
            probe.write_bytes(b"x" * 512)
            probe.unlink()
        return self
