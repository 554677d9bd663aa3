"""Findings as a JSON document. `scan` and `audit` have the same records of findings and files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, TypedDict

from advisor.documents import OPTIONAL, document
from advisor.findings import Confidence, Severity
from advisor.triage import Triaged, TriagedFinding


class PlaceRecord(TypedDict):
    """A place in a file. `line` is null for the entire file."""

    path: str
    line: int | None


class FixRecord(TypedDict):
    """The fix of a finding.

    Attributes:
        patch: A unified diff.
        safe: Whether the patch keeps every other behaviour of the deployment.
    """

    text: str
    patch: Annotated[str, OPTIONAL]
    safe: bool


class OverrideRecord(TypedDict):
    """The change of a severity by the configuration file.

    Attributes:
        severity: The severity without the change.
    """

    severity: Severity
    reason: str


class FindingRecord(TypedDict):
    """A finding.

    Attributes:
        overridden: The severity and the reason, if the configuration file changes the severity.
        sources: Ids of rules/sources.yaml.
        url: The page about this kind of finding.
        fingerprint: Identifies the finding after its line moved.
    """

    id: str
    severity: Severity
    overridden: Annotated[OverrideRecord, OPTIONAL]
    confidence: Confidence
    message: str
    why: str
    fix: FixRecord
    locations: list[PlaceRecord]
    sources: list[str]
    url: str
    fingerprint: str


class NotExaminedRecord(TypedDict):
    """A file that was not read, with the reason."""

    path: str
    why: str


class FindingsDocument(TypedDict):
    """Findings in the files of a server and its deployment, version 1.

    Attributes:
        examined: The files that were read.
        suppressed: The number of findings that are left out because of a comment, the configuration file or the
            baseline.
    """

    schema: Literal["mcp-advisor/findings/1"]
    examined: list[str]
    not_examined: list[NotExaminedRecord]
    findings: list[FindingRecord]
    suppressed: Annotated[int, {"minimum": 0}]


def findings_document(triaged: Triaged) -> FindingsDocument:
    """Return findings as JSON types."""
    return document(
        FindingsDocument,
        examined=list(triaged.examined),
        not_examined=[{"path": path, "why": why} for path, why in triaged.not_examined],
        findings=finding_records(triaged.findings),
        suppressed=len(triaged.suppressed),
    )


def finding_records(findings: Iterable[TriagedFinding]) -> list[FindingRecord]:
    """Return the entries of a document for findings."""
    return [_record(each) for each in findings]


def _record(each: TriagedFinding) -> FindingRecord:
    changed = {"overridden": document(OverrideRecord, each.override)} if each.override else {}
    return document(FindingRecord, each.finding, fingerprint=each.fingerprint, **changed)
