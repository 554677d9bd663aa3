"""Reads the requirements for a command: from a file, a directory or standard input."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from advisor.errors import UsageError
from advisor.knowledge.space import FactSpace
from advisor.requirements import Requirements, load_bytes, load_path, reader
from advisor.requirements.discovery import STDIN, Candidate, load_candidate


def read(candidate: Candidate, space: FactSpace) -> Requirements | None:
    """Read the requirements of a candidate. The name `-` stands for standard input.

    Returns:
        The requirements, or None for a file of another kind that a directory contains.

    Raises:
        InputError: the file is invalid.
        UsageError: the name is `-` and there is no standard input.
    """
    if candidate.name == STDIN:
        return load_bytes(_stdin(), "<stdin>", space)
    return load_candidate(candidate, space)


def read_named(name: str, space: FactSpace) -> Requirements:
    """Read the requirements file that the user named. The name `-` stands for standard input.

    Raises:
        InputError: the file is invalid.
        UsageError: the name is `-` and there is no standard input.
    """
    return load_bytes(_stdin(), "<stdin>", space) if name == STDIN else load_path(name, space)


def read_for_kit(name: str, space: FactSpace) -> tuple[bytes, Requirements]:
    """Return the bytes of a requirements file and the requirements in it.

    The requirements have the name of the file in a kit, `requirements.yaml`. So the kit depends only on the content.

    Raises:
        InputError: the file is invalid.
        UsageError: the name is `-` and there is no standard input.
    """
    if name == STDIN:
        raw = _stdin()
        requirements = load_bytes(raw, "<stdin>", space)
    else:
        load_path(name, space)  # reports a file that is missing or not a regular file
        raw = Path(name).read_bytes()
        requirements = load_bytes(raw, name, space)
    return raw, replace(requirements, name="requirements.yaml")


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("`-` reads standard input, but standard input is closed. Name a file instead.")
    return sys.stdin.buffer.read(reader.MAX_BYTES + 1)
