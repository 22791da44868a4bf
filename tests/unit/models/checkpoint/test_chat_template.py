"""Where a chat template is found, and which one counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stoker.core.errors import ModelFileGarbageError
from stoker.models.checkpoint.chat_template import read_templates
from stoker.models.checkpoint.documents import TEXT_BYTES_MAX, Folder


def settings(path: Path, template: object) -> None:
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))


def test_a_folder_may_have_none(tmp_path: Path) -> None:
    assert read_templates(Folder(tmp_path)) == {}


def test_the_tokenizers_settings_have_one_or_several(tmp_path: Path) -> None:
    settings(tmp_path, "one")
    assert read_templates(Folder(tmp_path)) == {"default": "one"}
    two = [{"name": "default", "template": "one"}, {"name": "tool_use", "template": "two"}, 7, {}]
    settings(tmp_path, two)
    assert read_templates(Folder(tmp_path)) == {"default": "one", "tool_use": "two"}


def test_a_file_of_its_own_wins(tmp_path: Path) -> None:
    settings(tmp_path, "older")
    (tmp_path / "chat_template.json").write_text('{"chat_template": "newer"}')
    assert read_templates(Folder(tmp_path)) == {"default": "newer"}
    (tmp_path / "chat_template.jinja").write_text("newest\n")
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "rag.jinja").write_text("other")
    assert read_templates(Folder(tmp_path)) == {"default": "newest\n", "rag": "other"}


@pytest.mark.parametrize("template", ["x" * TEXT_BYTES_MAX, "\ud800"])
def test_a_template_that_no_file_could_hold_is_garbage(tmp_path: Path, template: str) -> None:
    settings(tmp_path, template)
    with pytest.raises(ModelFileGarbageError, match="default"):
        read_templates(Folder(tmp_path))
