"""The command as a person or a program uses it: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from stoker.cli.main import VERBS
from stoker.testing.broken import write_broken
from stoker.testing.running import COMMAND
from stoker.testing.synthetic import write_model

pytestmark = pytest.mark.slow
QUESTION = "What is the refund policy?"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "STOKER_HOME": str(tmp_path / "home")}


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    def call(*arguments: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        given = {"stdin": subprocess.DEVNULL} if text is None else {"input": text}
        return subprocess.run(
            [COMMAND, *arguments],
            env=environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=30,
            **given,
        )

    return call


def assert_one_error(done: subprocess.CompletedProcess[str], code: int) -> None:
    lines = done.stderr.splitlines()
    assert done.returncode == code, done.stderr
    assert [line.partition(":")[0] for line in lines] == ["error", "hint"]
    assert done.stdout == ""


@pytest.mark.engine
def test_run_answers_a_prompt_on_stdout_and_says_nothing_else(run: Run) -> None:
    done = run("run", "starter", QUESTION, "--temperature", "0")
    assert done.returncode == 0
    assert len(done.stdout.split()) > 3
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


@pytest.mark.engine
def test_run_answers_piped_text_as_it_answers_a_prompt(run: Run) -> None:
    piped = run("run", "starter", "--temperature", "0", text=QUESTION)
    assert piped.stdout == run("run", "starter", QUESTION, "--temperature", "0").stdout


@pytest.mark.engine
def test_run_json_has_the_keys_that_programs_rely_on(run: Run) -> None:
    done = run("run", "starter", QUESTION, "--json", "--max-tokens", "5")
    document = json.loads(done.stdout)
    assert done.stderr == ""
    assert document.keys() >= {"text", "usage", "timings", "memory_peak_bytes"}
    assert document["timings"].keys() >= {
        "import_s",
        "spawn_s",
        "load_s",
        "warmup_s",
        "first_token_s",
        "prefill_tok_s",
        "decode_tok_s",
    }
    assert document["usage"]["completion_tokens"] == 5
    assert document["memory_peak_bytes"] > 1 << 20


@pytest.mark.engine
def test_run_stats_go_to_stderr_without_escape_codes(run: Run) -> None:
    done = run("run", "starter", QUESTION, "--stats", "--max-tokens", "3")
    for word in ("import", "spawn", "load", "warm-up", "first token", "tokens/s", "peak memory"):
        assert word in done.stderr
        assert word not in done.stdout
    assert "\x1b" not in done.stderr


def workers_under(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task")
    found = [int(w) for t in path.iterdir() for w in (t / "children").read_text().split()]
    return [*found, *(deeper for child in found for deeper in workers_under(child))]


@pytest.mark.engine
def test_an_interrupt_stops_the_answer_and_leaves_no_child(
    environment: dict[str, str], tiny_model: Path
) -> None:
    command = [COMMAND, "run", str(tiny_model), "ka", "--temperature", "0", "--threads", "1"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        os.read(process.stdout.fileno(), 1)
        workers = workers_under(process.pid)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"Traceback" not in said
    assert workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


class Terminal:
    """A person at a terminal: reads until something is there, and types."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            os.execvpe(command[0], command, environment)  # noqa: S606 - there is no shell to start
        self.screen = ""

    def wait_for(self, text: str, timeout_s: float = 15.0) -> None:
        deadline = time.monotonic() + timeout_s
        while text not in self.screen:
            ready, _, _ = select.select([self._fd], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come: {self.screen!r}"
            self.screen += os.read(self._fd, 4096).decode(errors="replace")
        self.screen = self.screen.partition(text)[2]

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def end(self) -> int:
        try:
            while os.read(self._fd, 4096):
                pass
        except OSError:
            pass  # how a terminal says that the program has let go of it
        os.close(self._fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.mark.engine
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_chat_answers_is_interrupted_and_ends(
    environment: dict[str, str], tiny_model: Path
) -> None:
    person = Terminal(
        [COMMAND, "run", str(tiny_model), "--temperature", "0", "--threads", "1"], environment
    )
    person.wait_for("> ")
    person.type("ka\r")
    person.wait_for("ka\r\n")
    person.wait_for(" ")
    person.type("\x03")
    person.wait_for("stopped")
    person.wait_for("> ")
    person.type("/bye\r")
    assert person.end() == 0


def test_help_is_quick_to_import() -> None:
    program = (
        "import sys\nfrom stoker.cli.main import cli\n"
        "cli.main(['--help'], standalone_mode=False)\n"
        "heavy = {'aiohttp', 'numpy', 'xllamacpp', 'pydantic', 'asyncio', 'uvloop'}\n"
        "sys.exit(str(heavy & sys.modules.keys()) if heavy & sys.modules.keys() else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_every_verb_has_an_example(run: Run, verb: str) -> None:
    done = run(verb, "--help")
    assert done.returncode == 0
    assert re.search(rf"Examples?:\n.*stoker {verb}", done.stdout)
    module = "import_" if verb == "import" else verb
    assert import_module(f"stoker.cli.{module}").command.short_help == VERBS[verb]


@pytest.mark.parametrize(("kind", "code"), [("missing", 4), ("empty", 5), ("garbage", 5)])
@pytest.mark.parametrize("verb", ["run", "serve", "show"])
def test_a_broken_model_file_is_one_line_a_hint_and_its_exit_code(
    run: Run, tmp_path: Path, verb: str, kind: str, code: int
) -> None:
    path = write_broken(tmp_path / "bad.gguf", kind)
    assert_one_error(run(verb, str(path), *(["a"] if verb == "run" else [])), code)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("show", "nothing"), 4),
        (("pull", "./none.gguf"), 4),
        (("import", "./none"), 4),
        (("show", "./none/"), 4),
        (("quantize", "./none.gguf", "--to", "q8_0"), 4),
        (("quantize", "starter", "--to", "q9"), 2),
        (("compare", "starter", "--tasks", "./none.jsonl"), 4),
        (("compare", "starter", "--text", "./none.txt"), 4),
        (("advise", "--needs", "./none.toml"), 4),
        (("rm", "starter"), 2),
        (("stop",), 7),
        (("serve", "--host", "0.0.0.0", "--port", "0"), 10),  # noqa: S104 - it is refused
        (("run", "starter", "a", "--ctx", "10000000"), 2),
    ],
)
def test_an_error_ends_with_the_code_of_its_family(
    run: Run, arguments: tuple[str, ...], code: int
) -> None:
    assert_one_error(run(*arguments), code)


