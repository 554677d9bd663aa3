"""Findings with a triage, for the tests of triage and of its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from advisor.findings import Finding, Fix, Location
from advisor.knowledge import load
from advisor.triage import Triaged, TriageOrder, triaged
from advisor.triage.baseline import Baseline
from advisor.triage.configuration import TriagePolicy

KNOWN = load()
STATE, PARTS = "state-in-process", "event-store-in-process"
NOTHING = Baseline()


def finding(path: str = "server.py", line: int | None = 1, id: str = STATE, message: str = "A fault.") -> Finding:
    kind = KNOWN.findings[id]
    url = f"https://example.com/{id}"
    fix = Fix("Change it.")
    return Finding(id, message, kind.levels[0], kind.title, fix, (Location(path, line),), why="It breaks.", url=url)


def report(
    root: Path,
    findings: Sequence[Finding],
    policy: TriagePolicy | None = None,
    baseline: Baseline = NOTHING,
    judged: Sequence[str] = tuple(KNOWN.findings),
    unread: Sequence[tuple[str, str]] = (),
) -> Triaged:
    """The triage of findings. Every file of the folder is examined."""
    examined = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    order = TriageOrder(root, judged, policy or TriagePolicy(), baseline)
    return triaged(findings, examined, unread, order, KNOWN)
