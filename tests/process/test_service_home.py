"""A home that cannot be used, or that another service uses: one clear error each."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoker.testing.running import COMMAND, RunningService
from stoker.testing.synthetic import write_model

pytestmark = pytest.mark.slow
COMPLETIONS = "/v1/completions"


def serve(home: Path | str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A `stoker serve` that is meant to fail."""
    return subprocess.run(
        [COMMAND, "serve", "--port", "0", *arguments],
        env={**os.environ, "STOKER_HOME": str(home)},
        capture_output=True,
        check=False,
        text=True,
        timeout=20,
    )


def assert_one_error(done: subprocess.CompletedProcess[str], code: int, said: str) -> None:
    lines = done.stderr.splitlines()
    assert done.returncode == code, done.stderr
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]
    assert said in lines[0]


def test_a_port_in_use_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_one_error(serve(tmp_path, "--port", port), 7, f"Port {port} on 127.0.0.1 is in use")


def test_a_second_service_in_one_home_is_refused_by_the_first_ones_address(
    start_service: Callable[..., RunningService],
) -> None:
    first = start_service("starter")
    assert_one_error(serve(first.home), 7, first.url)
    assert first.request("GET", "/healthz")[0] == 200


def test_what_a_killed_service_left_behind_does_not_stop_the_next(
    start_service: Callable[..., RunningService],
) -> None:
    first = start_service("starter")
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert (first.home / "run" / "admin.sock").exists()
    second = start_service("starter", home=first.home)
    assert second.request("GET", "/healthz")[0] == 200
    assert len(second.models()) == 1


def test_a_home_that_cannot_be_made_is_said_so() -> None:
    assert_one_error(serve("/proc/stoker-home"), 9, "/proc/stoker-home")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system without a free byte."""
    mount = tmp_path / "full"
    mount.mkdir()
    done = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)],
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    try:
        (mount / "home" / "run" / "workers").mkdir(parents=True)
        with pytest.raises(OSError, match="No space"):
            (mount / "filling").write_bytes(bytes(1 << 20))
        yield mount
    finally:
        subprocess.run(["/bin/umount", "-l", str(mount)], check=True)


def test_a_full_disk_is_said_so(full_disk: Path) -> None:
    assert_one_error(serve(full_disk / "home"), 9, "full")


@pytest.mark.engine
@pytest.mark.parametrize("spoil", ["deleted", "truncated", "garbage"])
def test_a_model_spoilt_after_the_start_fails_alone(
    start_service: Callable[..., RunningService], tmp_path: Path, spoil: str
) -> None:
    path = write_model(tmp_path / "bad.gguf")
    service = start_service("starter", str(path))
    if spoil == "deleted":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:5000] if spoil == "truncated" else b"x" * 5000)
    for _ in range(2):
        bad = service.request("POST", COMPLETIONS, {"model": "bad", "prompt": "a"})
        assert 400 <= bad[0] < 600
        assert bad[1]["error"]["code"].startswith("model_file")
    good = {"model": "starter", "prompt": "a", "max_tokens": 1}
    assert service.request("POST", COMPLETIONS, good)[0] == 200
    assert service.request("GET", "/readyz")[0] == 200
