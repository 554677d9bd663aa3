"""The document that `generate --format json` prints."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from advisor.documents import OPTIONAL, document
from advisor.kit.sync.file_changes import Action
from advisor.kit.sync.generate import Generation, diff


class FileRecord(TypedDict):
    """A file of the kit and its change.

    Attributes:
        beside: the file with the other version of an edited file (`.new` or `.bak`); null if there is none.
        diff: the change as a unified diff; only with --diff.
    """

    path: str
    action: Action
    beside: str | None
    diff: Annotated[str, OPTIONAL]


class GenerationDocument(TypedDict):
    """The changes that `generate` made to a kit, version 1.

    Attributes:
        written: false with --diff.
        changed: whether `generate` writes or removes any file of the kit.
    """

    schema: Literal["mcp-advisor/generation/1"]
    directory: str
    written: bool
    changed: bool
    files: list[FileRecord]


def generation_dict(done: Generation, *, written: bool) -> GenerationDocument:
    """Return the document of a generation. If nothing was written, the document contains the diffs."""
    files = [document(FileRecord, change, **({} if written else {"diff": diff(change)})) for change in done.changes]
    return document(GenerationDocument, done, directory=str(done.root), written=written, files=files)
