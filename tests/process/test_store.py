"""The store with several processes, and with processes that die between its steps."""

from __future__ import annotations

import contextlib
import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from stoker.core.model import ModelRef
from stoker.models.storing.housekeeping import collect
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store
from stoker.models.storing.verifying import choose_all, verify

pytestmark = pytest.mark.slow
DATA = b"abc" * 1000
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
# argv: root, key, name. Says `ready`, waits for a line, stores DATA under the name.
PULL = f"""
import os, sys
from pathlib import Path
from stoker.core.model import ModelRef
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store
root, key, name, *fault = sys.argv[1:]
store = Store(Path(root))
store.parts.mkdir(parents=True, exist_ok=True)
part = store.parts / key
part.write_bytes(b"abc" * 1000)
if fault:
    step, count = fault[0], int(fault[1])
    real = {{"fsync": os.fsync, "replace": Path.replace, "unlink": Path.unlink}}[step]
    owner = os if step == "fsync" else Path
    def die(*words, **more):
        global count
        count -= 1
        if count < 0:
            os.kill(os.getpid(), 9)
        return real(*words, **more)
    setattr(owner, step, die)
print("ready", flush=True)
sys.stdin.readline()
store.adopt(part, {DIGEST!r})
print("adopted", flush=True)
if sys.stdin.readline():
    layer = Layer({DIGEST!r}, {len(DATA)}, "model", "a.gguf")
    for turn in range(5):
        store.put(Manifest(ModelRef.parse(name), "x", (layer,), turn, {{}}))
    print("done", flush=True)
"""


def start(store: Store, key: str, *words: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PULL, str(store.root), key, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert said(process) == "ready"
    return process


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str]) -> None:
    """Let the process go on; it may have died already, which its return code tells."""
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write("go\n")
        process.stdin.flush()


def end(process: subprocess.Popen[str]) -> int:
    process.communicate(timeout=20)
    return process.returncode


def test_two_processes_that_store_the_same_file_both_succeed(tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    both = [start(store, f"k{number}", f"name{number}") for number in (0, 1)]
    for process in both:
        tell(process)
        tell(process)
    assert [end(process) for process in both] == [0, 0]
    assert [str(one.ref) for one in store.manifests()] == ["name0", "name1"]
    assert store.blob(DIGEST).read_bytes() == DATA
    assert list(store.parts.iterdir()) == []


def test_another_process_does_not_collect_what_is_about_to_be_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    puller = start(store, "k", "shop")
    tell(puller)
    assert said(puller) == "adopted"
    assert store.in_use(DIGEST)
    assert collect(store).removed == ()
    tell(puller)
    assert said(puller) == "done"
    assert end(puller) == 0
    assert not store.in_use(DIGEST)
    assert store.get(ModelRef("shop")).layers[0].digest == DIGEST


def test_what_a_dead_process_held_is_free(tmp_path: Path) -> None:
    store = Store(tmp_path / "models")
    puller = start(store, "k", "shop")
    tell(puller)
    assert said(puller) == "adopted"
    puller.kill()
    end(puller)
    assert collect(store).size_bytes == len(DATA)


@pytest.mark.parametrize(
    ("step", "count"),
    [("fsync", n) for n in range(5)] + [("replace", n) for n in range(3)],
)
def test_a_process_killed_at_any_step_leaves_a_store_that_works(
    tmp_path: Path, step: str, count: int
) -> None:
    store = Store(tmp_path / "models")
    puller = start(store, "k", "shop", step, str(count))
    tell(puller)
    tell(puller)
    assert end(puller) == -signal.SIGKILL
    listing = store.listing()
    assert listing.damaged == ()
    assert all(store.has(one.layers[0].digest) for one in listing.manifests)
    assert verify(store, choose_all(store)).findings == ()
    collect(store)
    again = store.parts / "again"
    again.write_bytes(DATA)
    store.adopt(again, DIGEST)
    layer = Layer(DIGEST, len(DATA), "model", "a.gguf")
    store.put(Manifest(ModelRef("shop"), "x", (layer,), 9, {}))
    assert store.get(ModelRef("shop")).fetched_unix_s == 9
    assert len(list(store.manifest_folder.iterdir())) == 1