@pytest.mark.parametrize("arguments", [("fly",), ("run", "--wings"), ("run", "--seed", "x")])
def test_a_wrong_word_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    assert_one_error(run(*arguments), 2)


def test_more_piped_text_than_any_prompt_holds_is_refused(run: Run) -> None:
    done = run("run", "starter", text="x" * ((16 << 20) + 1))
    assert_one_error(done, 2)
    assert done.stderr.startswith("error: The standard input holds more than")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Run, shell: str) -> None:
    done = run("completion", shell)
    assert done.returncode == 0
    assert "_STOKER_COMPLETE" in done.stdout


def test_ps_without_a_service_is_an_empty_list(run: Run) -> None:
    done = run("ps", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == []


def test_show_json_has_the_keys_that_programs_rely_on(run: Run) -> None:
    document = json.loads(run("show", "starter", "--json").stdout)
    keys = {"architecture", "parameters", "quantization", "bytes", "context", "digest"}
    assert document.keys() >= keys
    assert re.fullmatch("sha256:[0-9a-f]{64}", document["digest"])


def test_a_reader_that_has_enough_is_no_error(environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{COMMAND} completion bash | head -c 1"],
        env=environment,
        capture_output=True,
        check=False,
        timeout=20,
    )
    assert done.stderr == b""


@pytest.mark.parametrize(
    "arguments", [("ls",), ("show", "starter", "--json"), ("completion", "bash")]
)
def test_an_output_on_a_full_disk_is_one_error(
    environment: dict[str, str], arguments: tuple[str, ...]
) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            timeout=20,
        )
    assert_one_error(subprocess.CompletedProcess([], done.returncode, "", done.stderr), 1)
    assert "The output cannot be written: No space left on device" in done.stderr


@pytest.mark.engine
@pytest.mark.parametrize("verb", ["run", "embed"])
def test_an_answer_on_a_full_disk_is_one_error(
    environment: dict[str, str], tmp_path: Path, verb: str
) -> None:
    model = write_model(tmp_path / "m.gguf", "tiny_embed" if verb == "embed" else "tiny")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [COMMAND, verb, str(model), "ka"],
            env=environment,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            text=True,
            timeout=20,
        )
    assert_one_error(subprocess.CompletedProcess([], done.returncode, "", done.stderr), 1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("run starter", 2),
        ("embed MODEL", 2),
        ("pull ./none.gguf --yes", 4),
        ("advise --data machine", 0),
        ("show starter", 0),
    ],
)
@pytest.mark.parametrize("closed", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_has_closed_are_no_traceback(
    environment: dict[str, str], tiny_model: Path, arguments: str, code: int, closed: str
) -> None:
    embeds = write_model(tiny_model.with_name("embeds.gguf"), "tiny_embed")
    words = arguments.replace("MODEL", str(embeds))
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec {COMMAND} {words} {closed}"],
        env=environment,
        capture_output=True,
        check=False,
        text=True,
        timeout=20,
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.engine
def test_ps_and_stop_command_a_running_service(
    run: Run, start_service: Callable, tmp_path: Path
) -> None:
    service = start_service("starter", home=tmp_path / "home")
    body = {"model": "starter", "prompt": "a", "max_tokens": 1}
    assert service.request("POST", "/v1/completions", body)[0] == 200
    (row,) = json.loads(run("ps", "--json").stdout)
    assert row.keys() >= {"model", "state", "pid", "memory_bytes", "slots", "slots_busy"}
    assert (row["model"], row["state"], row["slots_busy"]) == ("starter", "ready", 0)
    assert "starter" in run("ps").stdout
    assert_one_error(run("stop", "nope"), 4)
    assert "stoker ps" in run("stop", "nope").stderr
    assert run("stop", "starter").returncode == 0
    assert json.loads(run("ps", "--json").stdout)[0]["state"] == "cold"
    assert run("stop").returncode == 0
    assert service.process.wait(10) == 0
    assert run("stop").returncode == 7
