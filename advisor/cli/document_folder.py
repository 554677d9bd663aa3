"""Writes or checks the documents of a folder of requirements files, for the command `document`."""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from advisor.cli.inputs import read
from advisor.cli.single_document import (
    CheckedDocument,
    DocumentOrder,
    DocumentWriter,
    check_command,
    say_conflict,
    say_no_list,
)
from advisor.console.output import emit, say
from advisor.decision.advisor import default_advisor
from advisor.errors import AdvisorError, Exit, InputError, NoDocumentError, UsageError
from advisor.files import reason
from advisor.report.overview import Result, overview_row
from advisor.requirements import Requirements
from advisor.requirements.discovery import gather
from advisor.sentences import amount
from advisor.team_documents.fleet import INDEX, FleetEntry, ServiceFleet, document_places, is_list_of, write_index
from advisor.team_documents.forms import DocumentForm
from advisor.team_documents.writing import FileOutcome


class FolderFile(NamedTuple):
    """A requirements file of a folder.

    Attributes:
        name: the file as the user would name it.
        path: the path in the folder, with `/`.
        place: the path of its document in the folder of documents, without a suffix.
        found: the requirements or the error.
    """

    name: str
    path: str
    place: str
    found: Requirements | InputError

    def output(self, folder: str, form: DocumentForm) -> str:
        """Return the place of the document in a folder of documents. The name of a folder of records ends in /."""
        return f"{Path(folder, self.place).as_posix()}{'/' if form.is_record else form.suffix}"


def write_folder(folder: str, order: DocumentOrder, output: str) -> int:
    """Write a document for each requirements file, and the index page. A file with an error does not stop the others.

    Returns:
        2 if a file has no document because of an error. It is no error if no document of this form is possible. Else 3
        if a decision is a contradiction, 1 if a new version is in a file of its own, or 0.

    Raises:
        UsageError: the folder has no requirements, or the index page cannot be written.
    """
    if order.verification:
        raise UsageError(f"{order.verification} is the result for a single service. Name a requirements file.")
    writer, target = DocumentWriter(), Path(output)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{output} is a file, and the documents of a directory are written to a directory.")
    counts: Counter[FileOutcome] = Counter()
    entries, codes = [], {Exit.OK}
    for file in _files(folder):
        result = _decided(file)
        document, problem = "", ""
        if result.decision is None:
            codes.add(Exit.USAGE)
        else:
            codes.add(Exit.OK if result.decision.feasible else Exit.CONTRADICTION)
            try:
                written = writer.write(result.decision, order, file.name, file.output(output, order.form))
            except AdvisorError as error:
                problem = str(error)
                say(f"{file.name}: {problem}")
                # If no document of this form is possible, nothing is wrong. The index page says why.
                codes.add(Exit.OK if isinstance(error, NoDocumentError) else error.code)
            else:
                document = written.path.relative_to(target).as_posix()
                counts[written.files[0].outcome] += 1
                codes.add(Exit.FINDINGS if written.has_conflict else Exit.OK)
                for each in written.files:
                    if each.outcome is FileOutcome.CONFLICT:
                        say_conflict(each)
        entries.append(_entry(file, result, document, problem))
    index = target / f"{INDEX}{order.form.suffix}"
    fleet = _fleet(folder, entries, writer, order.command(folder, output), output)
    try:
        target.mkdir(parents=True, exist_ok=True)
        if write_index(index, fleet) is None:
            say_no_list(index, "services")
    except OSError as error:
        if error.filename is None:
            raise
        raise UsageError(f"{index}: {reason(error)}.") from None
    amounts = ", ".join(f"{counts[outcome]} {outcome.value}" for outcome in FileOutcome if counts[outcome])
    say(f"{index}: {amount(sum(counts.values()), 'document')} ({amounts or 'no file without an error'}).")
    return next(code for code in (Exit.USAGE, Exit.CONTRADICTION, Exit.FINDINGS, Exit.OK) if code in codes)


