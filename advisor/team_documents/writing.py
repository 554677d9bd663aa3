"""Writes a document, and never replaces the text of a person."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from enum import Enum
from pathlib import Path
from typing import NamedTuple

from advisor.errors import UsageError
from advisor.files import reason, write_atomically
from advisor.sections.fingerprint import DecisionDifference, Fingerprint, read_fingerprint, read_fingerprints
from advisor.team_documents.front_matter import body_of, read_front_matter, with_body, with_values
from advisor.team_documents.subject import People

_DECIDES = ("decision", "features")
"""The parts of a fingerprint whose change is a change of the decision."""


class FileOutcome(str, Enum):
    """What became of a file."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONFLICT = "conflict"


class WrittenFile(NamedTuple):
    """A file, and what became of it. In a conflict, `path` is the file with the new version."""

    path: Path
    outcome: FileOutcome


class ReadDocument(NamedTuple):
    """A document of mcp-advisor on the disk.

    Attributes:
        path: the document.
        text: its text.
        fingerprint: the fingerprint of the decision about the service.
        is_shared: whether the document has decisions about other services, too.
    """

    path: Path
    text: str
    fingerprint: Fingerprint
    is_shared: bool = False

    @property
    def is_edited(self) -> bool:
        """Whether a person edited the text after the front matter."""
        return not self.fingerprint.is_text_of(self.text)


class NewDocument(NamedTuple):
    """A document that is written.

    Attributes:
        text: the text with its fingerprint.
        people: the people that the command names.
        adds_result: whether the text has a result of `verify` that the command names.
    """

    text: str
    people: People = People()
    adds_result: bool = False

    @property
    def fingerprint(self) -> Fingerprint:
        """The fingerprint in the text."""
        found = read_fingerprint(self.text)
        assert found is not None
        return found


def read_text(path: Path) -> str:
    """Return a text file.

    Raises:
        UsageError: the file cannot be read, or it is not text.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {reason(error)}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file in UTF-8.") from None


def read_document(path: Path, service: str) -> ReadDocument:
    """Return a document about a service, also if the document has the decisions of other services.

    Raises:
        UsageError: the file cannot be read, is not a document of mcp-advisor, is not about the service, or has several
            decisions about the service.
    """
    text = read_text(path)
    found = read_fingerprints(text)
    if not found:
        raise UsageError(
            f"{path} has no fingerprint of mcp-advisor, so it is not a document of this command, or the comment at its "
            "end was removed or changed. Write the document to a new path."
        )
    about = [each for each in found if each.service == service]
    if not about:
        others = f"the service {found[0].service!r:.80}" if len(found) == 1 else "several other services"
        raise UsageError(f"{path} is about {others}, and the requirements are about {service!r}.")
    if len(about) > 1:
        raise UsageError(f"{path} has several decisions about the service {service!r}. Write each to a file.")
    return ReadDocument(path, text, about[0], is_shared=len(found) > 1)


def changes_decision(differences: list[DecisionDifference]) -> bool:
    """Return whether the decision or the outcome of a needed feature changes."""
    return any(difference.part in _DECIDES for difference in differences)


def write_document(path: Path, new: NewDocument) -> WrittenFile:
    """Write a document to a file. The front matter of an existing document stays, except the values that change.

    Raises:
        UsageError: the path is a folder, or a file that is no document of this form and of this service alone.
        OSError: the file cannot be written.
    """
    now = new.fingerprint
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, new.text)
        return WrittenFile(path, FileOutcome.NEW)
    old = read_document(path, now.service)
    if old.is_shared:
        raise UsageError(f"{path} has the decisions of several services. Write the new document to another path.")
    if old.fingerprint.form != now.form:
        raise UsageError(f"{path} has the form {old.fingerprint.form!r:.40}. Write the new document to another path.")
    return update_document(old, new)


def update_document(old: ReadDocument, new: NewDocument) -> WrittenFile:
    """Write a new version of a document. If a person edited the text, the new version gets a file of its own (.new).

    Raises:
        OSError: the file cannot be written.
    """
    differences = old.fingerprint.differences(new.fingerprint)
    if old.is_edited and not differences and not new.adds_result:
        return WrittenFile(old.path, FileOutcome.UNCHANGED)
    text = _merged(old, new, differences)
    if text == old.text:
        return WrittenFile(old.path, FileOutcome.UNCHANGED)
    if old.is_edited:
        path = old.path.with_name(f"{old.path.name}.new")
        write_atomically(path, text)
        return WrittenFile(path, FileOutcome.CONFLICT)
    write_atomically(old.path, text)
    return WrittenFile(old.path, FileOutcome.CHANGED)


def _merged(old: ReadDocument, new: NewDocument, differences: list[DecisionDifference]) -> str:
    """Return the new body below the front matter of the old document."""
    if body_of(new.text) == new.text:
        return new.text
    text = with_body(old.text, new.text)
    fresh = read_values(new.text)
    changed = ["status", "date"] if changes_decision(differences) else ["date"] if differences else []
    people = {name.replace("_", "-"): names for name, names in new.people._asdict().items()}
    return with_values(text, {**{name: fresh[name] for name in changed}, **people})


def read_values(document: str) -> dict[str, str]:
    """Return the values of front matter as text."""
    return {name: str(value) for name, value in read_front_matter(document).items()}
