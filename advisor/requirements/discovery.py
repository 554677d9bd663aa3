"""Requirements files in directories: the files that can hold requirements, and the ones that do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.errors import UsageError
from advisor.files import reason
from advisor.knowledge.space import FactSpace
from advisor.requirements import Requirements, load_path, reader, validate

STDIN = "-"
"""The name that stands for standard input."""

_SUFFIXES = (".yaml", ".yml", ".json")
# What tells a broken requirements file from a broken file of another kind, when neither can be parsed.
_MEANT = re.compile(rb"""^\s*\{?\s*["']?service["']?\s*:\s*[^\s{]""", re.MULTILINE)
_HEAD = 64 * 1024
# Sections that files of other kinds have as well: Helm values, compose files, CI configurations.
_COMMON = {"service", "environment", "tools"}


class Candidate(NamedTuple):
    """A file that might hold requirements.

    Attributes:
        name: as the user named it.
        found: whether it was found in a directory and not named itself.
    """

    name: str
    found: bool = False


def gather(names: Sequence[str]) -> list[Candidate]:
    """Every file that `names` stand for, each once, directories walked in the order of names.

    Raises:
        UsageError: a directory without any candidate, or that cannot be read.
    """
    found: dict[str, Candidate] = {}
    for name in names:
        if is_directory(name):
            candidates = list(_walk(name))
            if not candidates:
                raise UsageError(f"{name}: there is no .yaml, .yml or .json file in this directory.")
            for path in candidates:
                found.setdefault(path, Candidate(path, found=True))
        else:
            found[name] = Candidate(name)
    return list(found.values())


def is_directory(name: str) -> bool:
    """Whether an argument names a directory."""
    try:
        return name != STDIN and Path(name).is_dir()
    except (OSError, ValueError):  # reading it will say what is wrong
        return False


def _walk(root: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: this directory cannot be read ({reason(error)}).")

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                yield str(Path(folder, name))


def load_candidate(candidate: Candidate, space: FactSpace) -> Requirements | None:
    """The requirements in a file, or None for a file of another kind that was only found.

    Raises:
        InputError: it is meant to hold requirements and is not valid.
    """
    if not candidate.found:
        return load_path(candidate.name, space)
    try:
        document = reader.read_path(candidate.name)
    except reader.ReadError:
        return load_path(candidate.name, space) if _is_meant(candidate.name) else None
    return validate(document, space) if _is_requirements(document.data, space) else None


def _is_requirements(data: object, space: FactSpace) -> bool:
    """Whether plain data is meant as requirements: it names a service, or has a section that only they have."""
    if not isinstance(data, dict) or "schema" in data:  # a decision has a schema
        return False
    named = "service" in data and not isinstance(data["service"], (dict, list))  # in a Helm chart it is a mapping
    return named or not data.keys().isdisjoint(space.tree.keys() - _COMMON)


def _is_meant(name: str) -> bool:
    try:
        with Path(name).open("rb") as file:
            return _MEANT.search(file.read(_HEAD)) is not None
    except OSError:
        return True  # so that the user learns that it cannot be read
