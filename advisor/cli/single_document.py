"""Writes or checks the document of a requirements file, for the command `document`."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

import datetime
import shlex
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from advisor.console.output import say
from advisor.decision.advisor import default_advisor
from advisor.decision.comparison import Comparison
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.errors import NoDocumentError, UsageError
from advisor.files import reason
from advisor.knowledge.revision import KnowledgeRevision, revision
from advisor.sections.fingerprint import DecisionDifference, Fingerprint, fingerprint, read_fingerprint
from advisor.sections.versions import versions_of
from advisor.team_documents.forms import DocumentForm, document_text, form_of
from advisor.team_documents.records import INDEX, records_of, write_record
from advisor.team_documents.subject import People, Subject
from advisor.team_documents.verification_result import VerificationResult, read_verification
from advisor.team_documents.writing import (
    FileOutcome,
    NewDocument,
    WrittenFile,
    read_document,
    read_text,
    write_document,
)

STANDARD_OUTPUT = "-"
"""The place of a document that is printed."""


class DocumentOrder(NamedTuple):
    """What a document is like.

    Attributes:
        form: the form.
        date: the day of the decision, as YYYY-MM-DD; "" for the day of an existing document, or else today.
        people: the people of the decision.
        verification: the file with the result of `mcp-advisor verify`; "" without a result.
    """

    form: DocumentForm
    date: str
    people: People = People()
    verification: str = ""

    def command(self, file: str, output: str) -> str:
        """Return the command that writes the document."""
        options = [] if self.form is form_of(output) else ["--format", self.form.value]
        for name, names in self.people._asdict().items():
            options += [f"--{name.replace('_', '-')}", ",".join(names)] if names else []
        options += ["--verification", self.verification] if self.verification else []
        return shlex.join(["mcp-advisor", "document", file, "-o", output, *options])


class WrittenDocument(NamedTuple):
    """A document that was written.

    Attributes:
        path: the document. In a conflict, it has a person's text.
        files: what became of the document, and of the other files of a folder of records.
    """

    path: Path
    files: list[WrittenFile]

    @property
    def has_conflict(self) -> bool:
        """Whether a new version is in a file of its own."""
        return any(each.outcome is FileOutcome.CONFLICT for each in self.files)


class CheckedDocument(NamedTuple):
    """A document on the disk, compared with the decision of today.

    Attributes:
        path: the document.
        form: the form of the document.
        differences: in what the document differs from the decision.
        same_versions: whether the document is from the rules and measurements of today.
    """

    path: Path
    form: str
    differences: list[DecisionDifference]
    same_versions: bool


class DocumentWriter:
    """Writes and checks documents with the rules and measurements of today."""

    def __init__(self) -> None:
        """Read the state of the knowledge."""
        self.state: KnowledgeRevision = revision()

    @cached_property
    def _comparer(self) -> Comparer:
        return Comparer(default_advisor())

    def subject(self, decision: Decision, order: DocumentOrder, file: str, output: str) -> Subject:
        """Return what a document is about.

        Raises:
            UsageError: the result of `verify` cannot be read, or is about another service.
        """
        versions = versions_of(decision, self.state)
        compared = self._comparer.compare(decision) if order.form.has_options else Comparison(decision, (), ())
        return Subject(
            comparison=compared,
            versions=versions,
            date=order.date or _day_of(fingerprint(order.form.value, decision, versions, ""), output) or _today(),
            command=order.command(file, output),
            check=check_command(file, output) if output != STANDARD_OUTPUT else "",
            people=order.people,
            verification=_verification(order.verification, decision) if order.verification else None,
        )

    def text(self, decision: Decision, order: DocumentOrder, file: str) -> str:
        """Return a document for standard output.

        Raises:
            UsageError: the result of `verify` cannot be read, or is about another service.
            NoDocumentError: there is no document of this form for the decision.
        """
        return document_text(order.form, self.subject(decision, order, file, STANDARD_OUTPUT))

    def write(self, decision: Decision, order: DocumentOrder, file: str, output: str) -> WrittenDocument:
        """Write a document.

        Raises:
            UsageError: the place has a file that is no document of this form and service, or cannot be written.
            NoDocumentError: there is no document of this form for the decision.
        """
        subject = self.subject(decision, order, file, output)
        try:
            files = _write(subject, order.form, output)
        except OSError as error:
            if error.filename is None:
                raise
            raise UsageError(f"{output}: {reason(error)}.") from None
        first = files[0]
        return WrittenDocument(without_new(first) if first.outcome is FileOutcome.CONFLICT else first.path, files)

    def problem(self, decision: Decision, forms: Iterable[DocumentForm]) -> str:
        """Return why there is no document of these forms for a decision; "" if there is a document."""
        problem = ""
        for form in forms:
            try:
                document_text(form, self.subject(decision, DocumentOrder(form, ""), "", ""))
            except NoDocumentError as error:
                problem = str(error)
            else:
                return ""
        return problem

    def check(self, decision: Decision, path: Path) -> CheckedDocument:
        """Compare a document with the decision. A folder stands for its newest record about the service.

        Raises:
            UsageError: there is no document about the service, or it cannot be read.
        """
        service = decision.requirements["service"]
        if path.is_dir():
            records = records_of(path, service)
            if not records:
                raise UsageError(f"{path} has no record about the service {service!r}.")
            path = records[-1].path
        found = read_document(path, service).fingerprint
        now = fingerprint(found.form, decision, versions_of(decision, self.state), found.date)
        return CheckedDocument(path, found.form, found.differences(now), found.versions == now.versions)


def _day_of(now: Fingerprint, output: str) -> str:
    """Return the day of an existing document with the same decision; "" for no such document."""
    path = Path(output)
    if output == STANDARD_OUTPUT or not path.is_file():
        return ""
    old = read_fingerprint(read_text(path))
    same = old is not None and (old.form, old.service) == (now.form, now.service) and not old.differences(now)
    return old.date if old and same else ""


def _today() -> str:
    return datetime.date.today().isoformat()


def check_command(file: str, output: str) -> str:
    """Return the command that checks a document or a folder of documents."""
    return shlex.join(["mcp-advisor", "document", file, "--check", output])


def is_folder(output: str) -> bool:
    """Return whether the place of a document is a folder. A name that ends in / is a folder, also if it is new."""
    return output.endswith("/") or Path(output).is_dir()


def _write(subject: Subject, form: DocumentForm, output: str) -> list[WrittenFile]:
    adds = subject.verification is not None
    path = Path(output)
    if not is_folder(output):
        return [write_document(path, NewDocument(document_text(form, subject), subject.people, adds))]
    if not form.is_record:
        raise UsageError(
            f"{output} is a directory, and only records (--format adr) are written to a directory. Name a file."
        )

    def made(supersedes: str) -> NewDocument:
        text = document_text(form, subject._replace(supersedes=supersedes))
        return NewDocument(text, subject.people, adds)

    service, core = subject.decision.requirements["service"], subject.decision.core
    name = f"deploy-{service}-as-{core.pattern}" if core.feasible else f"resolve-{service}"
    records = write_record(path, name, made)
    if not records.has_index:
        say_no_list(path / INDEX, "records")
    return list(records.files)


def say_no_list(index: Path, what: str) -> None:
    """Say that an index page of a person has no place for a list."""
    say(f"{index} has no list of {what}. Delete it, or move its text to another file, to get the list.")


def say_conflict(written: WrittenFile) -> None:
    """Say what to do with a new version of a document that a person edited."""
    document = without_new(written)
    say(
        f"{document} has your edits and stays as it is. The new version is in {written.path}. Move the parts that "
        f"you need to {document.name}, with the comment at the end, and delete {written.path.name}."
    )


def without_new(written: WrittenFile) -> Path:
    """Return the document whose new version is in a file of its own."""
    return written.path.with_suffix("")


def _verification(name: str, decision: Decision) -> VerificationResult:
    try:
        raw = Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: {reason(error)}.") from None
    return read_verification(raw, name, decision.requirements["service"])
