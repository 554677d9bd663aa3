"""The requirements that a command was given: single files, directories, standard input."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from advisor.errors import UsageError
from advisor.knowledge.space import FactSpace
from advisor.requirements import Requirements, load_bytes, load_path, reader
from advisor.requirements.discovery import STDIN, Candidate, load_candidate


def read(candidate: Candidate, space: FactSpace) -> Requirements | None:
    """As `load_candidate`, with `-` for standard input.

    Raises:
        InputError: it is meant to hold requirements and is not valid.
        UsageError: there is no standard input.
    """
    if candidate.name == STDIN:
        return load_bytes(_stdin(), "<stdin>", space)
    return load_candidate(candidate, space)


def read_for_kit(name: str, space: FactSpace) -> tuple[bytes, Requirements]:
    """The bytes of a requirements file, and what they say.

    In a kit the file has always the same name, whatever it was called: the same content gives the same kit.

    Raises:
        InputError: it is not valid.
        UsageError: there is no standard input.
    """
    if name == STDIN:
        raw = _stdin()
        requirements = load_bytes(raw, "<stdin>", space)
    else:
        load_path(name, space)  # says what is wrong with a file that is not there, or not a plain file
        raw = Path(name).read_bytes()
        requirements = load_bytes(raw, name, space)
    return raw, replace(requirements, name="requirements.yaml")


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UsageError("There is no standard input to read `-` from.")
    return sys.stdin.buffer.read(reader.MAX_BYTES + 1)
