"""Fingerprints identify findings after the lines of a file moved."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from advisor.findings import Finding
from advisor.triage.ignore_comments import without_comment
from advisor.triage.source_lines import SourceLines

_DIGITS = 16


def fingerprints(findings: Sequence[Finding], lines: SourceLines) -> list[str]:
    """Return the fingerprint of each finding, as hexadecimal digits.

    The fingerprint comes from the id, the path, the text of the first line, and the occurrence: how many findings above
    have the same id, path and text. Spaces and ignore comments in the line do not count.
    """
    made = dict[int, str]()
    seen = Counter[tuple[str, str, str]]()
    places = [finding.locations[0] for finding in findings]
    for index in sorted(range(len(findings)), key=lambda at: (*_order(findings[at]), at)):
        path = places[index].path
        text = " ".join(without_comment(lines.line(path, places[index].line)).split())
        same = (findings[index].id, path, text)
        made[index] = _digest(*same, str(seen[same]))
        seen[same] += 1
    return [made[index] for index in range(len(findings))]


def _order(finding: Finding) -> tuple[str, int, str]:
    return finding.id, finding.locations[0].line or 0, finding.message


def _digest(*parts: str) -> str:
    content = "\0".join(parts).encode("utf-8", errors="surrogatepass")
    return hashlib.sha256(content).hexdigest()[:_DIGITS]
