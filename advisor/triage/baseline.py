"""The baseline: a file with the findings that a team accepted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TypedDict

from advisor.documents import document
from advisor.requirements.reader import FileKind
from advisor.requirements.text import printable
from advisor.triage.input_file import InputFile
from advisor.triage.model import BaselineEntry, TriagedFinding

SCHEMA = "mcp-advisor/baseline/1"
_KIND = FileKind("a baseline", "Write a baseline with the option --write-baseline.", 300_000)
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_LONGEST_PATH = 500


class BaselineDocument(TypedDict):
    """The findings that a team accepted, version 1."""

    schema: Literal["mcp-advisor/baseline/1"]
    findings: list[BaselineEntry]


class Baseline(NamedTuple):
    """A baseline file: its name, and the entries with their lines."""

    name: str = ""
    entries: tuple[tuple[int, BaselineEntry], ...] = ()


def accepting(findings: Iterable[TriagedFinding]) -> Iterator[BaselineEntry]:
    """Yield the entries that accept some findings."""
    for each in findings:
        yield BaselineEntry(each.finding.id, shown_path(each.finding.locations[0].path), each.fingerprint)


def baseline_document(entries: Iterable[BaselineEntry]) -> BaselineDocument:
    """Return the baseline with these entries, in the order of their ids and paths."""
    return document(BaselineDocument, findings=[document(BaselineEntry, entry) for entry in sorted(set(entries))])


def shown_path(path: str) -> str:
    """Return a path as a baseline has it."""
    return printable(path, _LONGEST_PATH)


def read_baseline(name: str) -> Baseline:
    """Read a baseline.

    Raises:
        InputError: the file cannot be read or is not a baseline.
    """
    file = InputFile(name, _KIND)
    data = file.mapping(file.data, (), ("schema", "findings"), ("schema", "findings"))
    if "schema" in data:
        file.choice(data["schema"], ("schema",), [SCHEMA])
    entries = []
    for index, each in enumerate(file.entries(data.get("findings", []), ("findings",))):
        path = ("findings", index)
        entry = file.mapping(each, path, BaselineEntry._fields, BaselineEntry._fields)
        values = {key: file.text(entry[key], (*path, key)) for key in BaselineEntry._fields if key in entry}
        digits = values.get("fingerprint", "")
        if digits and not _FINGERPRINT.fullmatch(digits):
            file.problem((*path, "fingerprint"), f"{printable(digits, 60)!r} is not 16 hexadecimal digits.")
        elif len(values) == len(BaselineEntry._fields):
            entries.append((file.line(path), BaselineEntry(**values)))
    file.check()
    return Baseline(name, tuple(entries))
