"""The index page of a folder of documents: a row for each requirements file, the greatest risk first.

The words are in templates/documents/fleet.md.j2 and fleet.html.j2.
"""

# Without the __future__ import: NamedTuple compiles each annotation that is a string, at every start of the program.

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from markupsafe import Markup

from advisor import __version__
from advisor.knowledge.revision import KnowledgeRevision
from advisor.report.overview import OverviewRow, summary
from advisor.sections.rendering import render
from advisor.team_documents.html_templates import render_html
from advisor.team_documents.marked_part import MarkedPart
from advisor.team_documents.writing import WrittenFile, read_text

INDEX = "index"
"""The name of the index page without its suffix."""

_PART = MarkedPart("fleet")
_LOOK = MarkedPart("look")
"""The style of a page of HTML, with the other elements of its head that a person has no reason to edit."""


class FleetEntry(NamedTuple):
    """A requirements file of a fleet.

    Attributes:
        row: the decision or the error in words. Its name is the path of the file in the folder of requirements.
        document: the path of the document in the folder of documents, with `/`; "" without a document.
        problem: why the file has no document; "" with a document.
    """

    row: OverviewRow
    document: str
    problem: str = ""


class ServiceFleet(NamedTuple):
    """The requirements files of a folder.

    Attributes:
        folder: the folder as the user named it.
        entries: the requirements files.
        state: the state of the knowledge.
        command: the command that writes the documents and the index again.
        check: the command that checks the documents and the index.
        phrases: the phrases of the rules, by id.
    """

    folder: str
    entries: Sequence[FleetEntry]
    state: KnowledgeRevision
    command: str
    check: str
    phrases: Mapping[str, str]


def by_risk(entries: Sequence[FleetEntry]) -> list[FleetEntry]:
    """Return contradictions, then invalid files, then decisions by their worst warnings and lost features."""

    def risk(entry: FleetEntry) -> tuple[object, ...]:
        row = entry.row
        group = 1 if row.warnings is None else 2 if row.decided else 0
        # More warnings of high severity come first, whatever the numbers of the other severities are.
        return group, [-number for number in row.warnings or ()], -len(row.lost), row.file

    return sorted(entries, key=risk)


def write_index(path: Path, fleet: ServiceFleet) -> WrittenFile | None:
    """Write the index page. Return None if a person's page has no place for the list.

    Raises:
        UsageError: the page cannot be read.
        OSError: the page cannot be written.
    """
    is_page = path.suffix == ".html"
    text = f"{_render('list', fleet, is_page)}\n{_render('origin', fleet, is_page)}".rstrip()
    look = _render("look", fleet, is_page).rstrip() if is_page else ""
    before, after = (_render(part, fleet, is_page, _LOOK.marked(look)) for part in ("head", "foot"))
    return _PART.write(path, text, before=f"{before}\n", after=after, others={_LOOK: look} if is_page else {})


def is_list_of(path: Path, fleet: ServiceFleet) -> bool:
    """Return whether an index page has the list of this fleet, or is a person's page without a list.

    Raises:
        UsageError: the page cannot be read.
    """
    text = read_text(path)
    return _render("list", fleet, path.suffix == ".html") in text or not _PART.is_in(text)


def document_places(files: Sequence[str]) -> dict[str, str]:
    """Return for each requirements file the path of its document without a suffix, in the folder of documents.

    This is the path of the file without its suffix. If another file or the index page has the same path, the path
    contains the suffix of the file.

    Args:
        files: the paths of the files in the folder of requirements, with `/`.
    """
    short = {file: str(PurePosixPath(file).with_suffix("")) for file in files}
    taken = [INDEX, *(name.casefold() for name in short.values()), *(file.casefold() for file in files)]
    return {file: name if taken.count(name.casefold()) == 1 else file for file, name in short.items()}


def _render(part: str, fleet: ServiceFleet, is_page: bool, look: str = "") -> str:
    """Return a part of the index page: `look`, `head`, `list`, `origin` or `foot`. The head contains the look."""
    entries = by_risk(fleet.entries)
    values = {
        "part": part,
        "fleet": fleet,
        "entries": entries,
        "phrases": fleet.phrases,
        "version": __version__,
        "summary": summary([entry.row for entry in entries], "", fleet.phrases),
    }
    if not is_page:
        return render("fleet.md.j2", **values)
    kinds = [_kinds(entry.row) for entry in entries]
    return render_html("fleet.html.j2", **values, kinds=kinds, look=Markup(look))  # noqa: S704 (a part of this page)


def _kinds(row: OverviewRow) -> list[str]:
    """Return the filters of the page that show a row."""
    if row.warnings is None:
        return ["invalid"]
    kinds = {"impossible": not row.decided, "high": row.warnings[0] > 0, "lost": bool(row.lost)}
    return [kind for kind, applies in kinds.items() if applies]
