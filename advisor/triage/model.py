"""The types of findings with what a team decided about them."""

from __future__ import annotations

from typing import Literal, NamedTuple

from advisor.findings import Finding, Location, Severity

SuppressionKind = Literal["comment", "configuration", "baseline"]


class Suppression(NamedTuple):
    """Why a finding is not reported.

    Attributes:
        kind: an ignore comment in the file, an entry of the configuration file, or an entry of the baseline.
        reason: the reason that a person gave; "" for the baseline.
        location: the comment; without a path for the other kinds.
    """

    kind: SuppressionKind
    reason: str = ""
    location: Location = Location()


class Override(NamedTuple):
    """A changed severity.

    Attributes:
        severity: the severity of the finding without the change.
        reason: the reason that a person gave.
    """

    severity: Severity
    reason: str


class TriagedFinding(NamedTuple):
    """A finding with what the team decided about it.

    Attributes:
        finding: the finding, with the severity that the team chose.
        fingerprint: identifies the finding after its line moved; see `fingerprints`.
        override: the severity that the team changed, or None.
        suppression: why the finding is not reported, or None.
    """

    finding: Finding
    fingerprint: str
    override: Override | None = None
    suppression: Suppression | None = None


class BaselineEntry(NamedTuple):
    """A finding that a team accepted. A baseline has an entry for each.

    Attributes:
        id: The kind of the finding.
        path: The file. A mark replaces each character that is not printable.
        fingerprint: Identifies the finding after its line moved.
    """

    id: str
    path: str
    fingerprint: str


class Triaged(NamedTuple):
    """The result of a command that finds problems.

    Attributes:
        folder: the folder to which all paths are relative, as seen from the current folder; "" for the current folder,
            or for a folder that is not below it.
        examined: the files that were read.
        not_examined: the path and the reason for each file that was not read.
        findings: the findings that are reported, the most severe first.
        suppressed: the findings that are not reported.
        stale: the entries of the baseline that no finding matches, with their lines in the baseline.
    """

    folder: str
    examined: tuple[str, ...]
    not_examined: tuple[tuple[str, str], ...]
    findings: tuple[TriagedFinding, ...]
    suppressed: tuple[TriagedFinding, ...] = ()
    stale: tuple[tuple[int, BaselineEntry], ...] = ()
