"""The command `document`: it writes a document about a decision, or checks whether a document is up to date."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from advisor.cli.document_folder import check_folder, write_folder
from advisor.cli.epilog import epilog
from advisor.cli.inputs import read
from advisor.cli.single_document import STANDARD_OUTPUT, DocumentOrder, DocumentWriter, say_conflict
from advisor.console.output import emit, say
from advisor.decision.advisor import default_advisor
from advisor.decision.model import Decision
from advisor.errors import Exit, UsageError
from advisor.requirements.discovery import Candidate, is_directory
from advisor.team_documents.forms import DocumentForm, form_of
from advisor.team_documents.subject import People
from advisor.team_documents.writing import FileOutcome, WrittenFile, changes_decision

EPILOG = epilog(
    "document requirements.yaml -o docs/decisions/",
    "document requirements.yaml -o decision.html",
    "document requirements.yaml --check docs/decisions/",
    "document deployments/ -o docs/fleet/ --format one-page",
    exit_codes={
        0: "the document is written or already up to date",
        1: "--check: the document is out of date, in its decision or only in its facts; else: your edits stay, and "
        "the new version is in a .new file",
        2: "an input is invalid, or PATH is a file that this command did not write; only documents of other files in a "
        "directory were written",
        3: "no configuration keeps every required feature; the document is a proposal with the possible changes",
        4: "the disk is full",
    },
)

_PEOPLE = "Several names are separated by commas. Repeatable."


def document(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A requirements file, - for standard input, or a directory of requirements files.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The file to write, or - for standard output. With --format adr, PATH can be a directory: the command "
            "then numbers and lists the records in it. A name that ends in / is a directory. If FILE is a directory, "
            "PATH also is.",
        ),
    ] = "",
    form: Annotated[
        DocumentForm | None,
        typer.Option(
            "--format",
            "-f",
            help="The form: adr for a decision record in the form of MADR 4.0.0, one-page for a summary on a printed "
            "page, runbook for alerts, failures and rollouts of the kit. The form decision is the complete decision, "
            "as in `recommend --format markdown`. The form html is a page for a browser. Without --format: html if "
            "PATH ends in .html, else adr.",
        ),
    ] = None,
    check: Annotated[
        str,
        typer.Option(
            "--check",
            metavar="DOC",
            help="Write nothing, and check whether the document DOC still says what FILE states and decides. "
            "A document is out of date also if only a fact differs, because its text, figures and commands are about "
            "the facts. DOC can be the DECISION.md of a kit, or a directory of records. "
            "If FILE is a directory, DOC is the directory of its documents.",
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
        str,
        typer.Option(
            "--date",
            metavar="DATE",
            help="The day of the decision as YYYY-MM-DD. Without it: the day in PATH if PATH has the same decision, "
            "else today.",
        ),
    ] = "",
) -> int:
    """Write the decision as a document for your team.

    The document says which deployment is the decision and why, which other options were considered, and what clients
    lose. Its last lines are a comment with the facts and the decision. --check reads this comment.

    You can edit the document. The command never replaces your text: if you edited the text and the decision changes,
    the new version goes into a file with the ending .new next to your document. In a directory of records, a changed
    decision writes a new record, and only the status of the old record changes.

    For a directory of requirements files, the command writes a document for each file, and an index page that lists
    the services with the greatest risk first.
    """
    if bool(output) == bool(check):
        raise UsageError("Name the file to write with -o PATH, or the document to check with --check DOC.")
    people = People(*(_names(names or []) for names in (decision_makers, consulted, informed)))
    order = DocumentOrder(form or form_of(output), _day(date), people, verification)
    if is_directory(file):
        return check_folder(file, check) if check else write_folder(file, order, output)
    decision = _decide(file)
    if check:
        return _check(decision, check)
    conflict = _write(decision, order, file, output)
    if not decision.feasible:
        return Exit.CONTRADICTION
    return Exit.FINDINGS if conflict else Exit.OK


def _write(decision: Decision, order: DocumentOrder, file: str, output: str) -> bool:
    """Write a document to its place or to standard output. Return whether a person's text is in the place."""
    if output == STANDARD_OUTPUT:
        emit(DocumentWriter().text(decision, order, file))
        return False
    document = DocumentWriter().write(decision, order, file, output)
    for each in document.files:
        _say(each)
    return document.has_conflict


def _decide(file: str) -> Decision:
    advisor = default_advisor()
    requirements = read(Candidate(file), advisor.space)
    assert requirements is not None
    return advisor.decide(requirements)


def _say(written: WrittenFile) -> None:
    if written.outcome is FileOutcome.CONFLICT:
        say_conflict(written)
    else:
        words = {"new": "Wrote {}.", "changed": "Changed {}.", "unchanged": "{} is up to date."}
        say(words[written.outcome.value].format(written.path))


def _check(decision: Decision, name: str) -> int:
    """Print in what a document differs from the decision of today."""
    found = DocumentWriter().check(decision, Path(name))
    if found.differences:
        emit("".join(f"{difference}\n" for difference in found.differences))
        same = "" if changes_decision(found.differences) else ", although the decision stays the same"
        say(f"{found.path} is out of date{same}. The document has the command that writes it again.")
        return Exit.FINDINGS
    newer = "" if found.same_versions else ", also with the rules and measurements of today"
    say(f"{found.path} is up to date{newer}.")
    return Exit.OK


def _names(given: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() for names in given for name in names.split(",") if name.strip())


def _day(given: str) -> str:
    try:
        return datetime.date.fromisoformat(given).isoformat() if given else ""
    except ValueError:
        raise UsageError(f"--date {given!r:.80} is not a day such as 2026-11-29.") from None
