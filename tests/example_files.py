"""Copies of the examples, for tests that change a requirements file."""

from __future__ import annotations

import shutil
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def copied_example(folder: Path) -> Path:
    """Copy an example to `folder`, and return the copy."""
    return Path(shutil.copy(EXAMPLES / "customer-service-agent.yaml", folder / "a.yaml"))


def change(file: Path, old: str, new: str) -> None:
    """Replace a text that the file must contain."""
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
