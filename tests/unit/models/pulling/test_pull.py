"""A pull puts a whole, verified model under a name, or changes nothing."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import (
    DigestMismatchError,
    DiskFullError,
    InvalidModelNameError,
    ModelFileError,
    ModelFileGarbageError,
    NameTakenError,
    SourceUnsafeError,
    StokerError,
)
from stoker.core.model import ModelRef
from stoker.files.locks import held, try_lock
from stoker.models.catalogue import STARTER_FOLDER, find_model
from stoker.models.download.client import HttpClient
from stoker.models.download.events import Kept, Moved, Waiting
from stoker.models.download.limits import DownloadLimits, Timing
from stoker.models.facts import read_facts
from stoker.models.pulling import pull as pulling
from stoker.models.pulling.bringing import show_name
from stoker.models.pulling.changes import Change
from stoker.models.pulling.pull import Audience, Pull, Pulled, Resolved
from stoker.models.sources.base import Offer, Offered
from stoker.models.sources.reference import parse_reference
from stoker.models.storing.housekeeping import collect
from stoker.models.storing.manifest import Layer, Manifest
from stoker.models.storing.store import Store
from stoker.testing.broken import write_broken
from stoker.testing.synthetic import write_model
from support.downloading import KIB, Ear
from support.file_server import Answer, Asked, FileServer, Twist, honest, serving

LIMITS = DownloadLimits(
    connections=1,
    piece_bytes_min=512 * KIB,
    piece_bytes_max=512 * KIB,
    spare_bytes=0,
    tries=2,
    lock_poll_s=0.001,
)
STARTER = (STARTER_FOLDER / "starter.gguf").read_bytes()


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_model(tmp_path_factory.mktemp("tiny") / "m.gguf").read_bytes()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("other")
    return write_model(folder / "m.gguf", quantization="Q4_0", seed=1).read_bytes()


@pytest.fixture
async def server(tiny: bytes) -> AsyncIterator[FileServer]:
    async with serving(FileServer(tiny)) as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "models")


@dataclass
class Listener:
    """Hears everything, and agrees or not."""

    agrees: bool = False
    ear: Ear = field(default_factory=Ear)
    resolved: list[Resolved] = field(default_factory=list)
    asked: list[Change] = field(default_factory=list)

    def agree(self, change: Change) -> bool:
        self.asked.append(change)
        return self.agrees

    @property
    def audience(self) -> Audience:
        return Audience(self.ear, self.resolved.append, self.agree)


Run = Callable[..., Awaitable[Pulled]]


@pytest.fixture
def pull(store: Store) -> Run:
    """`await pull(text, "name", listener)`."""

    async def run(
        text: str,
        name: str | None = "m",
        listener: Listener | None = None,
        limits: DownloadLimits = LIMITS,
    ) -> Pulled:
        ref = ModelRef.parse(name) if name is not None else None
        audience = (listener or Listener()).audience
        timing = Timing(random=lambda: 0.0)
        async with HttpClient(limits=limits, timing=timing, told=audience.told) as client:
            return await Pull(parse_reference(text), ref, store, audience).run(client)

    return run


def everything(store: Store) -> list[str]:
    """What lies in the store, locks and leases aside."""
    passing = {"lock", "leases"}
    return sorted(
        str(path.relative_to(store.root))
        for path in store.root.rglob("*")
        if path.is_file() and path.relative_to(store.root).parts[0] not in passing
    )


async def test_a_model_comes_under_its_name_with_its_facts(
    server: FileServer, store: Store, pull: Run, tiny: bytes
) -> None:
    url = f"{server.url}/shop-Q8_0.gguf"
    listener = Listener()
    pulled = await pull(url, None, listener)
    assert pulled.changed
    assert not pulled.replaced
    assert listener.resolved[0].ref == ModelRef("shop", "q8_0")
    manifest = store.get(ModelRef("shop", "q8_0"))
    assert manifest == pulled.manifest
    assert (manifest.model.digest, manifest.source) == (sha(tiny), url)
    assert manifest.model.name == "shop-Q8_0.gguf"
    assert (manifest.facts["quantization"], manifest.facts["digest"]) == ("Q8_0", sha(tiny))
    found = find_model("shop:q8_0", store)
    assert found.path.read_bytes() == tiny
    assert everything(store) == [f"blobs/{found.path.name}", *_manifests(store)]


def _manifests(store: Store) -> list[str]:
    return [f"manifests/{path.name}" for path in store.manifest_folder.iterdir()]


async def test_the_same_again_is_up_to_date(server: FileServer, pull: Run, tiny: bytes) -> None:
    pin = f"{server.url}/m.gguf#{sha(tiny).replace(':', '=')}"
    await pull(pin)
    server.asked.clear()
    pulled = await pull(pin)
    assert not pulled.changed
    assert server.gets == []
    listener = Listener()
    assert not (await pull(f"{server.url}/m.gguf", listener=listener)).changed
    assert listener.asked == []


async def test_an_address_whose_file_has_not_changed_is_not_fetched_again(
    server: FileServer, store: Store, pull: Run, other: bytes
) -> None:
    url = f"{server.url}/m.gguf"
    await pull(url, "a")
    server.asked.clear()
    listener = Listener()
    assert not (await pull(url, "a", listener)).changed
    assert (await pull(url, "b", listener)).changed
    assert server.gets == []
    assert [found.missing_bytes for found in listener.resolved] == [0, 0]
    server.data, server.etag = other, '"two"'
    assert (await pull(url, "b", Listener(agrees=True))).replaced
    assert store.get(ModelRef("b")).model.state == '"two"'


@pytest.mark.parametrize("etag", [None, 'W/"weak"', '"' + "x" * 300 + '"'])
async def test_without_a_strong_tag_nothing_is_taken_for_unchanged(
    server: FileServer, pull: Run, *, etag: str | None
) -> None:
    server.etag = etag
    url = f"{server.url}/m.gguf"
    await pull(url)
    server.asked.clear()
    assert not (await pull(url)).changed
    assert server.gets


async def test_another_name_for_the_same_bytes_fetches_nothing(
    server: FileServer, store: Store, pull: Run, tiny: bytes
) -> None:
    pin = f"{server.url}/m.gguf#{sha(tiny).replace(':', '=')}"
    await pull(pin, "a")
    server.asked.clear()
    assert (await pull(pin, "b")).changed
    assert server.gets == []
    assert [str(one.ref) for one in store.manifests()] == ["a", "b"]


async def test_a_file_that_was_lost_is_fetched_again(
    server: FileServer, store: Store, pull: Run, tiny: bytes
) -> None:
    pin = f"{server.url}/m.gguf#{sha(tiny).replace(':', '=')}"
    await pull(pin)
    store.blob(sha(tiny)).unlink()
    assert not (await pull(pin)).changed
    assert store.has(sha(tiny))


@pytest.mark.parametrize("known", [True, False])
async def test_a_name_keeps_its_meaning_until_somebody_agrees(
    server: FileServer, store: Store, pull: Run, other: bytes, *, known: bool
) -> None:
    tiny = server.data
    await pull(f"{server.url}/m.gguf")
    server.data, server.etag = other, '"two"'
    server.asked.clear()
    url = f"{server.url}/m.gguf" + (f"#{sha(other).replace(':', '=')}" if known else "")
    listener = Listener()
    with pytest.raises(NameTakenError):
        await pull(url, listener=listener)
    assert store.get(ModelRef("m")).model.digest == sha(tiny)
    (change,) = listener.asked
    assert (change.old.digests, change.new.digests) == ((sha(tiny),), (sha(other),))
    assert (change.old.size_bytes, change.new.size_bytes) == (len(tiny), len(other))
    assert change.differing["quantization"] == ("Q8_0", "Q4_0")
    if known:  # asked before anything but the header came
        assert server.bytes_asked <= 1 << 20
    listener.agrees = True
    server.asked.clear()
    pulled = await pull(url, listener=listener)
    assert (pulled.changed, pulled.replaced) == (True, True)
    assert store.get(ModelRef("m")).model.digest == sha(other)
    assert len(listener.asked) == 2
    if not known:  # what came before the question was kept
        assert server.bytes_asked == 1


async def named_meanwhile(
    server: FileServer, pull: Run, tiny: bytes, other: bytes, listener: Listener
) -> asyncio.Future[Pulled]:
    """A pull of `other` as `m`, whose last bytes come once another pull has taken that name."""
    server.data = other
    server.twist = lambda _a, answer, count: replace(answer, stall_at=10) if count == 1 else answer
    slow = asyncio.ensure_future(pull(f"{server.url}/m.gguf", listener=listener))
    await server.stalled.wait()
    async with serving(FileServer(tiny)) as quick:
        await pull(f"{quick.url}/m.gguf")
    server.go.set()
    return slow


async def test_a_name_that_was_given_meanwhile_is_not_taken_unasked(
    server: FileServer, store: Store, pull: Run, tiny: bytes, other: bytes
) -> None:
    listener = Listener()
    with pytest.raises(NameTakenError):
        await (await named_meanwhile(server, pull, tiny, other, listener))
    assert store.get(ModelRef("m")).model.digest == sha(tiny)
    (change,) = listener.asked
    assert (change.old.digests, change.new.digests) == ((sha(tiny),), (sha(other),))


async def test_a_name_that_was_given_meanwhile_is_told_as_replaced(
    server: FileServer, store: Store, pull: Run, tiny: bytes, other: bytes
) -> None:
    listener = Listener(agrees=True)
    pulled = await (await named_meanwhile(server, pull, tiny, other, listener))
    assert (pulled.changed, pulled.replaced) == (True, True)
    assert store.get(ModelRef("m")).model.digest == sha(other)
    assert len(listener.asked) == 1


@pytest.mark.parametrize("times", [2, 99])
async def test_a_name_given_at_the_last_moment_is_asked_about_a_few_times(
    server: FileServer, store: Store, pull: Run, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """Others give the name another meaning between the question and the answer, `times` times."""
    real, taken = Store.put, list[bytes]()

    def put(self: Store, manifest: Manifest, **how: Any) -> bool:
        if len(taken) < times:
            taken.append(b"%d" % len(taken))
            stored(self, manifest.ref, taken[-1])
            collect(self)
        return real(self, manifest, **how)

    monkeypatch.setattr(Store, "put", put)
    listener = Listener(agrees=True)
    if times == 2:
        assert (await pull(f"{server.url}/m.gguf", listener=listener)).replaced
        assert [one.old.digests for one in listener.asked] == [(sha(b"0"),), (sha(b"1"),)]
    else:
        with pytest.raises(NameTakenError, match="again and again"):
            await pull(f"{server.url}/m.gguf", listener=listener)
        assert store.get(ModelRef("m")).model.digest == sha(taken[-1])
        assert 1 < len(listener.asked) < 10
    assert not store.in_use(sha(server.data))


def stored(store: Store, ref: ModelRef, data: bytes) -> None:
    """Give `ref` the meaning `data`, as another process would."""
    other = Store(store.root)
    layer = stored_layer(other, "m.gguf", data)
    PUT(other, Manifest(ref, "elsewhere", (layer,), 1, {}))


def stored_layer(store: Store, name: str, data: bytes) -> Layer:
    """A file of the store that no manifest names yet."""
    (store.parts / name).write_bytes(data)
    store.adopt(store.parts / name, sha(data))
    return Layer(sha(data), len(data), "model", name)


PUT = Store.put


async def test_a_refusal_that_hides_its_header_is_still_asked_about(
    server: FileServer, pull: Run, other: bytes
) -> None:
    await pull(f"{server.url}/m.gguf")
    server.twist = lambda asked, answer, _c: Answer(403) if asked.method == "GET" else answer
    listener = Listener()
    with pytest.raises(NameTakenError):
        await pull(f"{server.url}/m.gguf#{sha(other).replace(':', '=')}", listener=listener)
    assert listener.asked[0].differing == {}


async def test_the_starters_name_is_refused_before_anything_comes(
    server: FileServer, pull: Run
) -> None:
    with pytest.raises(InvalidModelNameError):
        await pull(f"{server.url}/m.gguf", "starter")
    with pytest.raises(InvalidModelNameError):
        await pull(f"{server.url}/starter.gguf", None)
    assert server.gets == []


def says(answer: Answer) -> Twist:
    return lambda _asked, _honest, _count: answer


GARBAGE = b"GGUF" + bytes(range(256)) * 64
PAGE = b"<!DOCTYPE html><html>" + b" " * 5000
DANGERS: dict[str, tuple[bytes | None, Twist, str]] = {
    "no model": (GARBAGE, honest, ""),
    "a web page": (PAGE, honest, ""),
    "an archive": (b"PK\x03\x04" + bytes(9000), honest, ""),
    "a tar archive": (bytes(257) + b"ustar" + bytes(9000), honest, ""),
    "empty": (b"", honest, ""),
    "another digest": (None, honest, f"#sha256={'0' * 64}"),
    "cut": (None, lambda _a, answer, _c: replace(answer, cut_at=100), ""),
    "no ranges and cut": (
        None,
        lambda a, answer, _c: Answer(200, {"Content-Length": "99999999"}, STARTER[:5000], cut_at=1),
        "",
    ),
    "longer than told": (
        None,
        lambda _a, answer, _c: replace(
            answer.with_headers(Content_Length=None, Connection="close"), body=STARTER
        ),
        "",
    ),
    "shorter than told": (
        None,
        lambda _a, answer, _c: answer.with_headers(Content_Length="77", Connection="close"),
        "",
    ),
    "compressed": (None, lambda _a, answer, _c: answer.with_headers(Content_Encoding="gzip"), ""),
    "always another": (None, lambda _a, answer, c: answer.with_headers(ETag=f'"{c}"'), ""),
    "refused": (None, says(Answer(403, {"Content-Length": "0"})), ""),
    "not there": (None, says(Answer(404, {"Content-Length": "0"})), ""),
    "busy for long": (None, says(Answer(429, {"Retry-After": "9999", "Content-Length": "0"})), ""),
    "broken": (None, says(Answer(500, {"Content-Length": "0"})), ""),
    "sent elsewhere": (None, says(Answer(302, {"Location": "file:///etc/passwd"})), ""),
    "sent to the cloud": (
        None,
        says(Answer(302, {"Location": "http://169.254.169.254/latest", "Content-Length": "0"})),
        "",
    ),
    "sent in a circle": (None, says(Answer(302, {"Location": "/", "Content-Length": "0"})), ""),
}


@pytest.mark.parametrize("danger", DANGERS)
async def test_after_a_danger_the_store_is_as_it_was(
    server: FileServer, store: Store, pull: Run, tiny: bytes, danger: str
) -> None:
    await pull(f"{server.url}/before.gguf", "before")
    before = everything(store)
    data, twist, pin = DANGERS[danger]
    server.data = tiny if data is None else data
    server.etag, server.twist = '"x"', twist
    with pytest.raises(StokerError):
        await pull(f"{server.url}/m.gguf{pin}")
    after = [path for path in everything(store) if not path.startswith("parts/")]
    assert after == before
    assert [str(one.ref) for one in store.manifests()] == ["before"]
    collect(store, clock=lambda: 4e9)
    assert everything(store) == before
    server.data, server.twist = tiny, honest
    assert (await pull(f"{server.url}/m.gguf")).manifest.model.digest == sha(tiny)


@pytest.mark.parametrize("kind", ["truncated", "vocabulary_only", "unknown_version", "garbage"])
async def test_a_file_that_is_no_model_gets_no_name_and_leaves_nothing(
    server: FileServer, store: Store, pull: Run, tmp_path: Path, kind: str
) -> None:
    server.data = _bytes_of(write_broken(tmp_path / "m.gguf", kind))
    with pytest.raises(ModelFileError, match=r"m\.gguf"):
        await pull(f"{server.url}/m.gguf")
    with pytest.raises(ModelFileError):
        await pull(str(tmp_path / "m.gguf"))
    assert everything(store) == []


def _bytes_of(path: Path) -> bytes:
    return path.read_bytes()


async def test_a_second_pull_of_the_same_waits_and_finds_it_there(
    server: FileServer, store: Store, pull: Run, tiny: bytes
) -> None:
    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        return replace(answer, stall_at=10) if count == 1 else answer

    server.twist = twist
    first, second = Listener(), Listener()
    url = f"{server.url}/m.gguf"
    one = asyncio.ensure_future(pull(url, "one", first))
    await server.stalled.wait()
    other = asyncio.ensure_future(pull(url, "other", second))
    await second.ear.wait_for(Waiting("m.gguf"))
    server.go.set()
    assert (await one).manifest.model == (await other).manifest.model
    seen = second.ear.events[second.ear.events.index(Waiting("m.gguf")) + 1]
    assert isinstance(seen, Moved)
    assert seen.total_bytes == len(tiny)
    assert server.bytes_asked == len(tiny)
    assert [str(manifest.ref) for manifest in store.manifests()] == ["one", "other"]


async def test_a_second_pull_goes_on_where_the_first_one_gave_up(
    server: FileServer, pull: Run, tiny: bytes
) -> None:
    def twist(_asked: Asked, answer: Answer, count: int) -> Answer:
        return replace(answer, stall_at=10) if count == 1 else answer

    server.twist = twist
    first, second = Listener(), Listener()
    url = f"{server.url}/m.gguf"
    one = asyncio.ensure_future(pull(url, "one", first))
    await first.ear.wait_for(Moved(512 * KIB + 10, len(tiny)))
    other = asyncio.ensure_future(pull(url, "other", second))
    await second.ear.wait_for(Waiting("m.gguf"))
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert first.ear.of(Kept) == [Kept("m.gguf", 512 * KIB + 10)]
    await other
    assert server.gets[2].range is not None
    assert server.gets[2].range[0] == 512 * KIB + 10


@pytest.mark.parametrize("copied", [False, True])
async def test_who_waited_for_one_that_gave_up_gets_what_the_source_has_now(
    server: FileServer, store: Store, pull: Run, other: bytes, *, copied: bool
) -> None:
    """A name from the same source is older than the wait, though a copy of it is not."""
    url = f"{server.url}/m.gguf"
    await pull(url, "old")
    server.data, server.etag, server.asked = other, '"two"', []
    server.twist = lambda _a, answer, count: replace(answer, stall_at=10) if count == 0 else answer
    first, second = Listener(), Listener()
    one = asyncio.ensure_future(pull(url, "one", first))
    await server.stalled.wait()
    two = asyncio.ensure_future(pull(url, "two", second))
    await second.ear.wait_for(Waiting("m.gguf"))
    if copied:
        store.copy(ModelRef("old"), ModelRef("copy"))
    one.cancel()
    await asyncio.gather(one, return_exceptions=True)
    assert (await two).manifest.model.digest == sha(other)


async def test_waiting_for_one_file_says_nothing_of_the_next_one(
    server: FileServer, store: Store, pull: Run, split_model: Path
) -> None:
    """A new name of the same source, given while the first file was waited for: it has the second
    one too, as it was then. Nobody waited for that one, so the source is asked for it.
    """
    parts = {path.name: path.read_bytes() for path in split_model.parent.iterdir()}
    names = sorted(parts)

    def twist(asked: Asked, _answer: Answer, _count: int) -> Answer:
        server.data = parts[asked.path.lstrip("/")]
        server.etag = f'"{asked.path}"'
        return server.answer(asked)

    server.twist = twist
    url = f"{server.url}/{names[0]}"
    store.parts.mkdir(parents=True)
    keys = {name: hashlib.sha256(f"url {server.url}/{name}".encode()).hexdigest() for name in names}
    waited = min(names, key=lambda name: keys[name])
    lock = try_lock(store.parts / f"{keys[waited][:32]}.lock")
    assert lock is not None
    listener = Listener()
    with held(lock):
        task = asyncio.ensure_future(pull(url, "m", listener))
        await listener.ear.wait_for(Waiting(waited))
        layers = [stored_layer(store, name, name.encode()) for name in names if name != waited]
        PUT(store, Manifest(ModelRef("new"), url, tuple(layers), 1, {}))
    assert [layer.digest for layer in (await task).manifest.layers] == [
        sha(parts[name]) for name in names
    ]


async def test_an_unfinished_download_is_not_collected_while_it_goes_on(
    server: FileServer, store: Store, pull: Run
) -> None:
    server.twist = lambda _a, answer, count: replace(answer, stall_at=10) if count else answer
    task = asyncio.ensure_future(pull(f"{server.url}/m.gguf"))
    await server.stalled.wait()
    assert collect(store, clock=lambda: 4e9).removed == ()
    server.twist = honest
    server.go.set()
    await task


async def test_a_split_model_is_stored_whole_and_laid_out_for_its_engine(
    store: Store, pull: Run, split_model: Path
) -> None:
    pulled = await pull(str(split_model.parent), "split")
    assert len(pulled.manifest.layers) == 3
    found = find_model("split", store)
    assert found.facts.parts == 3
    assert found.path.name == "model-00001-of-00003.gguf"
    again = await pull(str(split_model), "split")
    assert not again.changed


async def test_a_split_model_named_in_capitals_is_pulled_and_not_run_in_place(
    store: Store, pull: Run, split_model: Path, tmp_path: Path
) -> None:
    """An engine finds the next part only where its name is in small letters, as the store's is."""
    folder = tmp_path / "loud"
    folder.mkdir()
    for path in split_model.parent.iterdir():
        (folder / path.name.upper()).write_bytes(path.read_bytes())
    first = folder / split_model.name.upper()
    assert read_facts(first).parts == 3
    with pytest.raises(ModelFileGarbageError, match="named so"):
        find_model(str(first))
    await pull(str(first), "split")
    found = find_model("split", store)
    assert (found.path.name, found.facts.parts) == ("model-00001-of-00003.gguf", 3)


