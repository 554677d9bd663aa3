"""Findings for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from advisor.console.canvas import Canvas, Screen
from advisor.findings import Location
from advisor.report.decision_summary import SEVERITY_STYLES
from advisor.requirements.text import printable
from advisor.sentences import counted
from advisor.triage import Suppression, Triaged, TriagedFinding

_LONGEST_PATH = 200


def findings_text(triaged: Triaged, phrases: Mapping[str, str], screen: Screen, *, full: bool = False) -> str:
    """Return the findings as text, without the content of the files.

    Args:
        triaged: the findings.
        phrases: the words.
        screen: the width and the colours.
        full: whether to show reasons, fixes and accepted findings.
    """
    canvas = Canvas(screen)
    for path, why in triaged.not_examined:
        canvas.line(f"{shown_place(Location(path))}: ", phrases["findings.unread"].format(why=why))
    draw_findings(canvas, triaged, phrases, None, full=full)
    return canvas.text()


def draw_findings(
    canvas: Canvas, triaged: Triaged, phrases: Mapping[str, str], room: int | None, *, full: bool | None = None
) -> None:
    """Draw the findings, then the accepted findings or their number.

    Args:
        canvas: gets the lines.
        triaged: the findings.
        phrases: the words.
        room: the most lines; None for every finding.
        full: whether to show reasons, fixes and accepted findings. Without it: if there is no limit of lines.
    """
    full = room is None if full is None else full
    canvas.gap()
    accepted = len(triaged.suppressed)
    if not triaged.findings:
        canvas.line(phrases["findings.none"])
    else:
        canvas.line((counted(phrases, "findings.number", len(triaged.findings)), "bold"))
    drawn = 0
    left = None if room is None else room - 3 - bool(accepted)
    for each in triaged.findings:
        block = Canvas(Screen(canvas.width, False, True))
        _draw(block, each, phrases, full=full)
        lines = len(block.text().splitlines())
        if left is not None and lines > left:
            break
        left = None if left is None else left - lines
        _draw(canvas, each, phrases, full=full)
        drawn += 1
    if drawn < len(triaged.findings):
        canvas.line((phrases["findings.more"].format(number=len(triaged.findings) - drawn), "dim"))
    if accepted and not full:
        canvas.line((counted(phrases, "findings.suppressed", accepted), "dim"))
    elif accepted:
        canvas.gap()
        canvas.line((counted(phrases, "findings.suppressed.head", accepted), "bold"))
        for each in triaged.suppressed:
            _draw(canvas, each, phrases, full=False)
            canvas.line(suppression_text(each.suppression, phrases), indent=10)


def suppression_text(suppression: Suppression | None, phrases: Mapping[str, str]) -> str:
    """Return why a finding is accepted."""
    if suppression is None:
        return ""
    words: dict[str, Any] = {"reason": suppression.reason, "place": shown_place(suppression.location)}
    return phrases[f"findings.by.{suppression.kind}"].format(**words)


def override_text(each: TriagedFinding, phrases: Mapping[str, str]) -> str:
    """Return the severity without the configuration file and the reason for the change; "" without a change."""
    if each.override is None:
        return ""
    return phrases["findings.was"].format(severity=each.override.severity, reason=each.override.reason)


def shown_place(place: Location) -> str:
    """Return `path:line`, or the path for an entire file."""
    path = printable(place.path, _LONGEST_PATH)
    return path if place.line is None else f"{path}:{place.line}"


def _draw(canvas: Canvas, each: TriagedFinding, phrases: Mapping[str, str], *, full: bool) -> None:
    finding = each.finding
    severity = (f"{finding.severity:<6}", SEVERITY_STYLES.get(finding.severity, "dim"))
    canvas.pairs([(severity, [finding.message, (f" ({finding.id}, {shown_place(finding.locations[0])})", "dim")])])
    details = [override_text(each, phrases), *([finding.why, finding.fix.text] if full else [])]
    for text in details:
        if text:
            canvas.line(text, indent=10)
