"""The requirements files that a command was given: single files, directories, standard input."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from advisor.errors import UsageError
from advisor.knowledge.space import FactSpace
from advisor.requirements import Requirements, load_bytes, load_path, reader, validate

STDIN = "-"
_SUFFIXES = (".yaml", ".yml", ".json")
# What tells a broken requirements file from a broken file of another kind, when neither can be parsed.
_MEANT = re.compile(rb"""^\s*\{?\s*["']?service["']?\s*:\s*[^\s{]""", re.MULTILINE)
_HEAD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Input:
    """A file that may hold requirements.

    Attributes:
        name: as the user named it, or `-`.
        found: whether it was found in a directory and not named itself.
    """

    name: str
    found: bool = False


def gather(names: Sequence[str]) -> list[Input]:
    """Every input that `names` stand for, each once, directories walked in the order of names.

    Raises:
        UsageError: a directory without any candidate, or that cannot be read.
    """
    inputs: dict[str, Input] = {}
    for name in names:
        if is_directory(name):
            candidates = list(_walk(name))
            if not candidates:
                raise UsageError(f"{name}: there is no .yaml, .yml or .json file in this directory.")
            for path in candidates:
                inputs.setdefault(path, Input(path, found=True))
        else:
            inputs[name] = Input(name)
    return list(inputs.values())


def is_directory(name: str) -> bool:
    """Whether an argument names a directory."""
    try:
        return name != STDIN and Path(name).is_dir()
    except (OSError, ValueError):  # reading it will say what is wrong
        return False


def _walk(root: str) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise UsageError(f"{error.filename}: this directory cannot be read ({(error.strerror or '').lower()}).")

    for folder, folders, files in os.walk(root, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.lower().endswith(_SUFFIXES) and not name.startswith("."):
                yield str(Path(folder, name))


def read(one: Input, space: FactSpace) -> Requirements | None:
    """The requirements in an input, or None for a file of another kind that was only found.

    Raises:
        InputError: it is meant to hold requirements and is not valid.
        UsageError: there is no standard input.
    """
    if one.name == STDIN:
        return load_bytes(_stdin(), "<stdin>", space)
    if not one.found:
        return load_path(one.name, space)
    try:
        document = reader.read_path(one.name)
    except reader.ReadError:
        return load_path(one.name, space) if _is_meant(one.name) else None
    return validate(document, space) if _is_requirements(document.data, space) else None


def read_for_kit(name: str, space: FactSpace) -> tuple[bytes, Requirements]:
    """The bytes of one requirements file, and what they say.

    In a kit the file has always the same name, whatever it was called: the same content gives the same kit.

    Raises:
        InputError: it is not valid.
        UsageError: there is no standard input.
    """
    if name == STDIN:
        raw = _stdin()
        requirements = load_bytes(raw, "<stdin>", space)
    else:
        load_path(name, space)  # says what is wrong with a file that is not there, or not a plain one
        raw = Path(name).read_bytes()
        requirements = load_bytes(raw, name, space)
    return raw, replace(requirements, name="requirements.yaml")


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("There is no standard input to read `-` from.")
    return sys.stdin.buffer.read(reader.MAX_BYTES + 1)


# Sections that files of other kinds have as well: Helm values, compose files, CI configurations.
_COMMON = {"service", "environment", "tools"}


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
        return True  # nobody can tell; better to say that it cannot be read
