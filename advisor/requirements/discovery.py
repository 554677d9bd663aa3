"""Finds requirements files in directories."""

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
"""The file name that stands for standard input."""

_SUFFIXES = (".yaml", ".yml", ".json")
# A line that a broken requirements file has and a broken file of another kind does not have.
_MEANT = re.compile(rb"""^\s*\{?\s*["']?service["']?\s*:\s*[^\s{]""", re.MULTILINE)
_HEAD = 64 * 1024
# Sections that files of other kinds also have: Helm values, Compose files, CI configurations.
_COMMON = {"service", "environment", "tools"}


class Candidate(NamedTuple):
    """A file that might contain requirements.

    Attributes:
        name: the path, as the user typed it or below the typed directory.
        found: whether the program found the file in a directory; False if the user named the file.
    """

    name: str
    found: bool = False


def gather(names: Sequence[str]) -> list[Candidate]:
    """Return the files that `names` stand for, each file once. Files of a directory come in the order of their names.

    Args:
        names: files, directories and `-`.

    Raises:
        UsageError: a directory contains no candidate or cannot be read.
    """
    found: dict[str, Candidate] = {}
    for name in names:
        if is_directory(name):
            candidates = list(_walk(name))
            if not candidates:
                raise UsageError(
                    f"{name}: this directory contains no .yaml, .yml or .json file. "
                    "Name a requirements file, or another directory."
                )
            for path in candidates:
                found.setdefault(path, Candidate(path, found=True))
        else:
            found[name] = Candidate(name)
    return list(found.values())


def is_directory(name: str) -> bool:
    """Return whether an argument is the name of a directory."""
    try:
        return name != STDIN and Path(name).is_dir()
    except (OSError, ValueError):  # the later attempt to read it reports the error
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
    """Return the requirements in a file, or None for a file of another kind in a directory.

    Raises:
        InputError: the file is invalid. A file in a directory must look like a requirements file.
    """
    if not candidate.found:
        return load_path(candidate.name, space)
    try:
        document = reader.read_path(candidate.name)
    except reader.ReadError:
        return load_path(candidate.name, space) if _is_meant(candidate.name) else None
    return validate(document, space) if _is_requirements(document.data, space) else None


def _is_requirements(data: object, space: FactSpace) -> bool:
    """Return whether data looks like requirements: it has a service name, or a section that only requirements have."""
    if not isinstance(data, dict) or "schema" in data:  # a decision has a schema
        return False
    named = "service" in data and not isinstance(data["service"], (dict, list))  # in a Helm chart it is a mapping
    return named or not data.keys().isdisjoint(space.tree.keys() - _COMMON)


def _is_meant(name: str) -> bool:
    try:
        with Path(name).open("rb") as file:
            return _MEANT.search(file.read(_HEAD)) is not None
    except OSError:
        return True  # the later attempt to read it reports the error
