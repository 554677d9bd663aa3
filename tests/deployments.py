"""Reads the files of a deployment that a test writes as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeAlias

from advisor.deployment.model import DeploymentFiles, Observations
from advisor.knowledge import Knowledge, load
from advisor.sources.platforms.reader import PlatformReader

Deployed: TypeAlias = Callable[..., DeploymentFiles]


class TextFiles:
    """Files that exist as texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def read(self, name: str) -> bytes | None:
        text = self._texts.get(name)
        return None if text is None else text.encode()


def deployed(texts: Mapping[str, str], **readers: Any) -> DeploymentFiles:
    """Read files by their path; a file of no platform is skipped."""
    files = {path: dedent(text) for path, text in texts.items()}
    reader = PlatformReader(load(), TextFiles(files), **readers)
    for path, text in files.items():
        reader.add(text, path)
    return reader.result()


def folder_of(folder: Path, knowledge: Knowledge) -> DeploymentFiles:
    """Read all files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return deployed({path.relative_to(folder).as_posix(): path.read_text() for path in paths})


def values(observed: Observations) -> dict[str, object]:
    """Return the values without their places."""
    return {name: each.value for name, each in observed.items()}


def lines(observed: Observations) -> dict[str, tuple[object, int | None]]:
    """Return the values with their lines."""
    return {name: (each.value, each.location.line) for name, each in observed.items()}
