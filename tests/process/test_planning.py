"""What a plan says where the engine refuses the model, and where it could not be asked at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from stoker.core.errors import LoadFailedError
from stoker.library.judging import planning
from stoker.library.judging.planning import Order, plan_models
from stoker.testing.architectures import write_architecture
from stoker.testing.stub import StubEngine
from stoker.testing.stub_behaviour import StubBehaviour

pytestmark = pytest.mark.slow


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    monkeypatch.setenv("STOKER_HOME", str(tmp_path / "home"))
    return Order((str(write_architecture(tmp_path / "m.gguf", "llama")),))


def answered_by(behaviour: StubBehaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "find_engine", lambda _: StubEngine(behaviour))


def test_what_the_engine_refuses_is_not_said_to_fit(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_by(StubBehaviour(crash_at_load="wrong number of tensors"), monkeypatch)
    with pytest.raises(LoadFailedError, match="wrong number of tensors"):
        plan_models(order)


def test_an_engine_that_cannot_be_asked_leaves_it_to_the_formula(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered_by(StubBehaviour(crash_at_load=""), monkeypatch)
    proposal = plan_models(order)[0].proposals[0]
    assert proposal.need.source == "formula"
    assert any("could not count" in note for note in proposal.notes)