def check_folder(folder: str, output: str) -> int:
    """Print in what the documents of a folder of requirements and their index pages differ from the decisions of today.

    Returns:
        2 if a requirements file has an error, else 1 if a document or its row in the index page is missing or out of
        date, else 0.

    Raises:
        UsageError: the folder has no requirements, or it has no document.
    """
    writer = DocumentWriter()
    decided = [(file, _decided(file)) for file in _files(folder)]
    kinds = {(form.is_record, form.suffix): form for form in DocumentForm}.values()
    checks = [FolderCheck.of(decided, form, output, writer) for form in kinds]
    checks = [check for check in checks if check.forms]
    if not checks:
        raise UsageError(f"{output} has no document of this command about a requirements file in {folder}.")
    lines = [line for check in checks for line in check.lines]
    for suffix in dict.fromkeys(check.form.suffix for check in checks):
        index = Path(output, f"{INDEX}{suffix}")
        fleets = [_fleet(folder, each.entries, writer, "", output) for each in checks if each.form.suffix == suffix]
        if not index.exists():
            lines.append(f"{index}: there is no such index page.")
        elif not any(is_list_of(index, fleet) for fleet in fleets):
            lines.append(f"{index}: the list of services is out of date.")
    emit("".join(f"{line}\n" for line in lines))
    failed = any(result.decision is None for _, result in decided)
    if lines:
        say(f"Documents in {output} are out of date. Their index page has the command that writes them again.")
    elif not failed:
        say(f"All documents in {output} are up to date.")
    return Exit.USAGE if failed else Exit.FINDINGS if lines else Exit.OK


class FolderCheck(NamedTuple):
    """The documents of a folder that have names of the same kind.

    Attributes:
        form: a form whose documents have such names.
        forms: the forms of the documents.
        entries: an entry for each requirements file.
        lines: in what the documents differ from the decisions of today.
    """

    form: DocumentForm
    forms: set[DocumentForm]
    entries: list[FleetEntry]
    lines: list[str]

    @classmethod
    def of(
        cls, decided: Sequence[tuple[FolderFile, Result]], form: DocumentForm, output: str, writer: DocumentWriter
    ) -> "FolderCheck":
        """Compare the documents with the decisions."""
        found: dict[str, CheckedDocument | str] = {}
        for file, result in decided:
            path = Path(file.output(output, form))
            if result.decision is not None and (any(path.glob("*.md")) if form.is_record else path.is_file()):
                try:
                    found[file.name] = writer.check(result.decision, path)
                except UsageError as error:
                    found[file.name] = str(error)
        named = {each.form for each in found.values() if isinstance(each, CheckedDocument)}
        forms = {form for form in DocumentForm if form.value in named}  # A kit's DECISION.md has none of these forms.
        check = cls(form, forms, [], [])
        for file, result in decided if forms else ():
            check._add(file, result, found.get(file.name), output, writer)
        return check

    def _add(
        self,
        file: FolderFile,
        result: Result,
        found: CheckedDocument | str | None,
        output: str,
        writer: DocumentWriter,
    ) -> None:
        document = problem = ""
        if isinstance(found, CheckedDocument):
            document = found.path.relative_to(output).as_posix()
            self.lines.extend(f"{found.path}: {difference}" for difference in found.differences)
        elif found is not None:
            problem = found
            self.lines.append(problem)
        elif result.decision is not None:
            problem = writer.problem(result.decision, self.forms)
            if not problem:
                self.lines.append(f"{file.output(output, self.form)}: there is no such document about {file.name}.")
        self.entries.append(_entry(file, result, document, problem))


def _files(folder: str) -> list[FolderFile]:
    """Read the requirements files of a folder, and name each error."""
    space = default_advisor().space
    found: list[tuple[str, Requirements | InputError]] = []
    for candidate in gather([folder]):
        try:
            requirements = read(candidate, space)
        except InputError as error:
            say(str(error))
            found.append((candidate.name, error))
        else:
            if requirements is not None:
                found.append((candidate.name, requirements))
    if not found:
        raise UsageError(f"{folder}: no file in this directory contains requirements.")
    paths = [Path(name).relative_to(folder).as_posix() for name, _ in found]
    places = document_places(paths)
    return [FolderFile(name, path, places[path], each) for (name, each), path in zip(found, paths, strict=True)]


def _decided(file: FolderFile) -> Result:
    if isinstance(file.found, InputError):
        return Result(file.name, None, file.found)
    return Result(file.name, default_advisor().decide(file.found))


def _entry(file: FolderFile, result: Result, document: str, problem: str) -> FleetEntry:
    row = overview_row(result, file.path, default_advisor().knowledge.phrases)
    return FleetEntry(row, document, row.error or problem)


def _fleet(
    folder: str, entries: Sequence[FleetEntry], writer: DocumentWriter, command: str, output: str
) -> ServiceFleet:
    phrases = default_advisor().knowledge.phrases
    return ServiceFleet(folder, entries, writer.state, command, check_command(folder, output), phrases)
