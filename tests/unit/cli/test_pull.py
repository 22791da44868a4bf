"""`stoker pull` through its command: what it prints, what it asks, what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from stoker.cli import pull as module
from stoker.cli.pages.choosing import choice_lines
from stoker.cli.pull import command
from stoker.cli.terminal.pull_display import Bar, Display, Lines, Rate, bar_text
from stoker.core.choices import Choice
from stoker.core.errors import (
    FileMissingError,
    InvalidSourceError,
    NameTakenError,
    SourceDeniedError,
    SourceError,
    SourceMissingError,
    SourceUnreachableError,
    StokerError,
)
from stoker.core.model import ModelRef
from stoker.models.catalogue import starter
from stoker.models.download.events import Kept, Moved, Retrying, StartedOver, Waiting
from stoker.models.pulling.changes import Change, State
from stoker.models.pulling.pull import Resolved
from stoker.models.sources.base import Offer, Offered
from stoker.models.storing.store import Store
from stoker.testing.synthetic import write_model

Call = Callable[..., Result]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    return Store(tmp_path / "home" / "models")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny") / "tiny-Q8_0.gguf")


def call(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(command, [str(word) for word in arguments], input=text)


def lines(done: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_it_says_what_it_fetches_and_what_it_is_called(store: Store, tiny: Path) -> None:
    done = call(tiny)
    assert done.exit_code == 0
    assert done.stderr == "Fetching 1.49 MiB as tiny:q8_0 (--as NAME calls it otherwise)\n"
    digest = store.manifests()[0].model.digest
    assert done.stdout == f"tiny:q8_0  1.49 MiB  Q8_0  {digest[:19]}\n"
    assert call(tiny).stdout.endswith("  up to date\n")


def test_a_program_gets_lines_of_json_and_nothing_else(store: Store, tiny: Path) -> None:
    done = call(tiny, "--as", "mine:v1", "--json")
    events = lines(done)
    assert [one["event"] for one in events] == ["resolved", "progress", "done"]
    assert events[0]["model"] == "mine:v1"
    assert events[0]["files"] == [
        {
            "name": "tiny-Q8_0.gguf",
            "bytes": tiny.stat().st_size,
            "digest": None,
            "kind": "model",
        }
    ]
    assert events[1]["bytes"] == events[1]["total_bytes"] == tiny.stat().st_size
    digest = store.manifests()[0].model.digest
    assert events[2] == {
        "event": "done",
        "model": "mine:v1",
        "changed": True,
        "source": str(tiny),
        "bytes": tiny.stat().st_size,
        "digests": [digest],
        "quantization": "Q8_0",
        "parameters": 1_443_072,
    }
    assert done.stderr == ""
    assert lines(call(tiny, "--as", "mine:v1", "--json"))[-1]["changed"] is False


def test_a_name_that_means_something_else_is_kept_unless_told(store: Store, tiny: Path) -> None:
    call(tiny, "--as", "m")
    before = store.manifests()
    done = call(starter().path, "--as", "m")
    assert isinstance(done.exception, NameTakenError)
    assert "--yes" in done.exception.hint
    assert store.manifests() == before
    words = [line.split() for line in done.stderr.splitlines()]
    assert ["quantization", "Q8_0", "F16"] in words
    assert ["context", "length", "2048", "1024"] in words
    assert ["size", "1.49", "MiB", "10.1", "MiB"] in words
    done = call(starter().path, "--as", "m", "--yes")
    assert done.exit_code == 0
    assert "stoker gc" in done.stderr
    assert store.manifests()[0].facts["quantization"] == "F16"


@pytest.mark.parametrize(("answer", "kept"), [("y\n", False), ("n\n", True)])
def test_on_a_terminal_it_asks(
    store: Store, tiny: Path, monkeypatch: pytest.MonkeyPatch, *, answer: str, kept: bool
) -> None:
    call(tiny, "--as", "m")
    before = store.manifests()
    monkeypatch.setattr(module, "_can_ask", lambda: True)
    done = call(starter().path, "--as", "m", text=answer)
    assert "Shall m mean the new one?" in done.stderr
    assert (store.manifests() == before) is kept


def test_what_names_nothing_is_refused(store: Store, tmp_path: Path) -> None:
    for text in ("", "a\\b", "x" * 5000, "ftp://h/x", "https://h/../x"):
        assert isinstance(call(text).exception, InvalidSourceError)
    assert isinstance(call(tmp_path / "none").exception, FileMissingError)
    assert not store.root.exists()


def test_the_help_shows_examples() -> None:
    shown = call("--help").stdout
    assert "Examples:" in shown
    assert "stoker pull https://" in shown
    assert "--json" in shown


class Time:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_rate_is_that_of_the_last_seconds_and_forgets_what_was_there() -> None:
    time = Time()
    rate = Rate(time)
    rate.see(1_000_000)
    assert rate.bytes_per_s == 0
    time.now = 1.0
    rate.see(1_000_100)
    assert rate.bytes_per_s == 100
    for second in range(2, 40):
        time.now = float(second)
        rate.see(1_000_100 + 7 * (second - 1))
    assert rate.bytes_per_s == 7
    rate.see(5)
    assert rate.bytes_per_s == 0


def test_a_bar_tells_how_far_how_fast_and_how_long_still() -> None:
    mib = 1 << 20
    text = bar_text(Moved(50 * mib, 200 * mib), float(10 * mib))
    assert text == " 25 % [#####               ] 50 MiB of 200 MiB  10 MiB/s  15 s left"
    assert bar_text(Moved(5, None), 0.0) == "5 B  -"
    assert bar_text(Moved(mib, 36000 * mib), float(mib)).endswith("10 h 0 min left")
    assert bar_text(Moved(mib, 600 * mib), float(mib)).endswith("10 min left")
    assert "left" not in bar_text(Moved(mib, mib), float(mib))


def heard(display: Display, time: Time, events: list[Moved]) -> None:
    for event in events:
        display.hear(event)
        time.now += 0.1


def test_a_bar_is_drawn_a_few_times_a_second_and_ends_before_other_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    time = Time()
    bar = Bar(time)
    heard(bar, time, [Moved(count, 100) for count in range(20)])
    bar.hear(Waiting("m"))
    written = capsys.readouterr()
    assert written.out == ""
    assert 5 <= written.err.count("\r") <= 11
    assert written.err.endswith("\nanother process fetches m; waiting for it\n")


@pytest.mark.parametrize("columns", [1, 5, 12, 20, 40, 60, 80])
def test_a_bar_is_never_as_wide_as_its_terminal(columns: int) -> None:
    mib = 1 << 20
    for moved, rate in [(Moved(999 * mib, 20000 * mib), 7e6), (Moved(5, None), 0.0)]:
        assert len(bar_text(moved, rate, columns)) < columns
    if columns == 40:
        text = bar_text(Moved(50 * mib, 200 * mib), float(10 * mib), columns)
        assert text == " 25 %  10 MiB/s  15 s left"


def test_a_terminal_shows_tries_in_place(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar(Time())
    for _ in range(160):
        bar.hear(Retrying("lost", 2.0))
    written = capsys.readouterr().err
    assert "\n" not in written
    assert written.count("\rlost; trying again in 2.00 s") == 160


def test_a_log_tells_of_many_tries_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    display = Display(time)
    for _ in range(160):
        display.hear(Retrying("lost", 2.0))
        time.now += 0.5
    assert capsys.readouterr().err.splitlines() == [
        "lost; trying again in 2.00 s",
        "lost; trying again in 2.00 s (59 more times since)",
        "lost; trying again in 2.00 s (59 more times since)",
    ]


def test_lines_come_once_a_second_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    display = Lines(time)
    heard(display, time, [Moved(count, 40) for count in range(41)])
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(shown) == 4
    assert shown[-1]["bytes"] == 40
    assert shown[1]["bytes_per_s"] == 10


def test_a_log_gets_what_is_out_of_the_ordinary(capsys: pytest.CaptureFixture[str]) -> None:
    time = Time()
    display = Display(time)
    heard(display, time, [Moved(count, 40) for count in range(41)])
    display.hear(StartedOver("m.gguf", "it changed at its source"))
    display.hear(Waiting("m.gguf"))
    assert capsys.readouterr().err.splitlines() == [
        "m.gguf: it changed at its source; starting over",
        "another process fetches m.gguf; waiting for it",
    ]


def test_an_interrupted_pull_says_what_is_kept_and_how_to_go_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = Lines(Time())
    display.hear(Kept("m.gguf", 2048))
    display.interrupted("stoker pull x")
    written = capsys.readouterr()
    assert json.loads(written.out) == {"event": "interrupted", "kept_bytes": 2048}
    assert "2 KiB are kept" in written.err
    assert "hint: stoker pull x goes on from there" in written.err
    Display(Time()).interrupted("stoker pull x")
    assert "nothing is kept" in capsys.readouterr().err


def test_what_is_kept_of_a_failed_pull_is_said_only_where_something_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = Display(Time())
    display.broke_off(StokerError())
    display.hear(Kept("m.gguf", 0))
    display.broke_off(StokerError())
    assert capsys.readouterr().err == ""
    display.hear(Kept("m.gguf", 2048))
    display.broke_off(StokerError())
    assert capsys.readouterr().err == "2 KiB are kept: the same command goes on from there\n"


def test_no_error_promises_that_something_is_kept_before_it_is() -> None:
    for kind in (SourceError, SourceUnreachableError, SourceDeniedError, SourceMissingError):
        assert "fetched so far" not in kind().hint
        assert "HF_TOKEN" not in kind().hint


@pytest.mark.parametrize(("here", "text"), [(True, "Already here: kept"), (False, "Fetching 7 B")])
def test_what_is_here_is_not_fetched(
    capsys: pytest.CaptureFixture[str], *, here: bool, text: str
) -> None:
    offer = Offer("x", (Offered("m.gguf", 7, None),))
    talk = module._Talk(Display(Time()), named=True, yes=False, as_json=False)
    talk.resolved(Resolved(ModelRef("m"), offer, (here,)))
    assert capsys.readouterr().err == f"{text} as m\n"


def test_what_a_name_meant_stays_only_where_no_other_name_means_it(
    store: Store, tiny: Path
) -> None:
    call(tiny, "--as", "m")
    call(tiny, "--as", "other")
    assert "stoker gc" not in call(starter().path, "--as", "m", "--yes").stderr
    assert "1.49 MiB of what it meant" in call(starter().path, "--as", "other", "--yes").stderr


def test_a_command_that_holds_a_signature_is_not_repeated() -> None:
    assert module._again("https://host/a", "my shop") == "stoker pull https://host/a --as 'my shop'"
    assert module._again("https://host/a?sig=s3cret", None) == "the same command"


def test_what_signs_an_address_is_not_shown_where_a_name_would_change(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old = State(("sha256:1",), 1, "https://host/a?sig=s3cret", {})
    new = replace(old, source="https://host/b?sig=s3cret")
    talk = module._Talk(Display(Time()), named=True, yes=True, as_json=False)
    assert talk.agree(Change(ModelRef("m"), old, new))
    written = capsys.readouterr().err
    assert ("https://host/a\n" in written, "https://host/b\n" in written) == (True, True)
    assert "s3cret" not in written


def test_a_stored_name_is_pulled_anew_from_its_source(store: Store, tmp_path: Path) -> None:
    path = write_model(tmp_path / "shop.gguf")
    call(path, "--as", "shop:v1")
    before = store.manifests()
    assert call("shop:v1").stdout.endswith("up to date\n")
    write_model(path, seed=7)
    assert isinstance(call("shop:v1").exception, NameTakenError)
    assert call("shop:v1", "--yes").exit_code == 0
    (now,) = store.manifests()
    assert (now.ref, now.source) == (before[0].ref, before[0].source)
    assert now.model.digest != before[0].model.digest
    assert isinstance(call("shop:v2").exception, FileMissingError)


@pytest.mark.parametrize(
    ("source", "again"),
    [
        (f"hf:o/r:m.gguf@v1#commit={'0' * 40}", "hf:o/r:m.gguf@v1"),
        (f"https://h/m.gguf#sha256={'0' * 64}", f"https://h/m.gguf#sha256={'0' * 64}"),
        (f"ollama:shop:1b@sha256:{'0' * 64}", "ollama:shop:1b"),
    ],
)
def test_what_the_store_pinned_is_loosened_and_what_the_person_pinned_is_not(
    store: Store, tiny: Path, source: str, again: str
) -> None:
    call(tiny, "--as", "m")
    store.put(replace(store.manifests()[0], source=source))
    assert [str(one) for one in module._meant("m")] == [again, "m"]


def test_a_program_gets_errors_and_choices_as_lines(store: Store, tiny: Path) -> None:
    for text, code in (("a\\b", "invalid_source"), (tiny.parent / "none", "file_missing")):
        (line,) = lines(call(text, "--json"))
        assert (line["event"], line["code"]) == ("error", code)
        assert line["message"]
        assert line["hint"]
    (tiny.parent / "second-Q4_0.gguf").write_bytes(b"GGUF")
    (line,) = lines(call(tiny.parent, "--json"))
    (tiny.parent / "second-Q4_0.gguf").unlink()
    assert line["code"] == "several_files"
    assert line["choices"] == [
        {"name": "second-Q4_0.gguf", "quantization": "Q4_0", "bytes": 4},
        {"name": "tiny-Q8_0.gguf", "quantization": "Q8_0", "bytes": tiny.stat().st_size},
    ]


def test_a_program_gets_a_change_as_a_line(store: Store, tiny: Path) -> None:
    call(tiny, "--as", "m")
    done = call(starter().path, "--as", "m", "--json")
    events = {one["event"]: one for one in lines(done)}
    assert done.stderr == ""
    change = events["change"]["change"]
    assert change["now"]["bytes"] == tiny.stat().st_size
    assert change["then"]["digests"] == [starter().facts.digest]
    assert change["differing"]["quantization"] == ["Q8_0", "F16"]
    assert events["error"]["code"] == "name_taken"


def test_choices_are_a_table(store: Store) -> None:
    found = [Choice("Q2_K", "Q2_K", 2 << 30), Choice("UD-Q8_K_XL", "UD-Q8_K_XL", None, 3)]
    assert choice_lines(found) == [
        "  Q2_K        2 GiB",
        "  UD-Q8_K_XL  size not known in 3 files",
    ]
    assert choice_lines(found * 21)[-1] == "  and 2 more"
    assert choice_lines([]) == []


def test_ctrl_c_at_the_question_ends_it(
    store: Store, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call(tiny, "--as", "m")
    monkeypatch.setattr(module, "_can_ask", lambda: True)

    def interrupted(*_words: object, **_more: object) -> bool:
        raise click.Abort

    monkeypatch.setattr(click, "confirm", interrupted)
    before = store.manifests()
    assert call(starter().path, "--as", "m").exit_code == 1
    assert store.manifests() == before
