"""The configuration file of a repository: changed severities, and findings that are not reported."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

from advisor.documents import OPTIONAL, OneOf
from advisor.findings import SEVERITIES, Finding, Severity
from advisor.requirements.reader import FileKind
from advisor.requirements.text import quote
from advisor.triage.input_file import InputFile
from advisor.triage.path_patterns import matches

FILE = ".mcp-advisor.yaml"
"""The name of the configuration file in an audited folder."""
VERSION = 1
_KIND = FileKind("a configuration file", "`mcp-advisor schema configuration` shows its keys.")
_LONGEST = 500
_IDS = "The page docs/findings.md and the reports have the ids."
_Text = Annotated[str, {"minLength": 1}]
FindingId = Annotated[str, OneOf("finding")]


class SeverityEntry(NamedTuple):
    """A changed severity.

    Attributes:
        id: The kind of finding.
        severity: The new severity.
        reason: Why the severity is different here.
        path: The files: a pattern such as `tools/**`. Without it: all files.
    """

    id: FindingId
    severity: Severity
    reason: _Text
    path: Annotated[str, OPTIONAL] = ""


class IgnoreEntry(NamedTuple):
    """Findings that are not reported.

    Attributes:
        path: The files: a pattern such as `legacy/**`.
        reason: Why the findings are not reported.
        id: The kind of finding. Without it: all kinds.
    """

    path: _Text
    reason: _Text
    id: Annotated[FindingId, OPTIONAL] = ""


class ConfigurationFile(TypedDict):
    """Configuration of mcp-advisor for a repository, version 1.

    Attributes:
        severity: Changed severities. The last entry that matches a finding counts.
        ignore: Findings that are not reported.
    """

    version: Annotated[Literal[1], OPTIONAL]
    severity: Annotated[list[SeverityEntry], OPTIONAL]
    ignore: Annotated[list[IgnoreEntry], OPTIONAL]


class TriagePolicy(NamedTuple):
    """The entries of a configuration file, in the order of the file."""

    severity: tuple[SeverityEntry, ...] = ()
    ignore: tuple[IgnoreEntry, ...] = ()

    def severity_of(self, finding: Finding) -> SeverityEntry | None:
        """Return the entry that changes the severity of a finding, or None."""
        found = [each for each in self.severity if each.id == finding.id and _covers(each.path, finding)]
        return found[-1] if found else None

    def ignored(self, finding: Finding) -> IgnoreEntry | None:
        """Return the first entry because of which a finding is not reported, or None."""
        for each in self.ignore:
            if each.id in ("", finding.id) and _covers(each.path, finding):
                return each
        return None


def found_configuration(root: Path) -> str:
    """Return the name of the configuration file in an audited folder; "" if there is none.

    A symbolic link to a file outside the folder is no configuration file.
    """
    place = root / FILE
    try:
        is_inside = place.resolve().is_relative_to(root.resolve())
        return str(place) if is_inside and place.exists() else ""
    except (OSError, RuntimeError):
        return ""


def read_configuration(name: str, known: Collection[str]) -> TriagePolicy:
    """Read a configuration file.

    Args:
        name: the file.
        known: the ids of all kinds of findings.

    Raises:
        InputError: the file cannot be read, or has a wrong key or value.
    """
    file = InputFile(name, _KIND)
    data = file.mapping(file.data, (), ("version", "severity", "ignore"), ())
    if data.get("version", VERSION) != VERSION or isinstance(data.get("version"), bool):
        file.problem(("version",), f"{quote(data['version'])} is not a version of this file.", "Allowed: 1.")
    severity = [
        SeverityEntry(**each)
        for each in _entries(file, data, "severity", SeverityEntry, ("id", "severity", "reason"), known)
    ]
    ignore = [IgnoreEntry(**each) for each in _entries(file, data, "ignore", IgnoreEntry, ("path", "reason"), known)]
    file.check()
    return TriagePolicy(tuple(severity), tuple(ignore))


def _entries(
    file: InputFile, data: Mapping[str, Any], section: str, kind: Any, required: tuple[str, ...], known: Collection[str]
) -> list[dict[str, Any]]:
    """Return the entries of a section that have no problem."""
    found = []
    for index, each in enumerate(file.entries(data.get(section, []), (section,))):
        path = (section, index)
        entry = file.mapping(each, path, kind._fields, required)
        values = {}
        for key in kind._fields:
            if key not in entry:
                continue
            place = (*path, key)
            if key == "severity":
                values[key] = file.choice(entry[key], place, SEVERITIES)
            elif key == "id":
                values[key] = file.choice(entry[key], place, known, hint=_IDS)
            else:
                values[key] = file.text(entry[key], place)
                if key == "path" and len(values[key]) > _LONGEST:
                    file.problem(place, f"the pattern is longer than {_LONGEST} characters.")
        if set(required) <= values.keys():
            found.append(values)
    return found


def _covers(pattern: str, finding: Finding) -> bool:
    return not pattern or matches(pattern, finding.locations[0].path)
