"""Plans with the real engine: exact, quick enough to be asked for, and run as they were written."""

from __future__ import annotations

import json
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner

from stoker.cli import plan
from stoker.core.errors import LoadFailedError, ModelFileError, NotEnoughMemoryError, StokerError
from stoker.core.memory import COUNTED
from stoker.core.plan import Verdict
from stoker.library.judging.planning import Order, look_around, plan_models, propose_models
from stoker.library.plan_files.plan_file import plan_file_of
from stoker.models.catalogue import STARTER_FOLDER, starter
from stoker.models.storing.store import hash_file
from stoker.planning.defaults import Wishes
from stoker.planning.proposal.counting import count_plainly
from stoker.testing.architectures import write_architecture
from stoker.testing.running import COMMAND, RunningService
from stoker.testing.synthetic import write_split_model
from support import local_hub, local_registry
from support.file_server import FileServer, serving

pytestmark = [pytest.mark.engine, pytest.mark.slow]
STARTER_FILE = STARTER_FOLDER / "starter.gguf"
PLANNED = ("--ctx", "512", "--parallel", "2", "--threads", "1", "--kv-type", "q8_0")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    monkeypatch.setenv("STOKER_HOME", str(home))
    return home


def planned(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(plan.command, [*arguments, "--json"])
    assert result.exception is None, result.output
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def test_the_starters_memory_is_counted_by_the_engine() -> None:
    resident, _ = plan_models(Order(("starter",)))
    proposal = resident.proposals[0]
    assert proposal.need.source == "engine"
    assert proposal.verdict is Verdict.FITS
    assert proposal.need.of(*COUNTED) == count_plainly(proposal.plan).of(*COUNTED)
    assert proposal.notes == ()
    assert proposal.digest == starter().facts.digest


@pytest.mark.parametrize("name", ["gemma3", "deepseek2", "granitehybrid", "bert"])
def test_other_architectures_are_planned_too(name: str, tmp_path: Path) -> None:
    path = write_architecture(tmp_path / f"{name}.gguf", name)
    document = planned(str(path))
    assert document["memory"]["source"] == "engine"
    assert document["notes"] == []
    assert document["digest"] is None


def test_the_engine_counts_latent_attention_with_a_quantized_cache(tmp_path: Path) -> None:
    path = str(write_architecture(tmp_path / "deepseek2.gguf", "deepseek2"))
    whole, small = planned(path), planned(path, "--kv-type", "q4_0")
    assert small["memory"]["source"] == "engine"
    assert small["notes"] == []  # the formula agrees
    assert small["memory"]["kv_bytes"] < 0.3 * whole["memory"]["kv_bytes"]


OPTIONS = {"slots": "--parallel", "context": "--ctx", "kv_type": "--kv-type"}


@pytest.mark.parametrize("name", ["gemma3n", "deepseek2"])
def test_what_is_offered_does_fit_as_the_engine_counts(name: str, tmp_path: Path) -> None:
    """The formulas do not outline the first, so its changes are held to the engine's count."""
    path = str(write_architecture(tmp_path / f"{name}.gguf", name))
    asked = {"--ctx": "4096", "--parallel": "6"}
    words = [word for pair in asked.items() for word in pair]
    whole = planned(path, *words)["memory"]["total_bytes"]
    budget = ["--budget", str(int(0.9 * whole)), "--json"]
    refused = CliRunner().invoke(plan.command, [path, *words, *budget])
    changes = json.loads(refused.stdout)["changes"]
    tried = [one for one in changes if one["kind"] in OPTIONS]
    assert len(tried) == 3
    for change in tried:
        others = {**asked, OPTIONS[change["kind"]]: change["value"]}
        words = [word for pair in others.items() for word in pair]
        document = planned(path, *words, *budget[:2])
        assert document["memory"]["source"] == "engine"
        assert document["memory"]["total_bytes"] <= change["total_bytes"]


async def test_a_far_model_is_planned_by_its_header_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    data = STARTER_FILE.read_bytes()
    async with local_registry.local_registry() as registry:
        registry.image("v1", [registry.layer("application/vnd.docker.ai.gguf.v3", data)])
        order = Order((f"oci:{registry.host}/some/shop:v1",), Wishes(context=512, slots=2))
        far = await propose_models(order, look_around(order))
    near = await propose_models(Order(("starter",), order.wishes), look_around(order))
    one, other = far.proposals[0], near.proposals[0]
    assert (one.here, other.here) == (False, True)
    assert one.need == other.need
    assert one.digest == local_registry.digest_of(data)


async def test_of_a_file_on_the_web_only_the_header_is_fetched(tmp_path: Path) -> None:
    path = write_architecture(tmp_path / "m.gguf", "llama", vocabulary=2000, hidden=512, layers=8)
    async with serving(FileServer(path.read_bytes())) as server:
        order = Order((f"{server.url}/m-q8_0.gguf",))
        resident = await propose_models(order, look_around(order))
        fetched = sum(one.range is not None for one in server.asked)
    assert resident.proposals[0].need.source == "engine"
    assert fetched <= 2


async def test_of_a_repository_with_several_the_usual_one_is_planned_beside_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415 - slow

    data = STARTER_FILE.read_bytes()
    files = {"m-Q8_0.gguf": data, "m-Q4_K_M.gguf": data[:-1000], "m-Q2_K.gguf": data[:100]}
    async with local_hub.local_hub(files) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        order = Order(("hf:owner/repo",))
        with pytest.raises(ModelFileError):  # cut short: it is the usual one that was read
            await propose_models(order, look_around(order))
        hub.files["m-Q4_K_M.gguf"] = data
        proposal = (await propose_models(order, look_around(order))).proposals[0]
    assert proposal.quantization == "Q4_K_M"
    assert proposal.source == f"hf:owner/repo:Q4_K_M#commit={local_hub.COMMIT}"
    assert "of 3 quantizations there Q4_K_M was taken" in proposal.notes[0]
    smaller = next(one for one in proposal.alternatives if one.value == "Q2_K")
    assert (smaller.weights_bytes, smaller.source) == (100, "listed at the source")


async def test_of_a_far_model_in_several_files_every_digest_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants  # noqa: PLC0415 - slow

    (tmp_path / "split").mkdir()
    parts = sorted(write_split_model(tmp_path / "split" / "m.gguf", 3).parent.iterdir())
    files = {part.name: part.read_bytes() for part in parts}
    async with local_hub.local_hub(files) as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        template = f"{hub.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        order = Order(("hf:owner/repo",))
        around = look_around(order)
        resident = await propose_models(order, around)
    table = plan_file_of(resident, around.machine).model[0]
    assert table.parts == [hash_file(part) for part in parts]
    assert table.digest == table.parts[0]


def test_a_set_is_planned_together() -> None:
    document = planned("starter", "again=" + str(STARTER_FILE), "--ctx", "256")
    sizes = [one["memory"]["total_bytes"] for one in document["models"]]
    assert document["total_bytes"] == sum(sizes)
    alone = planned("starter", "--ctx", "256", "--parallel", "4")["memory"]["total_bytes"]
    budget = str(int(1.2 * alone))
    words = ["starter", f"again={STARTER_FILE}", "--ctx", "256", "--parallel", "4"]
    result = CliRunner().invoke(plan.command, [*words, "--budget", budget, "--json"])
    assert isinstance(result.exception, NotEnoughMemoryError)
    verdicts = [one["verdict"] for one in json.loads(result.stdout)["models"]]
    assert (verdicts[0] in {"fits", "tight"}, verdicts[1]) == (True, "can_never_fit")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "m.gguf"
    broken.write_bytes(STARTER_FILE.read_bytes()[:4000])
    with pytest.raises(ModelFileError):
        plan_models(Order((str(broken),)))


@pytest.mark.parametrize(
    ("before", "after", "kind", "words"),
    [
        (b"blk.0.attn_norm", b"blk.0.attn_nxrm", ModelFileError, "attn_norm"),
        (
            b"llama.block_count" + struct.pack("<II", 4, 6),
            b"llama.block_count" + struct.pack("<II", 4, 5),
            LoadFailedError,
            "wrong number of tensors",
        ),
    ],
    ids=["one is missing", "some mean nothing"],
)
def test_a_model_whose_tensors_the_engine_refuses_is_not_planned(
    before: bytes, after: bytes, kind: type[StokerError], words: str, tmp_path: Path
) -> None:
    """It would not load either."""
    broken, written = tmp_path / "m.gguf", tmp_path / "stoker.toml"
    data = STARTER_FILE.read_bytes()
    assert data.count(before) == 1
    broken.write_bytes(data.replace(before, after))
    result = CliRunner().invoke(plan.command, [str(broken), "--write", str(written)])
    assert isinstance(result.exception, kind), result.output
    assert words in result.exception.message
    assert result.stdout == ""
    assert not written.exists()


def test_where_the_engine_cannot_be_asked_the_formula_counts_and_the_plan_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("STOKER_HOME", str(blocked))
    proposal = plan_models(Order(("starter",)))[0].proposals[0]
    assert proposal.need.source == "formula"
    assert "engine could not count" in proposal.notes[0]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    file = tmp_path / "stoker.toml"
    result = CliRunner().invoke(plan.command, ["starter", *PLANNED, "--write", str(file)])
    assert result.exception is None, result.output
    return file


@pytest.fixture
def service(written: Path, own_home: Path) -> Iterator[RunningService]:
    running = RunningService([COMMAND, "serve", "--port", "0", "--plan", str(written)], own_home)
    yield running
    running.end()


def test_what_was_planned_is_served(service: RunningService) -> None:
    with openai.OpenAI(base_url=f"{service.url}/v1", api_key="-", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="starter",
            messages=[{"role": "user", "content": "How long is the warranty?"}],
            temperature=0,
        )
        with pytest.raises(openai.BadRequestError) as caught:
            client.completions.create(model="starter", prompt="word " * 600, max_tokens=1)
    assert "2 year" in (answer.choices[0].message.content or "")
    assert "512" in str(caught.value)
    assert service.models()[0]["slots"] == 2


def test_a_plan_for_another_file_is_not_served(written: Path, own_home: Path) -> None:
    digest = starter().facts.digest or ""
    written.write_text(written.read_text().replace(digest, "sha256:" + "1" * 64))
    done = subprocess.run(
        [COMMAND, "serve", "--port", "0", "--plan", str(written)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "the plan is for sha256:1111" in done.stderr
    assert "plan --write" in done.stderr


def test_a_plan_and_options_of_ones_own_contradict_each_other(written: Path) -> None:
    argv = [COMMAND, "serve", "--plan", str(written), "--ctx", "256"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert "leave MODEL and its options out" in done.stderr
