"""The counting child tells no figure that it has not checked: another build of the engine fails."""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from stoker.engines.llamacpp import c_library, forms
from stoker.engines.llamacpp import dry_run_child as child
from stoker.engines.llamacpp.dry_run import MEMORY

SPEC = {"n_ctx": 1000, "n_parallel": 3, "n_batch": 2048, "n_ubatch": 512, "allocate": False}
Words = Callable[[], str]


class LeftError(Exception):
    """The child would have ended."""


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[child.Counter, Words]]:
    """A counter without an engine, and what it says before it ends."""

    def leave(status: int) -> None:
        raise LeftError(status)

    monkeypatch.setattr(os, "_exit", leave)
    ours, theirs = os.pipe()
    counter = object.__new__(child.Counter)
    counter._out, counter._spec = theirs, SPEC
    counter._compute_mib, counter._last_level = 0.0, 0
    yield counter, lambda: json.loads(os.read(ours, 4096).decode().removeprefix(MEMORY))["error"]
    os.close(ours)
    os.close(theirs)


def params(kind: Any, known: dict[str, Any], **changes: Any) -> ctypes.Structure:
    made: ctypes.Structure = kind(**known)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("kind", "known", "name", "value"),
    [
        (forms.ModelParams, forms.MODEL_DEFAULTS, "n_gpu_layers", 0),
        (forms.ModelParams, forms.MODEL_DEFAULTS, "no_alloc", True),
        (forms.ContextParams, forms.CONTEXT_DEFAULTS, "n_ctx", 4096),
        (forms.ContextParams, forms.CONTEXT_DEFAULTS, "yarn_ext_factor", 0.0),
        (forms.ContextParams, forms.CONTEXT_DEFAULTS, "kv_unified", True),
    ],
)
def test_a_parameter_with_another_default_is_another_build(
    said: tuple[child.Counter, Words], kind: Any, known: dict[str, Any], name: str, value: Any
) -> None:
    counter, words = said
    counter._check_defaults(params(kind, known), known)
    with pytest.raises(LeftError):
        counter._check_defaults(params(kind, known, **{name: value}), known)
    assert name in words()


def engine(**told: int) -> Any:
    """A library that says of its context what it is given."""
    names = {"n_ctx": 1536, "n_seq_max": 3, "n_batch": 1000, "n_ubatch": 512} | told
    return SimpleNamespace(
        **{f"llama_{name}": lambda _, value=value: value for name, value in names.items()}
    )


@pytest.mark.parametrize("name", ["n_ctx", "n_seq_max", "n_batch", "n_ubatch"])
def test_a_context_that_is_not_as_it_was_asked_for_is_another_build(
    said: tuple[child.Counter, Words], name: str
) -> None:
    counter, words = said
    counter._lib = engine()
    counter._check_context(1)
    counter._lib = engine(**{name: 7})
    with pytest.raises(LeftError):
        counter._check_context(1)
    assert "other parameters" in words()


class Tree:
    """A tree as the engine's map has it, of kinds named by their addresses."""

    def __init__(self, count: int) -> None:
        self.nodes = [forms.Node() for _ in range(count)]
        for at, node in enumerate(self.nodes):
            node.kind, node.model, node.context, node.compute = at + 1, 10 + at, 20 + at, 30 + at
        self.root = self._linked(0, count)

    def _linked(self, begin: int, end: int) -> int | None:
        if begin >= end:
            return None
        middle = (begin + end) // 2
        node = self.nodes[middle]
        node.left, node.right = self._linked(begin, middle), self._linked(middle + 1, end)
        return ctypes.addressof(node)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_maps_nodes_are_read_in_order(count: int) -> None:
    tree = Tree(count)
    assert [node.model for node in child._walk(tree.root, count)] == [
        10 + at for at in range(count)
    ]


def test_a_walk_ends_whatever_the_tree_looks_like() -> None:
    tree = Tree(3)
    tree.nodes[0].left = ctypes.addressof(tree.nodes[2])
    tree.nodes[2].right = ctypes.addressof(tree.nodes[0])
    assert len(child._walk(tree.root, 50)) <= 50


@pytest.mark.parametrize("count", [0, 2, 4, 1 << 40])
def test_a_map_that_counts_itself_otherwise_has_another_form(
    said: tuple[child.Counter, Words], count: int
) -> None:
    counter, words = said
    tree = Tree(3)
    breakdown = forms.Map(root=tree.root, count=count)
    counter._lib = SimpleNamespace(**{forms.BREAKDOWN: lambda _: breakdown})
    with pytest.raises(LeftError):
        list(counter._buffers(1))
    assert "another form" in words()


def test_buffers_that_disagree_with_the_engines_words_are_not_told(
    said: tuple[child.Counter, Words],
) -> None:
    counter, words = said
    counter._hear(2, b"sched_reserve:  CPU compute buffer size =    11.02 MiB\n", None)
    counter._check_words([{"compute": 11_552_800}])
    with pytest.raises(LeftError):
        counter._check_words([{"compute": 12_552_800}])
    assert "11.02 MiB" in words()


def test_errors_are_passed_on_with_their_ends_and_talk_is_not(
    said: tuple[child.Counter, Words], capsys: pytest.CaptureFixture[str]
) -> None:
    counter, _ = said
    for level, text in ((2, b"talk\n"), (4, b"key not found "), (5, b"in model\n"), (2, b"more\n")):
        counter._hear(level, text, None)
    assert capsys.readouterr().err == "key not found in model\n"


def test_without_the_engines_library_it_says_so(
    said: tuple[child.Counter, Words], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    counter, words = said
    monkeypatch.setattr(
        c_library.importlib.util,
        "find_spec",
        lambda _: SimpleNamespace(origin=str(tmp_path / "__init__.py")),
    )
    with pytest.raises(LeftError):
        counter.__init__(counter._out, SPEC)  # type: ignore[misc]
    assert "not there" in words()
