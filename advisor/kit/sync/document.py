"""The document that `generate --format json` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, TypedDict

from advisor.documents import OPTIONAL, document
from advisor.kit.sync.file_changes import Action
from advisor.kit.sync.generate import Generation, diff


class FileRecord(TypedDict):
    """A file of the kit and its change.

    Attributes:
        beside: the file with the other version of an edited file (`.new`, `.rej` or `.bak`); null if there is none.
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


class MadeKit(NamedTuple):
    """A kit that was written or previewed.

    Attributes:
        file: the requirements file.
        folder: the folder of the kit in the folder of all kits, or "" for a single kit.
        done: the changes of the kit.
        notes: what clients of the kit must know, in words.
        written: false for a preview.
        left_out: parts of the complete kit that this run does not write and that the folder does not have.
    """

    file: str
    folder: str
    done: Generation
    notes: list[str]
    written: bool
    left_out: list[str]


class KitError(NamedTuple):
    """A requirements file without a kit.

    Attributes:
        file: the requirements file.
        message: the reason, for the user.
        code: the exit code of `generate` for this file alone.
    """

    file: str
    message: str
    code: int


class KitOfFile(GenerationDocument, TypedDict):
    """The kit of a file among several requirements files.

    Attributes:
        file: the requirements file.
    """

    file: str


class GenerationsDocument(TypedDict):
    """The kits of the requirements files in a directory, version 1.

    Attributes:
        errors: the files without a kit.
    """

    schema: Literal["mcp-advisor/generations/1"]
    kits: list[KitOfFile]
    errors: list[KitError]


def generations_dict(made: Sequence[MadeKit], errors: Sequence[KitError]) -> GenerationsDocument:
    """Return the document of several generations."""
    kits: list[KitOfFile] = [{"file": kit.file, **generation_dict(kit.done, written=kit.written)} for kit in made]
    return document(GenerationsDocument, kits=kits, errors=errors)


def generation_dict(done: Generation, *, written: bool) -> GenerationDocument:
    """Return the document of a generation. If nothing was written, the document contains the diffs."""
    files = [document(FileRecord, change, **({} if written else {"diff": diff(change)})) for change in done.changes]
    return document(GenerationDocument, done, directory=str(done.root), written=written, files=files)
