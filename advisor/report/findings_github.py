"""Findings as annotations of GitHub Actions: a line for each finding, which GitHub shows next to the line of code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from advisor.report.decision_github import annotation
from advisor.report.findings_text import override_text
from advisor.report.repository_paths import LONGEST_PATH, repository_path
from advisor.requirements.text import printable
from advisor.triage import Triaged, TriagedFinding


def findings_github(triaged: Triaged, phrases: Mapping[str, str]) -> str:
    """Return a line for each finding, the most severe first, and a notice for each file that was not read."""
    return "".join(f"{line}\n" for line in _lines(triaged, phrases))


def _lines(triaged: Triaged, phrases: Mapping[str, str]) -> Iterator[str]:
    if not triaged.examined:
        yield annotation("info", phrases["findings.nothing"])
    for each in triaged.findings:
        place = each.finding.locations[0]
        yield annotation(
            each.finding.severity,
            _message(each, phrases),
            file=_file(triaged, place.path),
            line=str(place.line or ""),
            title=f"{each.finding.title} ({each.finding.id})",
        )
    for path, why in triaged.not_examined:
        said = phrases["findings.unread"].format(why=why)
        yield annotation("info", said, file=_file(triaged, path), title=phrases["findings.unread.title"])


def _message(each: TriagedFinding, phrases: Mapping[str, str]) -> str:
    changed = override_text(each, phrases)
    parts = [each.finding.message, each.finding.fix.text, f"({changed})" if changed else ""]
    return " ".join(part for part in parts if part)


def _file(triaged: Triaged, path: str) -> str:
    # GitHub's runner decodes only the five characters of a workflow command, so other control characters are replaced.
    return printable(repository_path(triaged.folder, path), LONGEST_PATH)
