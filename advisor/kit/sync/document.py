"""What `generate` did, as the document that `generate --format json` prints."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from advisor.documents import OPTIONAL, document
from advisor.kit.sync.file_changes import Action
from advisor.kit.sync.generate import Generation, diff


class FileRecord(TypedDict):
    """A file of the kit, and what happens to it.

    Attributes:
        beside: the other version of a file that was edited, where the other version is kept.
        diff: with --diff, what would change.
    """

    path: str
    action: Action
    beside: str | None
    diff: Annotated[str, OPTIONAL]


class GenerationDocument(TypedDict):
    """What `generate` did to a kit, version 1.

    Attributes:
        written: false with --diff.
        changed: whether any file of the kit is written or removed.
    """

    schema: Literal["mcp-advisor/generation/1"]
    directory: str
    written: bool
    changed: bool
    files: list[FileRecord]


def generation_dict(done: Generation, *, written: bool) -> GenerationDocument:
    """The document of a generation; with the diffs, where nothing was written."""
    files = [document(FileRecord, change, **({} if written else {"diff": diff(change)})) for change in done.changes]
    return document(GenerationDocument, done, directory=str(done.root), written=written, files=files)