async def test_a_split_model_comes_over_the_web_too(
    store: Store, pull: Run, split_model: Path
) -> None:
    parts = {path.name: path.read_bytes() for path in split_model.parent.iterdir()}

    def twist(asked: Asked, _answer: Answer, _count: int) -> Answer:
        server.data = parts[asked.path.lstrip("/")]
        server.etag = f'"{asked.path}"'
        return server.answer(asked)

    async with serving(FileServer(b"", twist)) as server:
        listener = Listener()
        await pull(f"{server.url}/m-00002-of-00003.gguf", None, listener)
    assert listener.resolved[0].ref == ModelRef("m")
    total = sum(map(len, parts.values()))
    assert listener.ear.of(Moved)[-1] == Moved(total, total)
    assert find_model("m", store).facts.parts == 3


async def test_parts_of_two_models_are_refused(
    store: Store, pull: Run, split_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in split_model.parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "m-00003-of-00003.gguf").write_bytes((folder / "m-00002-of-00003.gguf").read_bytes())
    with pytest.raises(ModelFileGarbageError, match="another one"):
        await pull(str(folder))
    assert everything(store) == []


async def test_a_file_of_this_disk_is_copied_and_left_alone(
    store: Store, pull: Run, tmp_path: Path, tiny: bytes
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(tiny)
    pulled = await pull(str(path), "m")
    path.write_bytes(b"GGUF")
    assert find_model("m", store).path.read_bytes() == tiny
    assert pulled.manifest.source == str(path)


async def test_a_file_that_is_stored_already_is_not_copied_again(
    store: Store, pull: Run, tmp_path: Path, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(tiny)
    await pull(str(path), "m")
    monkeypatch.setattr("stoker.models.pulling.bringing.copy_in", None)
    assert not (await pull(str(path), "m")).changed
    assert (await pull(str(path), "n")).changed


async def test_the_disk_is_looked_at_for_all_files_together_first(
    server: FileServer, pull: Run
) -> None:
    with pytest.raises(DiskFullError, match="are still to come"):
        await pull(f"{server.url}/m.gguf", limits=replace(LIMITS, spare_bytes=1 << 50))
    assert server.gets == []


@dataclass
class Fixed:
    """A source with a fixed offer."""

    offer: Offer

    async def resolve(self, client: Any) -> Offer:
        return self.offer


async def test_a_disk_is_full_only_for_what_is_known_to_come(
    server: FileServer, pull: Run, tmp_path: Path, tiny: bytes
) -> None:
    """A size that is not told yet counts once it is, and never as nothing."""
    file = tmp_path / "m.gguf"
    file.write_bytes(tiny)
    server.twist = lambda asked, answer, _c: Answer(405) if asked.method == "HEAD" else answer
    limits = replace(LIMITS, spare_bytes=1 << 60)
    for text in (str(file), f"{server.url}/m.gguf"):
        with pytest.raises(DiskFullError) as caught:
            await pull(text, limits=limits)
        assert caught.value.message.startswith("1.49 MiB are still to come")


async def test_a_registrys_small_files_come_along(
    server: FileServer, store: Store, pull: Run, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the same licence, a template, a projector; each by its digest."""
    files = {"/model": tiny, "/licence": b"free", "/template": b"{{ . }}", "/projector": STARTER}

    def twist(asked: Asked, _answer: Answer, _count: int) -> Answer:
        server.data, server.etag = files[asked.path], f'"{asked.path}"'
        return server.answer(asked)

    def offered(name: str, kind: str) -> Offered:
        data = files[f"/{kind}"]
        return Offered(name, len(data), sha(data), f"{server.url}/{kind}", kind=kind)

    offer = Offer(
        "ollama:x",
        (
            *(offered("a", "licence"), offered("m.gguf", "model"), offered("b", "licence")),
            *(offered("t", "template"), offered("p.gguf", "projector")),
        ),
    )
    monkeypatch.setattr(pulling, "source_for", lambda _reference: Fixed(offer))
    server.twist = twist
    pulled = await pull("ollama:x", "x")
    assert [layer.name for layer in pulled.manifest.layers] == ["a", "m.gguf", "b", "t", "p.gguf"]
    assert [asked.path for asked in server.gets].count("/licence") == 1
    assert store.blob(sha(b"free")).read_bytes() == b"free"
    assert pulled.manifest.facts["digest"] == sha(tiny)
    assert collect(store, clock=lambda: 4e9).removed == ()
    server.asked.clear()
    assert not (await pull("ollama:x", "x")).changed
    assert server.gets == []


async def test_a_small_file_that_is_wrong_spoils_all(
    server: FileServer, store: Store, pull: Run, tiny: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{server.url}/m"
    model = Offered("m.gguf", len(tiny), sha(tiny), url)
    licence = Offered("l", len(tiny), sha(b"free"), url, kind="licence")
    offer = Offer("ollama:x", (model, licence))
    monkeypatch.setattr(pulling, "source_for", lambda _reference: Fixed(offer))
    with pytest.raises(DigestMismatchError):
        await pull("ollama:x", "x")
    assert [path for path in everything(store) if not path.startswith("parts/")] == []


@pytest.mark.parametrize(
    "offer",
    [
        Offer("s", ()),
        Offer("s", tuple(Offered(str(n), 1, None, f"http://h/{n}") for n in range(65))),
        Offer("s" * 3000, (Offered("m.gguf", 1, None, "http://h/"),)),
        Offer("s\x1b", (Offered("m.gguf", 1, None, "http://h/"),)),
        Offer("s", (Offered("l", 1, None, "http://h/", kind="licence"),)),
        Offer("s", (Offered("m.gguf", 1, None, "http://h/", kind="program"),)),
        Offer("s", (Offered("m.gguf", 1, "sha256:../../../etc/passwd", "http://h/"),)),
        Offer("s", (Offered("m.gguf", 1, f"sha256:{'A' * 64}", "http://h/"),)),
        Offer("s", (Offered("m.gguf", -1, None, "http://h/"),)),
        Offer("s", (Offered("m.gguf", 1 << 60, None, "http://h/"),)),
        Offer("s", (Offered("m\x00.gguf", 1, None, "http://h/"),)),
        Offer("s", (Offered("a\\b.gguf", 1, None, "http://h/"),)),
    ],
    ids=lambda offer: f"{offer.source[:2]!r} {[file.name[:3] for file in offer.files[:1]]}",
)
async def test_what_the_store_could_not_write_down_is_refused_first(
    store: Store, pull: Run, monkeypatch: pytest.MonkeyPatch, offer: Offer
) -> None:
    monkeypatch.setattr(pulling, "source_for", lambda _reference: Fixed(offer))
    with pytest.raises(SourceUnsafeError):
        await pull("./x", "x")
    assert everything(store) == []


async def test_two_pulls_of_the_same_files_never_wait_for_each_other(
    server: FileServer, store: Store, tiny: bytes, other: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two list them in opposite orders."""
    files = {"/a": tiny, "/b": other}

    def twist(asked: Asked, _answer: Answer, _count: int) -> Answer:
        server.data, server.etag = files[asked.path], f'"{asked.path}"'
        return server.answer(asked)

    server.twist = twist
    model = Offered("a.gguf", None, None, f"{server.url}/a")
    projector = Offered("b.gguf", None, None, f"{server.url}/b", kind="projector")
    swapped = (replace(projector, kind="model"), replace(model, kind="projector"))
    offers = {"./1": Offer("1", (model, projector)), "./2": Offer("2", swapped)}
    monkeypatch.setattr(pulling, "source_for", lambda one: Fixed(offers[f"./{one}"]))

    async def run(text: str) -> Pulled:
        async with HttpClient(limits=LIMITS) as client:
            listener = Listener()
            ref = ModelRef(f"n{text[-1]}")
            return await Pull(parse_reference(text), ref, store, listener.audience).run(client)

    done = await asyncio.gather(*(run(text) for text in ("./1", "./2")))
    assert [one.manifest.model.name for one in done] == ["a.gguf", "b.gguf"]


def test_names_of_a_source_are_cut_to_what_a_manifest_holds() -> None:
    file = Offered(f"deep/{'a' * 400}.gguf", 1, None)
    assert len(show_name(file)) <= 200
    assert os.sep not in show_name(file)
