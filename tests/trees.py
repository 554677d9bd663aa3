"""Small servers for the tests of the scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import TypeAlias

import pytest

from advisor.knowledge import Knowledge
from advisor.sources.code_model import ScannedTree
from advisor.sources.code_scan import scan

Scan: TypeAlias = Callable[..., ScannedTree]


@pytest.fixture
def scanned(tmp_path: Path, knowledge: Knowledge) -> Scan:
    """Return a function that writes files and scans their folder. The text without a name is `server.py`."""

    def run(code: str = "", /, **files: str) -> ScannedTree:
        for name, text in {**({"server.py": code} if code else {}), **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        return scan(tmp_path, knowledge)

    return run
