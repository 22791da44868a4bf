"""The documents name what exists, and the house has no room that they do not name."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

import stoker
from stoker.cli.main import VERBS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "ARCHITECTURE.md").read_text()
README = (ROOT / "README.md").read_text()
ROOMS = ROOT / "src" / "stoker"


def exists(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(stoker(?:\.[a-z_]+)+)`", PAGE))))
def test_every_module_that_the_page_names_exists(name: str) -> None:
    assert exists(name)


def rows() -> list[tuple[str, str]]:
    table = re.findall(r"^\| `(stoker\.[a-z]+)` \| (.*) \|$", PAGE, re.MULTILINE)
    return [(room, part) for room, text in table for part in re.findall(r"`([a-z_.]+)`", text)]


@pytest.mark.parametrize(("room", "part"), rows())
def test_every_part_of_a_room_exists(room: str, part: str) -> None:
    assert exists(f"{room}.{part}")


def test_every_room_has_a_row() -> None:
    named = set(re.findall(r"^\| `stoker\.([a-z]+)` \|", PAGE, re.MULTILINE))
    folders = {path.parent.name for path in ROOMS.glob("*/__init__.py")}
    modules = {path.stem for path in ROOMS.glob("*.py")} - {"__init__"}
    assert named == folders | modules


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + [
        entry
        for group in project["dependency-groups"].values()
        for entry in group
        if isinstance(entry, str)
    ]
    names = {re.split(r"[^A-Za-z0-9-]", entry)[0] for entry in wanted}
    assert names <= set(re.findall(r"`([A-Za-z0-9-]+)`", PAGE.partition("## Dependencies")[2]))


def test_the_readme_lists_every_verb() -> None:
    cells = re.findall(r"^\| (`stoker [^|]*) \|", README, re.MULTILINE)
    named = {word for cell in cells for word in re.findall(r"`(?:stoker )?([a-z]+)", cell)}
    assert named == set(VERBS)


def test_the_public_names_are_pinned_and_can_be_had() -> None:
    assert stoker.__all__ == [
        "Advice",
        "AsyncLocalModelRuntime",
        "Completion",
        "LocalModelRuntime",
        "Message",
        "ModelNotLoadedError",
        "Needs",
        "StokerError",
        "suggest_runtime",
    ]
    assert all(getattr(stoker, name).__name__ == name for name in stoker.__all__)
    with pytest.raises(AttributeError):
        _ = stoker.nothing


def test_the_version_stands_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == stoker.__version__


@pytest.mark.parametrize(
    "name", ["requirements.lock", "requirements-dev.lock", "requirements-models.lock"]
)
def test_every_requirement_is_hashed_and_no_address_is_recorded(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = [entry for entry in re.split(r"\n(?=\S)", text.strip()) if "==" in entry]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
