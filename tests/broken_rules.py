"""Rules with a mistake in them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from advisor.errors import Exit, KnowledgeError
from advisor.knowledge.compiler import compile_rules
from advisor.knowledge.paths import rules_dir


@pytest.fixture
def broken(tmp_path: Path) -> Callable[[str, str, str], str]:
    """A function that replaces text in one file of a copy of rules/ and gives the message of the error."""

    def message(name: str, old: str, new: str) -> str:
        shutil.copytree(rules_dir(), tmp_path / "rules")
        path = tmp_path / "rules" / name
        text = path.read_text(encoding="utf-8")
        assert old in text, "the file does not have the text to replace"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(KnowledgeError) as caught:
            compile_rules(tmp_path / "rules")
        assert caught.value.code is Exit.FINDINGS
        return str(caught.value)

    return message
