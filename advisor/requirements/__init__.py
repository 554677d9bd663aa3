"""Reads, validates and completes requirements files."""

from __future__ import annotations

import os

from advisor.errors import InputError
from advisor.findings import input_problem
from advisor.knowledge.space import FactSpace
from advisor.requirements import reader
from advisor.requirements.completion import complete
from advisor.requirements.model import Requirements, Tool
from advisor.requirements.validate import validate

__all__ = ["Requirements", "Tool", "complete", "load_bytes", "load_path", "read_document", "validate"]


def load_path(path: str | os.PathLike[str], space: FactSpace, *, partial: bool = False) -> Requirements:
    """Read and validate a requirements file.

    Args:
        path: the file.
        space: the known facts.
        partial: whether to accept a file without the required keys.

    Raises:
        InputError: the file cannot be read or is invalid. The error has every problem.
    """
    return validate(read_document(path), space, partial=partial)


def read_document(path: str | os.PathLike[str], kind: reader.FileKind = reader.REQUIREMENTS) -> reader.SourceDocument:
    """Read a requirements file, or another kind of file, without a check of its keys and values.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        return reader.read_path(path, kind)
    except reader.ReadError as error:
        raise _as_input_error(error) from None


def load_bytes(raw: bytes, name: str, space: FactSpace, *, partial: bool = False) -> Requirements:
    """Validate the content of a requirements file, for example from standard input.

    Args:
        raw: the content.
        name: the name for error messages.
        space: the known facts.
        partial: whether to accept a content without the required keys.

    Raises:
        InputError: the content is invalid. The error has every problem.
    """
    try:
        return validate(reader.read_bytes(raw, name), space, partial=partial)
    except reader.ReadError as error:
        raise _as_input_error(error) from None


def _as_input_error(error: reader.ReadError) -> InputError:
    column = f" (column {error.column})" if error.column else ""
    return InputError(error.name, [input_problem(f"{error.problem}{column}.", error.hint or "", line=error.line)])
