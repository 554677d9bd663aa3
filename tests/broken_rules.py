"""Rules with a mistake in them, and rules that are parsed once."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.errors import Exit, KnowledgeError
from advisor.knowledge import compiler
from advisor.knowledge.compiler import compile_rules
from advisor.knowledge.paths import rules_dir


@pytest.fixture(scope="session", autouse=True)
def _parsed_once() -> Iterator[None]:
    """Parse each text of a rules file once: a test that changes one file then does not parse the others again."""
    read = compiler._read
    parsed: dict[bytes, bytes] = {}

    def known(path: Path, name: str) -> dict[str, Any]:
        try:
            text = path.read_bytes()
        except OSError:
            return read(path, name)
        if text not in parsed:
            parsed[text] = pickle.dumps(read(path, name))  # copied, because the compiler changes what it reads
        content: dict[str, Any] = pickle.loads(parsed[text])
        return content

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "_read", known)
        yield


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
