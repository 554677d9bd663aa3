"""Finds requirements files in directories."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.errors import InputError, UsageError
from advisor.files import reason
from advisor.findings import input_problem
from advisor.knowledge.space import FactSpace
from advisor.requirements import Requirements, load_path, reader, validate
from advisor.requirements.key_hints import is_misspelled
from advisor.requirements.validate import VERSION

STDIN = "-"
"""The file name that stands for standard input."""

# A line that a broken requirements file has and a broken file of another kind does not have.
_MEANT = re.compile(rb"""^\s*\{?\s*["']?service["']?\s*:\s*[^\s{]""", re.MULTILINE)
_HEAD = 64 * 1024
# Sections that files of other kinds also have: Helm values, Compose files, CI configurations.
_COMMON = {"service", "environment", "tools"}


class Candidate(NamedTuple):
    """A file that might contain requirements, or an unreadable directory that might contain such files.

    Attributes:
        name: the path, as the user typed it or below the typed directory.
        found: whether the program found the file in a directory; False if the user named the file.
        problem: for a directory, why it cannot be read; "" for a file.
    """

    name: str
    found: bool = False
    problem: str = ""


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
            for candidate in candidates:
                found.setdefault(candidate.name, candidate)
        else:
            found[name] = Candidate(name)
    return list(found.values())


def is_directory(name: str) -> bool:
    """Return whether an argument is the name of a directory."""
    try:
        return name != STDIN and Path(name).is_dir()
    except (OSError, ValueError):  # the later attempt to read it reports the error
        return False


def _walk(root: str) -> Iterator[Candidate]:
    unreadable: list[Candidate] = []

    def report(error: OSError) -> None:
        problem = f"this directory cannot be read ({reason(error)})."
        if error.filename == root:
            raise UsageError(f"{root}: {problem}")
        unreadable.append(Candidate(error.filename, found=True, problem=problem))

    for folder, folders, files in os.walk(root, onerror=report):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(reader.SUFFIXES) and not name.startswith("."):
                yield Candidate(str(Path(folder, name)), found=True)
    yield from unreadable


def load_candidate(candidate: Candidate, space: FactSpace) -> Requirements | None:
    """Return the requirements in a file, or None for a file of another kind in a directory.

    Raises:
        InputError: the file is invalid, or the candidate is a directory that cannot be read. A file in a directory
            must look like a requirements file.
    """
    if candidate.problem:
        raise InputError(candidate.name, [input_problem(candidate.problem)])
    if not candidate.found:
        return load_path(candidate.name, space)
    try:
        document = reader.read_path(candidate.name)
    except reader.ReadError:
        return load_path(candidate.name, space) if _is_meant(candidate.name) else None
    return validate(document, space) if _is_requirements(document.data, space) else None


def _is_requirements(data: object, space: FactSpace) -> bool:
    """Return whether data looks like requirements.

    It has a service name, a section that only requirements have, or such keys with typing errors.
    """
    if not isinstance(data, dict) or "schema" in data:  # a decision has a schema
        return False
    named = "service" in data and not isinstance(data["service"], (dict, list))  # in a Helm chart it is a mapping
    known = not data.keys().isdisjoint(space.tree.keys() - _COMMON)
    return named or known or is_misspelled(data, VERSION, space)


def _is_meant(name: str) -> bool:
    try:
        with Path(name).open("rb") as file:
            return _MEANT.search(file.read(_HEAD)) is not None
    except OSError:
        return True  # the later attempt to read it reports the error
