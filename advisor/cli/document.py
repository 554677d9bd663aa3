"""The command `document`: it writes a document about a decision, or checks whether a document is up to date."""

from __future__ import annotations

import datetime
import shlex
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.epilog import epilog
from advisor.cli.inputs import read
from advisor.console.output import emit, say
from advisor.decision.advisor import default_advisor
from advisor.decision.model import Decision
from advisor.decision.options import Comparer
from advisor.errors import Exit, UsageError
from advisor.files import reason
from advisor.requirements.discovery import Candidate, is_directory
from advisor.team_documents.fingerprint import fingerprint
from advisor.team_documents.forms import DocumentForm, document_text
from advisor.team_documents.records import INDEX, WrittenRecords, records_of, write_record
from advisor.team_documents.subject import People, Subject
from advisor.team_documents.verification_result import VerificationResult, read_verification
from advisor.team_documents.versions import versions_of
from advisor.team_documents.writing import FileOutcome, NewDocument, WrittenFile, read_document, write_document

EPILOG = epilog(
    "document requirements.yaml -o docs/decisions/",
    "document requirements.yaml --check docs/decisions/",
    exit_codes={
        0: "the document is written or already up to date",
        1: "--check: the document is out of date; else: your edits stay, and the new version is in a .new file",
        2: "an input is invalid, or PATH is a file that this command did not write; nothing was written",
        3: "no configuration keeps every required feature; the document is a proposal with the possible changes",
        4: "the disk is full",
    },
)

_PEOPLE = "Several names are separated by commas. Repeatable."


def document(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A requirements file, or - for standard input.")],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The file to write. With --format adr, PATH can be a directory: the command then numbers and lists "
            "the records in it. A name that ends in / is a directory.",
        ),
    ] = "",
    form: Annotated[
        DocumentForm,
        typer.Option(
            "--format",
            "-f",
            help="The form: adr for a decision record in the form of MADR 4.0.0, one-page for a summary on a printed "
            "page, runbook for alerts, failures and rollouts of the kit.",
        ),
    ] = DocumentForm.ADR,
    check: Annotated[
        str,
        typer.Option(
            "--check",
            metavar="DOC",
            help="Write nothing, and check whether the document DOC still says what FILE decides. DOC can be a "
            "directory of records.",
        ),
    ] = "",
    verification: Annotated[
        str,
        typer.Option(
            "--verification",
            metavar="RESULT",
            help="A result of `verify --format json`. The document then says what was verified, and when.",
        ),
    ] = "",
    decision_makers: Annotated[
        list[str] | None,
        typer.Option("--decision-makers", metavar="NAMES", help=f"The people who decide. {_PEOPLE}"),
    ] = None,
    consulted: Annotated[
        list[str] | None,
        typer.Option("--consulted", metavar="NAMES", help=f"The people who give advice. {_PEOPLE}"),
    ] = None,
    informed: Annotated[
        list[str] | None,
        typer.Option("--informed", metavar="NAMES", help=f"The people who are informed. {_PEOPLE}"),
    ] = None,
    date: Annotated[
        str, typer.Option("--date", metavar="DATE", help="The day of the decision as YYYY-MM-DD. Without it: today.")
    ] = "",
) -> int:
    """Write the decision as a document for your team.

    The document says which deployment is the decision and why, which other options were considered, and what clients
    lose. Its last lines are a comment with the facts and the decision. --check reads this comment.

    You can edit the document. The command never replaces your text: if you edited the text and the decision changes,
    the new version goes into a file with the ending .new next to your document. In a directory of records, a changed
    decision writes a new record, and only the status of the old record changes.
    """
    if bool(output) == bool(check):
        raise UsageError("Name the file to write with -o PATH, or the document to check with --check DOC.")
    decision = _decide(file)
    if check:
        return _check(decision, check)
    people = People(*(_names(names or []) for names in (decision_makers, consulted, informed)))
    subject = Subject(
        comparison=Comparer(default_advisor()).compare(decision, searched=2 if form is DocumentForm.ADR else 0),
        versions=versions_of(decision),
        date=_day(date),
        command=_command(file, output, form, people, verification),
        check=shlex.join(["mcp-advisor", "document", file, "--check", output]),
        people=people,
        verification=_verification(verification, decision) if verification else None,
    )
    try:
        conflict = _write(subject, form, output)
    except OSError as error:
        if error.filename is None:
            raise
        raise UsageError(f"{output}: {reason(error)}.") from None
    if not decision.feasible:
        return Exit.CONTRADICTION
    return Exit.FINDINGS if conflict else Exit.OK


