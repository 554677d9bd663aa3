"""A folder of decision records: NNNN-title.md and an index. A changed decision supersedes the record before it."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from advisor.files import create, write_atomically
from advisor.report.markdown import said
from advisor.report.markdown_table import table
from advisor.sections.fingerprint import read_fingerprint
from advisor.team_documents.front_matter import body_of, read_front_matter, with_values
from advisor.team_documents.marked_part import MarkedPart
from advisor.team_documents.writing import (
    FileOutcome,
    NewDocument,
    ReadDocument,
    WrittenFile,
    changes_decision,
    read_text,
    update_document,
)

INDEX = "index.md"

_NAME = re.compile(r"(\d{4})-.+\.md")
_TITLE = re.compile(r"^# +(.+?)[ #]*$", re.MULTILINE)
_OPEN = ("", "accepted", "proposed")
"""The statuses that a newer record replaces. Others, such as rejected, are the decision of a person."""
_RECORDS = MarkedPart("records")


class WrittenRecords(NamedTuple):
    """What became of a folder of records.

    Attributes:
        files: the record, then the superseded records and the index, with what became of them.
        has_index: whether the index lists the records; an index without the marks of the list stays as it is.
    """

    files: tuple[WrittenFile, ...]
    has_index: bool


def records_of(folder: Path, service: str) -> list[ReadDocument]:
    """Return the records about a service, the oldest first.

    Raises:
        UsageError: a record cannot be read.
    """
    found = []
    for path in _paths(folder):
        text = read_text(path)
        mark = read_fingerprint(text)
        if mark and (mark.form, mark.service) == ("adr", service):
            found.append(ReadDocument(path, text, mark))
    return found


def write_record(folder: Path, name: str, made: Callable[[str], NewDocument]) -> WrittenRecords:
    """Write a record, mark the records that it supersedes, and write the index.

    Args:
        folder: the folder; it is created.
        name: the part of the file name after the number, without `.md`.
        made: makes the record from the name of the file that the record supersedes; "" for no file.

    Raises:
        UsageError: a record or the index cannot be read.
        OSError: a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = made("")
    earlier = records_of(folder, new.fingerprint.service)
    if not earlier:
        first = _created(folder, name, new)
    elif changes_decision(earlier[-1].fingerprint.differences(new.fingerprint)):
        first = _created(folder, name, made(earlier[-1].path.name))
    else:
        differs = bool(earlier[-1].fingerprint.differences(new.fingerprint))
        before = earlier[-2].path.name if len(earlier) > 1 else ""
        again = differs or new.adds_result
        unchanged = WrittenFile(earlier[-1].path, FileOutcome.UNCHANGED)
        first = update_document(earlier[-1], made(before)) if again else unchanged
    written = [first, *_supersede(records_of(folder, new.fingerprint.service))]
    index = _write_index(folder)
    return WrittenRecords((*written, *([index] if index else [])), index is not None)


def _created(folder: Path, name: str, new: NewDocument) -> WrittenFile:
    number = max((int(path.name[:4]) for path in _paths(folder)), default=0) + 1
    path = folder / f"{number:04}-{name}.md"
    create(path, new.text)
    return WrittenFile(path, FileOutcome.NEW)


def _supersede(records: Sequence[ReadDocument]) -> list[WrittenFile]:
    """Mark each record except the last. A run that was killed before this step is completed by the next run."""
    written = []
    for old, newer in pairwise(records):
        if str(read_front_matter(old.text).get("status") or "") in _OPEN:
            write_atomically(old.path, with_values(old.text, {"status": f"superseded by {newer.path.name[:4]}"}))
            written.append(WrittenFile(old.path, FileOutcome.CHANGED))
    return written


def _write_index(folder: Path) -> WrittenFile | None:
    """Write the list of records into the index. Return None if the index of a person has no place for the list."""
    path = folder / INDEX
    rows = []
    for record in _paths(folder):
        text = read_text(record)
        values = read_front_matter(text)
        title = _TITLE.search(body_of(text))
        state = [said(values.get(name) or "") for name in ("status", "date")]
        rows.append((f"[{record.name[:4]}]({quote(record.name)})", *state, title[1].strip() if title else ""))
    return _RECORDS.write(path, table(("Record", "Status", "Date", "Title"), rows), before="# Decision records\n\n")


def _paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())