def _decide(file: str) -> Decision:
    if is_directory(file):
        raise UsageError(f"{file} is a directory. Name a requirements file.")
    advisor = default_advisor()
    requirements = read(Candidate(file), advisor.space)
    assert requirements is not None
    return advisor.decide(requirements)


def _write(subject: Subject, form: DocumentForm, output: str) -> bool:
    """Write the document and name the written files. Return whether there is a conflict."""
    adds = subject.verification is not None
    path = Path(output)
    if not output.endswith("/") and not path.is_dir():
        written = write_document(path, NewDocument(document_text(form, subject), subject.people, adds))
        _say(written)
        return written.outcome is FileOutcome.CONFLICT
    if form is not DocumentForm.ADR:
        raise UsageError(
            f"{output} is a directory, and only records (--format adr) are written to a directory. Name a file."
        )

    def made(supersedes: str) -> NewDocument:
        text = document_text(form, subject._replace(supersedes=supersedes))
        return NewDocument(text, subject.people, adds)

    service, core = subject.decision.requirements["service"], subject.decision.core
    name = f"deploy-{service}-as-{core.pattern}" if core.feasible else f"resolve-{service}"
    records: WrittenRecords = write_record(path, name, made)
    for each in records.files:
        _say(each)
    if not records.has_index:
        say(f"{path / INDEX} has no list of records. Delete it, or move its text to another file, to get the list.")
    return any(each.outcome is FileOutcome.CONFLICT for each in records.files)


def _say(written: WrittenFile) -> None:
    if written.outcome is FileOutcome.CONFLICT:
        document = written.path.with_suffix("")
        say(
            f"{document} has your edits and stays as it is. The new version is in {written.path}. Move the parts that "
            f"you need to {document.name}, with the comment at the end, and delete {written.path.name}."
        )
    else:
        words = {"new": "Wrote {}.", "changed": "Changed {}.", "unchanged": "{} is up to date."}
        say(words[written.outcome.value].format(written.path))


def _check(decision: Decision, name: str) -> int:
    """Print in what a document differs from the decision of today."""
    service = decision.requirements["service"]
    path = Path(name)
    if path.is_dir():
        records = records_of(path, service)
        if not records:
            raise UsageError(f"{name} has no record about the service {service!r}.")
        path = records[-1].path
    found = read_document(path, service).fingerprint
    now = fingerprint(found.form, decision, versions_of(decision))
    differences = found.differences(now)
    if differences:
        emit("".join(f"{difference}\n" for difference in differences))
        say(f"{path} is out of date. The document has the command that writes it again.")
        return Exit.FINDINGS
    newer = "" if found.versions == now.versions else ", also with the rules and measurements of today"
    say(f"{path} is up to date{newer}.")
    return Exit.OK


def _verification(name: str, decision: Decision) -> VerificationResult:
    try:
        raw = Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"{name}: {reason(error)}.") from None
    return read_verification(raw, name, decision.requirements["service"])


def _command(file: str, output: str, form: DocumentForm, people: People, verification: str) -> str:
    options = [] if form is DocumentForm.ADR else ["--format", form.value]
    for name, names in people._asdict().items():
        options += [f"--{name.replace('_', '-')}", ",".join(names)] if names else []
    options += ["--verification", verification] if verification else []
    return shlex.join(["mcp-advisor", "document", file, "-o", output, *options])


def _names(given: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() for names in given for name in names.split(",") if name.strip())


def _day(given: str) -> str:
    try:
        return datetime.date.fromisoformat(given).isoformat() if given else datetime.date.today().isoformat()
    except ValueError:
        raise UsageError(f"--date {given!r:.80} is not a day such as 2026-11-29.") from None
